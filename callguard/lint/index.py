"""Names and patterns, kept so that those which fit are found without a look at all the others.

What belongs here: the tree of patterns, and names by how they begin and end. What does not: what a pattern means
(pattern.py), contexts (model.py). A dialplan with thousands of computed targets is looked through in time that grows
with its lines.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from callguard.lint.argument import fixed_ends, wildcard
from callguard.lint.pattern import Pattern, parse


@dataclass(slots=True)
class _Node:
    """What one beginning leads to. `ends`: (number, extension) by the end of its pattern."""

    children: dict[frozenset[str], _Node] = field(default_factory=dict)
    ends: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def every(self) -> Iterator[tuple[int, str]]:
        """All extensions from here on."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            waiting += node.children.values()
            for each in node.ends.values():
                yield from each

    def open(self) -> Iterator[tuple[int, str]]:
        """Those whose pattern ends here, whatever follows."""
        yield from (*self.ends.get(".", ()), *self.ends.get("!", ()))

    def whole(self, end: str) -> Iterator[tuple[int, str]]:
        """Those that end here as a pattern of the same length does that ends in END."""
        if end:
            yield from self.open()
        if end != ".":
            yield from self.ends.get("", ())
        if not end:
            yield from self.ends.get("!", ())


@dataclass(slots=True)
class Patterns:
    """Extensions as a tree of the characters that they allow."""

    _root: _Node = field(default_factory=_Node)
    _count: int = 0

    def add(self, exten: str) -> None:
        """One more."""
        pattern, node = parse(exten), self._root
        for allowed in pattern.sets:
            node = node.children.setdefault(allowed, _Node())
        node.ends.setdefault(pattern.end, []).append((self._count, exten))
        self._count += 1

    def meeting(self, pattern: Pattern) -> list[str]:
        """The extensions that some number of PATTERN fits, in the order in which they were added."""
        return [exten for _, exten in sorted(self._meeting(pattern))]

    def _meeting(self, pattern: Pattern) -> Iterator[tuple[int, str]]:
        level = [self._root]
        for allowed in pattern.sets:
            for node in level:
                yield from node.open()
            level = [child for node in level for chars, child in node.children.items() if chars & allowed]
        for node in level:
            yield from node.whole(pattern.end)
            if pattern.end:
                yield from (one for child in node.children.values() for one in child.every())


class Names:
    """Names, for texts of which only the beginning or the end is fixed."""

    def __init__(self, names: Iterable[str]) -> None:
        """NAMES in their order, which the answers keep."""
        self._order = {name: at for at, name in enumerate(names)}
        self._forward = sorted(self._order)
        self._backward = sorted(name[::-1] for name in self._order)
        self._known: dict[str, list[str] | None] = {}

    def fitting(self, text: str) -> list[str] | None:
        """The names that TEXT with its variables can become; None where nothing of it is fixed."""
        if text not in self._known:
            self._known[text] = self._look(text)
        return self._known[text]

    def _look(self, text: str) -> list[str] | None:
        expression = wildcard(text)
        if expression is None:
            return None
        begin, end = fixed_ends(text)
        near = _starting(self._forward, begin)
        if len(end) > len(begin):
            near = [name[::-1] for name in _starting(self._backward, end[::-1])]
        return sorted(filter(expression.fullmatch, near), key=self._order.__getitem__)


def _starting(names: list[str], begin: str) -> list[str]:
    return names[bisect_left(names, begin) : bisect_left(names, begin + "\U0010ffff")]
