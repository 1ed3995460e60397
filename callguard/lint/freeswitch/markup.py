"""XML text -> nodes with their lines, and nothing that XML could do besides.

What belongs here: one text at a time. What does not: includes and files (tree.py). A document type is never read, so
that no entity can be defined: neither one that grows without end nor one that reads a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from callguard.errors import BadInput
from callguard.lint.finding import Place

DEEPEST = 100
"""Elements within one another; a dialplan has about ten."""
_HEAD = re.compile(r"\s*<\?xml[^>]*\?>", re.IGNORECASE)
_TYPE = re.compile(r"<!(?:DOCTYPE|ENTITY)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One element: `tag` and names of attributes in lower case, `text` directly inside it."""

    tag: str
    place: Place
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def get(self, name: str) -> str:
        """The value of attribute NAME, '' where it has none."""
        return self.attributes.get(name, "")

    @property
    def text(self) -> str:
        """What stands between its tags."""
        return "".join(self.texts).strip()

    def all(self, tag: str) -> Iterator[Node]:
        """Every element TAG below this one, in order."""
        for child in self.children:
            if child.tag == tag:
                yield child
            yield from child.all(tag)


def read_markup(text: str, name: str, line: int = 1) -> list[Node]:
    """The elements of TEXT, a whole file or a part of one, beginning in LINE of the file NAME. Raises BadInput."""
    text = _HEAD.sub(lambda head: "\n" * head[0].count("\n"), text, count=1)
    top = Node("", Place(name, line))
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    open_: list[Node] = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_) > DEEPEST:
            raise BadInput(f"{_at()}: more than {DEEPEST} elements within one another; is this a dialplan?")
        own = {key.lower(): value for key, value in attributes.items()}
        node = Node(tag.lower(), _at(), own)
        open_[-1].children.append(node)
        open_.append(node)

    def _at() -> Place:
        return Place(name, parser.CurrentLineNumber + line - 1)

    parser.StartElementHandler = lambda tag, own: start(tag, own) if tag != _ROOT else None
    parser.EndElementHandler = lambda tag: open_.pop() if tag != _ROOT else None
    parser.CharacterDataHandler = lambda data: open_[-1].texts.append(data)
    try:
        parser.Parse(f"<{_ROOT}>{text}</{_ROOT}>".encode("utf-8", "replace"), True)
    except expat.ExpatError as wrong:
        raise BadInput(_refused(text, Place(name, wrong.lineno + line - 1), wrong)) from None
    return top.children


_ROOT = "callguard-root"
"""Around every text, so that a part of a document is one."""


def _refused(text: str, place: Place, wrong: expat.ExpatError) -> str:
    if _TYPE.search(text):
        return f"{place}: defines a document type or an entity, which a dialplan has no use for: it is not read"
    return f"{place}: not XML ({expat.ErrorString(wrong.code)}); a bare & is written &amp;, a bare < is &lt;"
