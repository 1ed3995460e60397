"""Bytes of a configuration file -> its lines as Asterisk sees them: without comments and blanks.

What belongs here: the line level of Asterisk's configuration reader, pure. What does not: files, includes, contexts.
Asterisk cuts a line at a NUL, skips a line that does not fit its buffer, nests `;--` and `--;`, and knows no line
continuation: a backslash at the end is text like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

LONGEST = 8190
"""Characters of a line, without its end, that Asterisk's buffer of 8192 bytes holds."""

DEEPEST = 128
"""Nested block comments."""


@dataclass(frozen=True, slots=True)
class Line:
    """`number` from 1; `text` stripped, never empty."""

    number: int
    text: str


@dataclass(slots=True)
class Lines:
    """What a file says, and [(line, what is odd)] about its form."""

    lines: list[Line] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Comments:
    """How deep inside block comments the reader is. Below 0 after a stray end, as in Asterisk."""

    depth: int = 0
    opened: int = 0


def decode(data: bytes) -> str:
    """DATA as text; files from before UTF-8 are read as Latin-1, so that every byte stays itself."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_lines(data: bytes) -> Lines:
    """The lines of a file. Never raises."""
    found, comments = Lines(), _Comments()
    for number, raw in enumerate(decode(data).split("\n"), 1):
        if len(raw) > LONGEST and len(raw.encode()) > LONGEST:
            found.problems.append((number, "the line is too long: Asterisk skips it"))
        elif text := _text(raw.partition("\0")[0], number, comments, found).strip():
            _take(found, number, text)
    if comments.depth > 0:
        text = "a comment opened by ;-- is never closed: the rest of the file is lost"
        found.problems.append((comments.opened, text))
    return found


def _take(found: Lines, number: int, text: str) -> None:
    found.lines.append(Line(number, text))
    if text.endswith("\\"):
        found.problems.append((number, "a backslash at the end continues nothing: Asterisk reads each line alone"))


def _text(raw: str, number: int, comments: _Comments, found: Lines) -> str:
    if ";" not in raw:
        return "" if comments.depth else raw
    before = comments.depth
    kept = "".join(_pieces(raw, number, comments))
    if comments.depth < 0 <= before:
        found.problems.append((number, "--; closes no comment: Asterisk takes what follows for one"))
    return kept


def _pieces(raw: str, number: int, comments: _Comments) -> Iterator[str]:
    """What of RAW is outside of comments. Follows Asterisk's own steps from one semicolon to the next."""
    start = begin = 0  # `start`: the search begins here; `begin`: the text not yet given out does
    visible = comments.depth == 0
    while (at := raw.find(";", start)) >= 0:
        start = at + 1
        match _mark(raw, begin, at):
            case _Mark.ESCAPED:
                yield from [raw[begin : at - 1]] if visible else []
                begin = at
            case _Mark.OPENS:
                yield from [raw[begin:at]] if visible else []
                visible, begin, start = False, at + 3, at + 3
                _open(comments, number)
            case _Mark.CLOSES:
                comments.depth -= 1
                visible, begin = (True, at + 1) if comments.depth == 0 else (visible, begin)
            case _Mark.PLAIN if comments.depth == 0:
                yield raw[begin:at]
                return
    yield from [raw[begin:]] if visible else []


class _Mark(Enum):
    """What a semicolon is."""

    ESCAPED = auto()
    OPENS = auto()
    CLOSES = auto()
    PLAIN = auto()


def _mark(raw: str, begin: int, at: int) -> _Mark:
    """What the semicolon at AT is, of a text that begins at BEGIN."""
    if at > begin and raw[at - 1] == "\\":
        return _Mark.ESCAPED
    if raw.startswith(";--", at) and not raw.startswith(";---", at):
        return _Mark.OPENS
    return _Mark.CLOSES if at >= begin + 2 and raw[at - 2 : at] == "--" else _Mark.PLAIN


def _open(comments: _Comments, number: int) -> None:
    if comments.depth < DEEPEST:
        comments.opened = number if comments.depth <= 0 else comments.opened
        comments.depth += 1
