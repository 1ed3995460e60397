"""Whose configuration these files are: Asterisk's or FreeSWITCH's, by looking at them.

What belongs here: telling the two apart. What does not: reading them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from callguard.errors import BadInput
from callguard.lint.examine import Options, Report
from callguard.lint.examine import lint as lint_asterisk
from callguard.lint.freeswitch.dump import is_dump
from callguard.lint.freeswitch.examine import lint as lint_freeswitch

_LOOKED = 1 << 20
"""Characters of a file that tell what it is."""


def lint(paths: Iterable[Path], options: Options | None = None) -> Report:
    """What is wrong with the dialplan in PATHS, whichever PBX it is for. Raises BadInput."""
    paths = list(paths)
    kinds = {is_freeswitch(path) for path in paths}
    if len(kinds) > 1:
        raise BadInput("these paths belong to Asterisk and to FreeSWITCH: look through one PBX at a time")
    return (lint_freeswitch if kinds == {True} else lint_asterisk)(paths, options)


def is_freeswitch(path: Path) -> bool:
    """Whether PATH holds XML, or a dump of FusionPBX."""
    if path.is_dir():
        ours = _has(path, "freeswitch.xml")  # it has an extensions.conf of its own, for one of its modules
        return ours or (not _has(path, "*.conf") and (_has(path, "*.xml") or _below(path)))
    if path.suffix.lower() == ".xml":
        return True
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_LOOKED)
    except (OSError, ValueError):
        return False
    return text.lstrip("\ufeff \t\r\n").startswith("<") or is_dump(text)


def _has(folder: Path, pattern: str) -> bool:
    return next(folder.glob(pattern), None) is not None


def _below(folder: Path) -> bool:
    """Whether XML lies deeper, or a dump here."""
    dumps = (path for path in folder.glob("*.sql") if is_freeswitch(path))
    return next(folder.rglob("*.xml"), None) is not None or next(dumps, None) is not None
