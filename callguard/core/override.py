"""An operator's override of a row: what changes, why, who answers for it, and until when.

What belongs here: reading and checking overrides. What does not: applying them (jurisdiction.py), files
(store/pack.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from callguard.core.row import COLUMNS, FLAGS, Row, cell_problem, row_problems
from callguard.errors import ConfigError

SIGNED = ("reason", "author", "expires")
"""What every override needs besides the columns that it changes."""
CHANGEABLE = tuple(column for column in COLUMNS if column != "iso_code")


@dataclass(frozen=True, slots=True)
class Override:
    """`changes`: column and cell; `expires`: the last day on which it applies."""

    code: str
    changes: tuple[tuple[str, str], ...]
    reason: str
    author: str
    expires: date

    def applies(self, at: date) -> bool:
        """Whether it is in force on the day AT."""
        return at <= self.expires

    def as_data(self) -> dict[str, Any]:
        """As JSON; `from_data` reads it back."""
        signed = {"reason": self.reason, "author": self.author, "expires": self.expires.isoformat()}
        return {"code": self.code, "changes": dict(self.changes), **signed}

    @property
    def sentence(self) -> str:
        """Who changed what, until when and why."""
        changes = ", ".join(f"{column} = {cell}" for column, cell in self.changes)
        return f"override of {self.code} by {self.author} until {self.expires.isoformat()}: {changes} ({self.reason})"


def from_data(data: Mapping[str, Any]) -> Override:
    """What `as_data` gave. Raises KeyError, TypeError, ValueError and AttributeError for anything else."""
    changes = tuple((str(column), str(cell)) for column, cell in data["changes"].items())
    signed = (str(data["reason"]), str(data["author"]), date.fromisoformat(data["expires"]))
    return Override(str(data["code"]), changes, *signed)


def parse_overrides(
    document: Mapping[str, Any], rows: Mapping[str, Row], where: str = "rules.toml", today: date | None = None
) -> tuple[Override, ...]:
    """The `[override.CODE]` tables of DOCUMENT over ROWS. TODAY: what has expired by then is a problem as well.

    Raises ConfigError with every problem at once.
    """
    problems = [f"{key}: unknown key" for key in document if key != "override"]
    tables = document.get("override", {})
    if not isinstance(tables, Mapping) or not tables:
        raise ConfigError(where, [*problems, "override: at least one [override.CODE] table is needed"])
    for code, table in tables.items():
        problems += [f"override.{code}{problem}" for problem in _problems(code, table, rows, today)]
    if problems:
        raise ConfigError(where, problems)
    return tuple(_override(code, table) for code, table in tables.items())


def _override(code: str, table: Mapping[str, Any]) -> Override:
    changes = tuple((column, _cell(column, value)) for column, value in table.items() if column not in SIGNED)
    return Override(code, changes, table["reason"].strip(), table["author"].strip(), table["expires"])


def _cell(column: str, value: Any) -> Any:
    """TOML's true and false may stand for yes and no."""
    return ("yes" if value else "no") if column in FLAGS and isinstance(value, bool) else value


def _problems(code: str, table: object, rows: Mapping[str, Row], today: date | None) -> list[str]:
    if not isinstance(table, Mapping):
        return [": must be a table"]
    found = _signature_problems(table, today)
    changes = {column: _cell(column, value) for column, value in table.items() if column not in SIGNED}
    if not changes:
        found.append(": changes nothing")
    found += [f".{column}: unknown column" for column in changes if column not in CHANGEABLE]
    found += [f".{column}: {text}" for column, value in changes.items() if (text := cell_problem(column, value))]
    return found + _row_problems(code, changes, rows, sound=not found)


def _row_problems(code: str, changes: Mapping[str, object], rows: Mapping[str, Row], sound: bool) -> list[str]:
    if code not in rows:
        return [": no row has this code; `callguard rule list` names them"]
    if code.endswith("ZZ"):
        return [": stands for a place that is not known and follows from the rows that are; override those"]
    if not sound:
        return []
    return [f".{problem}" for problem in row_problems({**rows[code].as_data(), **changes})]


def _signature_problems(table: Mapping[str, Any], today: date | None) -> list[str]:
    found = [f".{key}: is missing" for key in SIGNED if key not in table]
    for key in ("reason", "author"):
        value = table.get(key, "x")
        if not isinstance(value, str) or not value.strip():
            found.append(f".{key}: must be text")
    expires = table.get("expires", date.max)
    if not isinstance(expires, date) or isinstance(expires, datetime):
        found.append(".expires: must be a date, as 2027-01-31 without quotes")
    elif today is not None and expires < today:
        found.append(f".expires: {expires.isoformat()} is over; it has no effect. Renew or remove it")
    return found
