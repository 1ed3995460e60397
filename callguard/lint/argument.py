"""The text between an application's parentheses: arguments, branches, options, variables.

What belongs here: cutting text where Asterisk cuts it. What does not: what an application does with it (flow.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_OPEN = {"(": ")", "[": "]", "{": "}"}
_MARKS = re.compile(r'[()\[\]{}"\\,?:&^]')
_BRACKETS = re.compile(r"[()\[\]{}]")
DEEPEST = 20
"""How often variables of variables are put in."""


def split(text: str, separator: str = ",", most: int = -1) -> list[str]:
    """TEXT cut at SEPARATOR, but not inside brackets, quotes or after a backslash; into MOST pieces at most."""
    if separator not in text:
        return [text.strip()]
    pieces: list[str] = []
    start = 0
    for at in _separators(text, separator):
        if len(pieces) == most - 1:
            break
        pieces.append(text[start:at].strip())
        start = at + 1
    return [*pieces, text[start:].strip()]


def _separators(text: str, separator: str) -> Iterator[int]:
    depth, quoted = 0, False
    for at, char in _marks(text):
        quoted ^= char == '"'
        depth = max(0, depth + (char in _OPEN) - (char in ")]}"))
        if char == separator and depth == 0 and not quoted:
            yield at


def _marks(text: str) -> Iterator[tuple[int, str]]:
    """(place, character) of all that may matter, but for what a backslash stands before."""
    escaped = -1
    for mark in _MARKS.finditer(text):
        at, char = mark.start(), mark.group()
        if at != escaped and char == "\\":
            escaped = at + 1
        elif at != escaped:
            yield at, char


def branches(text: str) -> tuple[str, str, str]:
    """`condition?one:other` in its three parts; "" for what is not there."""
    condition, *rest = split(text, "?", 2)
    one, *other = split(rest[0], ":", 2) if rest else [""]
    return condition, one, other[0] if other else ""


def call(text: str) -> tuple[str, str]:
    """`App(arguments)` as (App, arguments)."""
    name, opened, rest = text.strip().partition("(")
    return name.strip(), rest.rpartition(")")[0] if opened and ")" in rest else rest


def head(text: str) -> tuple[str, str]:
    """`name(inside)` in its two parts, where name may hold variables with brackets of their own."""
    at = 0
    while at < len(text) and text[at] != "(":
        at = _end(text, at + 1) if text[at] == "$" and text[at + 1 : at + 2] in ("{", "[") else at + 1
    return text[:at].strip(), text[at + 1 :].removesuffix(")")


def options(text: str) -> dict[str, str]:
    """An option string such as `tTU(sub^a)x` as {letter: argument}."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        letter, at = text[at], at + 1
        if letter == "$" and text[at : at + 1] == "{":
            at = _end(text, at)
        elif text[at : at + 1] == "(":
            end = _end(text, at)
            found[letter], at = text[at + 1 : end - 1], end
        else:
            found[letter] = ""
    return found


def _end(text: str, start: int) -> int:
    """Behind the bracket that closes the one at START; the end of TEXT where none does."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in _OPEN) - (text[at] in ")]}")
        if depth == 0:
            return at + 1
    return len(text)


def variables(text: str) -> Iterator[str]:
    """The insides of all `${...}` of TEXT, outer ones before inner ones, but nothing of what FILTER has cleaned.

    Of those that nothing closes only the first DEEPEST count.
    """
    at, ends = 0, _ends(text) if "${" in text else {}
    while (at := text.find("${", at)) >= 0:
        end = ends.get(at + 1, 0)
        inner = text[at + 2 : end - 1] if end else ""
        if not inner.upper().startswith("FILTER("):
            yield from [inner] if inner else []
            at += 2
        else:
            at = end


def _ends(text: str) -> dict[int, int]:
    """Behind the bracket that closes it, or the end of TEXT, for each opening one."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for mark in _BRACKETS.finditer(text):
        if mark.group() in _OPEN:
            opened.append(mark.start())
        elif opened:
            ends[opened.pop()] = mark.end()
    return dict.fromkeys(opened[:DEEPEST], len(text)) | ends


_PLAIN = re.compile(r"\$\{(\w+)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """TEXT with `${NAME}` replaced where VALUES knows NAME."""
    for _ in range(DEEPEST):
        filled = _PLAIN.sub(lambda hit: values.get(hit[1], hit[0]), text) if "${" in text else text
        if filled == text or len(filled) > 65536:
            break
        text = filled
    return text


def wildcard(text: str) -> re.Pattern[str] | None:
    """What TEXT can become, as an expression; None where nothing of it is fixed."""
    pieces = [re.escape(each) for each in _fixed(text)]
    return re.compile(".*".join(pieces)) if any(pieces) else None


def fixed_ends(text: str) -> tuple[str, str]:
    """How everything begins, and ends, that TEXT can become."""
    pieces = _fixed(text)
    return pieces[0], pieces[-1]


def _fixed(text: str) -> list[str]:
    """The pieces of TEXT before, between and after its variables."""
    pieces, at = [], 0
    while (start := text.find("$", at)) >= 0:
        pieces.append(text[at:start])
        at = _end(text, start + 1) if text[start + 1 : start + 2] in ("{", "[") else start + 1
    return [*pieces, text[at:]]
