"""Files -> sections: `#include`, `[name](template,+)` and `name => value`, as Asterisk's own reader takes them.

What belongs here: which files make up a configuration, and its sections in order. What does not: what an extension is
(model.py). Nothing is ever run: `#exec` is reported, not followed.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callguard.errors import BadInput
from callguard.lint.finding import Finding, Place, blocker, warning
from callguard.lint.reader import Line, read_lines

LEVELS = 10
"""How deep Asterisk follows includes."""

LARGEST = 64 * 1024 * 1024
"""Bytes of one file; a dialplan of 200,000 lines has about a tenth."""

BESIDE = ("features", "queues", "confbridge", "agents", "voicemail")
"""Files beside the dialplan that can switch a recorder on, or send a recording away, without .conf."""

ELSEWHERE = {".ael": "AEL", ".lua": "Lua"}


@dataclass(frozen=True, slots=True)
class Entry:
    """`name => value`, as written."""

    place: Place
    name: str
    value: str


@dataclass(slots=True)
class Section:
    """`[name]` at `place`. `added`: where `[name](+)` goes on with it; a template is no context."""

    name: str
    place: Place
    template: bool = False
    entries: list[Entry] = field(default_factory=list)
    added: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class Tree:
    """The dialplan's sections in order, those of the files beside it by kind, and what is odd about the files.

    `whole`: False where a part of the dialplan could not be read, so that a missing context proves nothing.
    """

    sections: list[Section] = field(default_factory=list)
    beside: dict[str, list[Section]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    reads: list[tuple[str, Place]] = field(default_factory=list)
    whole: bool = True


@dataclass(slots=True)
class _Reading:
    """Where the reader stands. `chain`: the open files and the line each is at; `index`: sections by name."""

    tree: Tree
    folder: Path | None
    sections: list[Section]
    roots: set[str]
    index: dict[str, Section] = field(default_factory=dict)
    chain: list[tuple[str, Place]] = field(default_factory=list)
    current: Section | None = None


def read_tree(paths: Sequence[Path], folder: Path | None = None) -> Tree:
    """All that PATHS hold and include. FOLDER: what stands for /etc/asterisk.

    Raises BadInput with file and line for what Asterisk would refuse to load, and for an include loop with its chain.
    """
    tree = Tree()
    files = [file for path in paths for file in _files(path)]
    roots = {os.path.realpath(file) for file in files}
    main = _Reading(tree, folder, tree.sections, roots)
    for file in files:
        _given(main, file)
    return tree


def _given(main: _Reading, file: Path) -> None:
    """FILE as the admin named it: dialplan, what stands beside it, or what is not read."""
    tree, kind = main.tree, _beside(file)
    if file.suffix in ELSEWHERE:
        _not_read(main, Place(_name(file), 0), f"{ELSEWHERE[file.suffix]} is not read here")
    elif kind:
        _read(_Reading(tree, main.folder, tree.beside.setdefault(kind, []), main.roots), file)
    elif os.path.realpath(file) not in {real for real, _ in tree.reads}:
        main.current = None
        _read(main, file)


def _beside(file: Path) -> str:
    return next((kind for kind in BESIDE if file.name == f"{kind}.conf"), "")


def _files(path: Path) -> list[Path]:
    """PATH itself; of a folder the dialplan and what stands beside it, or all its .conf files if none is so called."""
    if not os.path.isdir(path):
        return [path]
    known = [path / f"{kind}.conf" for kind in ("extensions", *BESIDE)]
    known += [path / f"extensions{suffix}" for suffix in ELSEWHERE]
    if known[0].is_file():
        return [file for file in known if file.is_file()]
    if not (found := sorted(path.glob("*.conf"))):
        raise BadInput(f"{_name(path)}: holds no extensions.conf and no other .conf file")
    return found


def _name(path: Path | str) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _content(path: Path) -> bytes:
    if os.path.exists(path) and not os.path.isfile(path):
        raise BadInput(f"{_name(path)}: is no regular file")
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{_name(path)}: larger than {LARGEST >> 20} MiB; is this a dialplan?")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise BadInput(f"{_name(path)}: cannot be read ({getattr(error, 'strerror', None) or 'bad name'})") from None


def _read(reading: _Reading, path: Path) -> None:
    name, real = _name(path), os.path.realpath(path)
    found = read_lines(_content(path))
    if name not in reading.tree.files:
        reading.tree.files.append(name)
    came = reading.chain[-1][1] if reading.chain else Place(name, 0)
    reading.tree.reads.append((real, came))
    for number, text in found.problems:
        fix = "write it as Asterisk reads it: one entry a line, `;` before a comment"
        reading.tree.findings.append(warning("syntax", Place(name, number), text, fix))
    reading.chain.append((real, Place(name, 0)))
    outer = reading.current
    for line in found.lines:
        _line(reading, Place(name, line.number), line)
    reading.chain.pop()
    reading.current = outer


def _line(reading: _Reading, place: Place, line: Line) -> None:
    match line.text[0]:
        case "[":
            _heading(reading, place, line.text)
        case "#":
            _directive(reading, place, line.text)
        case _:
            _entry(reading, place, line.text)


def _fatal(place: Place, reason: str) -> BadInput:
    return BadInput(f"{place}: {reason}. Asterisk does not load a file with this")


# Headings


def _heading(reading: _Reading, place: Place, text: str) -> None:
    name, closed, rest = text[1:].partition("]")
    if not closed:
        raise _fatal(place, "no ] closes the name of the context")
    section, options = Section(name, place), _options(place, rest)
    added = reading.index.get(name) if any(option.startswith("+") for option in options) else None
    if added is None:
        reading.sections.append(section)
    for option in options:
        _option(reading, place, added or section, option)
    if added:
        added.added.append(place)
    reading.current = added or section
    reading.index.setdefault(name, section)


def _options(place: Place, rest: str) -> list[str]:
    if not rest.startswith("("):
        return []
    inner, closed, _ = rest[1:].partition(")")
    if not closed:
        raise _fatal(place, "no ) closes the options of the context")
    return inner.split(",")


def _option(reading: _Reading, place: Place, section: Section, option: str) -> None:
    if option == "!":
        section.template = True
    elif option.startswith("+"):
        if section.name not in reading.index:
            raise _fatal(place, "(+) adds to a context that does not exist yet")
    elif option in reading.index:
        section.entries += list(reading.index[option].entries)
    else:
        raise _fatal(place, "the context takes over a template that does not exist")


# Entries


def _entry(reading: _Reading, place: Place, text: str) -> None:
    if reading.current is None:
        raise _fatal(place, "a line before the first [context]")
    name, sign, value = text.removeprefix("\\").partition("=")
    if not sign:
        fix = "name => value"
        reading.tree.findings.append(warning("syntax", place, "no = in this line: Asterisk ignores it", fix))
        return
    name = name.removesuffix("+").strip()
    reading.current.entries.append(Entry(place, name, value.removeprefix(">").strip()))


# Directives


def _directive(reading: _Reading, place: Place, text: str) -> None:
    word, _, argument = text[1:].replace("\t", " ").partition(" ")
    argument = _unquoted(argument.strip())
    match word.lower():
        case "include" | "tryinclude" if argument:
            _include(reading, place, argument, required=word.lower() == "include")
        case "exec":
            _not_read(reading, place, "#exec makes a part of the dialplan when it loads; it is not run here")
        case _:
            text = "a directive that Asterisk does not know, or without its file: it is ignored"
            reading.tree.findings.append(warning("syntax", place, text, '#include "FILE"'))


def _unquoted(text: str) -> str:
    ends = {'"': '"', "<": ">"}
    return text[1:-1] if len(text) > 1 and ends.get(text[0]) == text[-1] else text


def _not_read(reading: _Reading, place: Place, text: str) -> None:
    reading.tree.whole = False
    fix = "have the dialplan in extensions.conf, or look through this part by hand: nothing is claimed about it"
    reading.tree.findings.append(warning("not-read", place, text, fix))


def _include(reading: _Reading, place: Place, pattern: str, *, required: bool) -> None:
    found = list(_included(reading, Path(place.file).parent, pattern))
    if not found and required:
        reading.tree.whole = False
        text = "the file to include is not there: Asterisk refuses the whole dialplan for it"
        fix = "#tryinclude, or give the folder that stands for /etc/asterisk with --etc-dir"
        reading.tree.findings.append(blocker("missing-include", place, text, fix))
    for path in found:
        _enter(reading, place, path)


def _enter(reading: _Reading, place: Place, path: Path) -> None:
    real = os.path.realpath(path)
    if real in reading.roots and not any(real == open_file for open_file, _ in reading.chain):
        return  # given by name as well: read once, there
    reading.chain[-1] = (reading.chain[-1][0], place)
    chain = " -> ".join(str(step) for _, step in reading.chain)
    if any(real == open_file for open_file, _ in reading.chain):
        raise BadInput(f"{place}: include loop: {chain} -> {_name(path)}. Remove one of these #include lines")
    if len(reading.chain) >= LEVELS:
        raise BadInput(f"{place}: more than {LEVELS} files include one another, which Asterisk refuses: {chain}")
    _read(reading, path)


def _included(reading: _Reading, beside: Path, pattern: str) -> Iterator[Path]:
    """The regular files that PATTERN means: in the folder that was given, else beside the file that includes them."""
    if "\0" in pattern:
        return
    for candidate in _candidates(reading.folder, beside, pattern):
        hits = sorted(glob.glob(str(candidate))) if glob.has_magic(pattern) else [str(candidate)]
        if files := [Path(hit) for hit in hits if os.path.isfile(hit)]:
            yield from files
            return


def _candidates(folder: Path | None, beside: Path, pattern: str) -> Iterable[Path]:
    if os.path.isabs(pattern):
        return [Path(pattern), *([folder / Path(pattern).name] if folder else [])]
    return [place / pattern for place in (folder, beside) if place]
