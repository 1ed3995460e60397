"""The Asterisk manager protocol as bytes: text blocks of "Key: value" lines with an empty line after each.

What belongs here: pure encoding and decoding. What does not: sockets (ami.py), the meaning of a message (recorder.py).

The decoder is total: a PBX cannot be refused, so odd lines are kept aside and oversized messages cut, never raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from callguard.core.events import NO_CHANNEL
from callguard.errors import BadInput

MESSAGE_CAP = 256 * 1024
"""Bytes of one message that are kept; the rest of it is skipped."""
_FORBIDDEN = re.compile(r"[\r\n\0]")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
_BANNER = re.compile(r"Asterisk Call Manager/([0-9.]+)\Z")


@dataclass(frozen=True, slots=True)
class Message:
    """One block. Keys keep their case and their repetitions; `unexpected` holds lines that are not "Key: value"."""

    headers: tuple[tuple[str, str], ...]
    unexpected: tuple[str, ...] = ()
    cut: bool = False

    def get(self, key: str, default: str = "") -> str:
        """The first value of KEY, whatever its case."""
        return next(iter(self.all(key)), default)

    def all(self, key: str) -> tuple[str, ...]:
        """Every value of KEY in order."""
        wanted = key.lower()
        return tuple(value for name, value in self.headers if name.lower() == wanted)

    @property
    def succeeded(self) -> bool:
        """Whether this is a response that says yes."""
        return self.get("Response") in ("Success", "Pong", "Goodbye")


class Decoder:
    """Bytes in, messages out, however the bytes were cut. `banner` is the protocol's version once it was read."""

    def __init__(self, cap: int = MESSAGE_CAP) -> None:
        self.banner = ""
        self._cap = cap
        self._rest = bytearray()
        self._lines: list[bytes] = []
        self._size = 0
        self._cut = False

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete with DATA."""
        self._rest += data
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        done = [message for line in lines if (message := self._line(line.removesuffix(b"\r"))) is not None]
        self._bound_rest()
        return done

    def _line(self, line: bytes) -> Message | None:
        if line:
            self._keep(line)
            return None
        lines, cut = self._lines, self._cut
        self._lines, self._size, self._cut = [], 0, False
        return _message(lines, cut) if lines or cut else None

    def _keep(self, line: bytes) -> None:
        if not self.banner and not self._lines and (found := _BANNER.match(_text(line))):
            self.banner = found.group(1)  # the greeting has no empty line after it
            return
        room = self._cap - self._size
        self._size += min(len(line), room)
        self._cut = self._cut or len(line) > room
        if len(line) <= room:
            self._lines.append(line)

    def _bound_rest(self) -> None:
        """A line without an end must not fill the memory: its tail beyond the cap is dropped, and so is its head
        later.
        """
        if len(self._rest) > self._cap + 1:
            del self._rest[self._cap + 1 :]


def encode(action: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """One action as bytes. Raises BadInput where a key or value could start a line of its own."""
    lines = [f"{key}: {_value(key, value)}" for key, value in (("Action", action), *headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def refusal(answer: Message) -> str:
    """Asterisk's refusal as one of our words: its text may hold a channel's name."""
    return NO_CHANNEL if "channel" in answer.get("Message").lower() else "refused"


def _value(key: str, value: str) -> str:
    if not _KEY.match(key):
        raise BadInput("AMI: a header name holds something other than letters, digits, - and _")
    if _FORBIDDEN.search(value):
        raise BadInput(f"AMI: the value of {key} holds a line break or a NUL, which could smuggle in another action")
    return value


def _message(lines: list[bytes], cut: bool) -> Message:
    headers, odd = [], []
    for line in lines:
        key, colon, value = _text(line).partition(":")
        if colon and key and key == key.strip():
            headers.append((key, value.removeprefix(" ")))
        else:
            odd.append(_text(line))
    return Message(tuple(headers), tuple(odd), cut)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
