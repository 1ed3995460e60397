"""Files -> nodes: X-PRE-PROCESS includes and sets, as FreeSWITCH takes them, and dumps of FusionPBX.

What belongs here: which files make up a configuration. What does not: what the elements mean (plan.py). Nothing is ever
run: `exec` is reported, not followed.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callguard.errors import BadInput
from callguard.lint.finding import Finding, Place, warning
from callguard.lint.freeswitch.dump import is_dump, read_dump
from callguard.lint.freeswitch.markup import Node, read_markup

LEVELS = 100
"""How deep FreeSWITCH follows includes."""
LARGEST = 64 * 1024 * 1024
_ROOTS = ("freeswitch.xml",)
_GLOBAL = re.compile(r"\$\$\{([^{}]+)\}")


@dataclass(slots=True)
class Tree:
    """`nodes` of every file in order, `constants` set by X-PRE-PROCESS, what is odd about the files, and their names.

    `whole`: False where a part was not read, so that a missing context proves nothing.
    """

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    whole: bool = True


@dataclass(slots=True)
class _Reading:
    tree: Tree
    chain: list[str] = field(default_factory=list)
    included: set[str] = field(default_factory=set)


def read_tree(paths: Sequence[Path]) -> Tree:
    """All that PATHS hold and include. Raises BadInput with file and line for what is no XML, and for a loop."""
    reading = _Reading(Tree())
    given = [file for path in paths for file in files_of(path)]
    read: list[tuple[str, list[Node]]] = []
    for file in given:
        real = os.path.realpath(file)
        if real not in reading.included and real not in {name for name, _ in read}:
            read.append((real, _read(reading, file)))
    for real, nodes in read:
        if real not in reading.included:  # else another file brought it in, later
            reading.tree.nodes += nodes
    return reading.tree


def files_of(path: Path) -> list[Path]:
    """PATH itself; of a folder freeswitch.xml, else its XML files, else all below it."""
    if not os.path.isdir(path):
        return [path]
    for name in _ROOTS:
        if (path / name).is_file():
            return [path / name]
    found = sorted(path.glob("*.xml")) or sorted(path.rglob("*.xml")) or sorted(path.glob("*.sql"))
    if not found:
        raise BadInput(f"{_name(path)}: holds no freeswitch.xml and no other .xml file")
    return found


def _name(path: Path | str) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def content(path: Path) -> str:
    """The text of a file. Raises BadInput where it cannot be read or is too large."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise BadInput(f"{_name(path)}: is no regular file")
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{_name(path)}: larger than {LARGEST >> 20} MiB; is this a dialplan?")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise BadInput(f"{_name(path)}: cannot be read ({getattr(error, 'strerror', None) or 'bad name'})") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _read(reading: _Reading, path: Path) -> list[Node]:
    name, text = _name(path), content(path)
    if name not in reading.tree.files:
        reading.tree.files.append(name)
    reading.chain.append(os.path.realpath(path))
    nodes = read_dump(text, name) if is_dump(text) else read_markup(text, name)
    taken = list(_taken(reading, nodes, path.parent))
    reading.chain.pop()
    return taken


def _taken(reading: _Reading, nodes: Sequence[Node], folder: Path) -> Iterator[Node]:
    """NODES with includes put in, sets carried out, and $${globals} replaced."""
    for node in nodes:
        if node.tag == "include":
            yield from _taken(reading, node.children, folder)
        elif node.tag == "x-pre-process":
            yield from _processed(reading, node, folder)
        else:
            own = {key: _filled(reading.tree, value) for key, value in node.attributes.items()}
            children = list(_taken(reading, node.children, folder))
            yield Node(node.tag, node.place, own, children, node.texts)


def _filled(tree: Tree, text: str) -> str:
    return _GLOBAL.sub(lambda hit: tree.constants.get(hit[1], hit[0]), text) if "$${" in text else text


def _processed(reading: _Reading, node: Node, folder: Path) -> Iterator[Node]:
    data = _filled(reading.tree, node.get("data"))
    match node.get("cmd").lower():
        case "include":
            yield from _included(reading, node.place, folder, data)
        case "set":
            name, _, value = data.partition("=")
            reading.tree.constants[name.strip()] = value.strip()
        case "exec" | "exec-set" | "stun-set" | "env-set" as word:
            if word == "exec":
                reading.tree.whole = False
                fix = "have that part in a file: nothing is claimed about it"
                text = "exec makes a part of the configuration when it loads; it is not run here"
                reading.tree.findings.append(warning("not-read", node.place, text, fix))
        case _:
            text = "a cmd of X-PRE-PROCESS that FreeSWITCH does not know: it is ignored"
            reading.tree.findings.append(warning("syntax", node.place, text, 'cmd="include" or cmd="set"'))


def _included(reading: _Reading, place: Place, folder: Path, pattern: str) -> Iterator[Node]:
    if "\0" in pattern or "${" in pattern:
        found = []
    else:
        full = os.path.normpath(folder / pattern)
        found = [hit for hit in (sorted(glob.glob(full)) if glob.has_magic(pattern) else [full]) if os.path.isfile(hit)]
    if not found and not glob.has_magic(pattern):
        reading.tree.whole = False
        text = "the file to include is not there: FreeSWITCH goes on without it"
        reading.tree.findings.append(warning("missing-include", place, text, "the right path, or no such line"))
    for hit in found:
        real = os.path.realpath(hit)
        chain = " -> ".join([*reading.chain, _name(hit)])
        if real in reading.chain:
            raise BadInput(f"{place}: include loop: {chain}. Remove one of these include lines")
        if len(reading.chain) >= LEVELS:
            raise BadInput(f"{place}: more than {LEVELS} files include one another: {chain}")
        reading.included.add(real)
        yield from _read(reading, Path(hit))
