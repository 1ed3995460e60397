"""The Event Socket as bytes: header blocks, some with a body, and the events that they carry.

What belongs here: pure encoding and decoding. What does not: sockets (esl.py), what an event means (translate.py).

A frame is a block of "Key: value" lines with an empty line after it, then as many bytes as its Content-Length says. An
event is such a block once more, its values %-encoded: lines are told apart before values are decoded, so that a
caller's name cannot become a header. What cannot be a length ends the connection: where the next frame begins nobody
knows then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

import orjson

from callguard.errors import BadInput, LinkDown

HEAD_CAP = 2 * 1024 * 1024
"""Bytes of a header block: the answer to `connect` holds every variable of a channel in one."""
BODY_CAP = 16 * 1024 * 1024
"""Bytes of a body; events of a megabyte are real."""
BODY = "_body"
"""Under what name an event keeps the body that it carries itself."""
_LENGTH = re.compile(r"[0-9]{1,9}\Z")
_FORBIDDEN = re.compile(r"[\r\n\0]")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")

Message = Mapping[str, str]
"""An event: its headers decoded, by name; of a name that comes twice the first."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `headers`: as they came, still encoded; `body`: b"" where there is none."""

    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def get(self, key: str, default: str = "") -> str:
        """The first value of KEY."""
        return next((value for name, value in self.headers if name == key), default)

    @property
    def kind(self) -> str:
        """Its Content-Type."""
        return self.get("Content-Type")

    @property
    def text(self) -> str:
        """What it answers: its body, or its Reply-Text. A byte that is no UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace") if self.kind == "api/response" else unquote(self.get("Reply-Text"))


class Decoder:
    """Bytes in, frames out, however the bytes were cut."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._looked = 0
        self._head: tuple[tuple[str, str], ...] | None = None
        self._length = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with DATA, to be read to the end. Raises LinkDown behind the last good one where
        the stream cannot be read on.
        """
        self._rest += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        if self._head is None and not self._read_head():
            return None
        if self._head is None or len(self._rest) < self._length:
            return None
        body = bytes(self._rest[: self._length])
        del self._rest[: self._length]
        frame, self._head, self._looked = Frame(self._head, body), None, 0
        return frame

    def _read_head(self) -> bool:
        """Whether a header block is complete."""
        if self._rest.startswith(b"\n"):  # asked first: to look for their end is to copy all that came
            del self._rest[: len(self._rest) - len(self._rest.lstrip(b"\n"))]
        end = self._rest.find(b"\n\n", max(0, self._looked - 1))
        self._looked = len(self._rest)
        if max(end, self._looked if end < 0 else 0) > HEAD_CAP:
            raise LinkDown("ESL: a header block without an end")
        if end < 0:
            return False
        self._head = _headers(bytes(self._rest[:end]))
        self._length = _length([value for name, value in self._head if name.lower() == "content-length"])
        del self._rest[: end + 2]
        return True


def message_of(frame: Frame) -> Message | None:
    """The event in FRAME, or None: it is something else, or none that can be read."""
    match frame.kind:
        case "text/event-plain":
            return plain_message(frame.body)
        case "text/event-json":
            return _json_message(frame.body)
        case "command/reply" if frame.get("Event-Name"):  # the answer to `connect`
            return _decoded(frame.headers)
    return None


def plain_message(data: bytes) -> Message:
    """An event in text form, also the answer of `uuid_dump`."""
    head, _, rest = data.lstrip(b"\n").partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    pairs = list(map(_remembered if max(map(len, lines)) <= _SHORT else _seen, lines))
    found = dict(pairs)
    if len(found) < len(pairs):  # of a name that comes twice the first
        found = dict(reversed(pairs))
    found.pop("", None)
    length = found.get("Content-Length", "")
    if _LENGTH.match(length):
        found[BODY] = rest[: int(length)].decode("utf-8", "replace")
    return found


def encode(command: str, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """One command as bytes. Raises BadInput where a part of it could start a line of its own."""
    lines = [_one_line(command)]
    for key, value in headers:
        if not _KEY.match(key):
            raise BadInput("ESL: a header name holds something other than letters, digits, - and _")
        lines.append(f"{key}: {_one_line(value)}")
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


def _one_line(value: str) -> str:
    if _FORBIDDEN.search(value):
        raise BadInput("ESL: a command holds a line break or a NUL, which could smuggle in another command")
    return value


def _headers(block: bytes) -> tuple[tuple[str, str], ...]:
    lines = (line.partition(":") for line in block.decode("utf-8", "replace").split("\n"))
    return tuple((key, value.strip(" \r")) for key, colon, value in lines if colon and key)


def _length(said: list[str]) -> int:
    """The body's length, from every Content-Length of a block."""
    if not said:
        return 0
    if len(set(said)) > 1 or not _LENGTH.match(said[0]) or int(said[0]) > BODY_CAP:
        raise LinkDown("ESL: a Content-Length that is no length")
    return int(said[0])


def _decoded(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in headers:
        found.setdefault(key, unquote(value) if "%" in value else value)
    return found


def _pair(line: str) -> tuple[str, str]:
    """The name and the decoded value of one line of an event; no name where it holds none."""
    key, colon, value = line.partition(":")
    value = value.strip(" \r")
    return (key, unquote(value) if "%" in value else value) if colon else ("", "")


_SHORT = 1024
_remembered = lru_cache(maxsize=8192)(_pair)
"""An event repeats nearly all lines of the one before it: taking them apart is most of the work, and is done once."""


def _seen(line: str) -> tuple[str, str]:
    return _remembered(line) if len(line) <= _SHORT else _pair(line)


def _json_message(data: bytes) -> Message | None:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            found = orjson.loads(data.decode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            return None
    if not isinstance(found, dict):
        return None
    return {key: value for key, value in found.items() if isinstance(value, str)}
