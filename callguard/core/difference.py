"""What differs between two rule packs, and whether a call would feel it.

What belongs here: comparing packs, and the demand on calls under both. What does not: reading packs or calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from callguard.core.jurisdiction import RulePack
from callguard.core.row import COLUMNS
from callguard.core.strictest import merge


@dataclass(frozen=True, slots=True)
class Change:
    """One cell: what it was and what it is."""

    column: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Codes of rows that one pack has alone, changed cells by code, and changed area codes (column: the area code)."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[tuple[str, tuple[Change, ...]], ...]
    area_codes: tuple[Change, ...]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.added or self.removed or self.changed or self.area_codes)

    def as_data(self) -> dict[str, Any]:
        """As JSON: changed cells as {code: {column: [old, new]}}."""
        return {
            "added": list(self.added),
            "removed": list(self.removed),
            "changed": {code: _by_column(changes) for code, changes in self.changed},
            "area_codes": _by_column(self.area_codes),
        }


def _by_column(changes: tuple[Change, ...]) -> dict[str, list[str]]:
    return {change.column: [change.old, change.new] for change in changes}


def difference(old: RulePack, new: RulePack) -> Difference:
    """What changes from OLD to NEW."""
    both = sorted(set(old.rows) & set(new.rows))
    cells = ((code, _changes(old.rows[code].as_data(), new.rows[code].as_data(), COLUMNS)) for code in both)
    return Difference(
        added=tuple(sorted(set(new.rows) - set(old.rows))),
        removed=tuple(sorted(set(old.rows) - set(new.rows))),
        changed=tuple((code, changes) for code, changes in cells if changes),
        area_codes=_changes(dict(old.npa), dict(new.npa), sorted(set(old.npa) | set(new.npa))),
    )


def _changes(old: dict[str, str], new: dict[str, str], names: Iterable[str]) -> tuple[Change, ...]:
    pairs = ((name, old.get(name, ""), new.get(name, "")) for name in names)
    return tuple(Change(*pair) for pair in pairs if pair[1] != pair[2])


def changes_demand(codes: Iterable[str], old: RulePack, new: RulePack) -> bool:
    """Whether a call with parties at CODES has another demand under NEW than under OLD.

    CODES are rows of the pack under which the call was judged: a place that fell back to them is not known any more.
    """
    known = tuple(codes)
    before, after = merge(old.rows_for(known)), merge(new.rows_for(known))
    return (before.strictness, before.special) != (after.strictness, after.special)
