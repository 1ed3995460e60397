"""Call detail records as files: Asterisk's cdr_csv or cdr_custom and CEL, FreeSWITCH's mod_cdr_csv.

What belongs here: from rows to legs. What does not: what became of a leg (reconcile.py). Numbers and names stay in the
file: a leg is ids, moments and whether it was answered.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from callguard.errors import BadInput

_EPOCH = re.compile(r"(?:.*-)?([0-9]{9,11})\.[0-9]+")
_SECONDS = re.compile(r"([0-9]+)(\.[0-9]+)?")
"""As cel_custom writes a moment unless cel.conf has a dateformat."""
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Leg:
    """One channel as the PBX's own books have it. `linked_id`: what it belongs to, '' where the file does not say;
    `dialled`: what was called, personal: never shown."""

    channel_id: str
    started_at: datetime
    answered: bool
    context: str = ""
    linked_id: str = ""
    dialled: str = field(default="", repr=False)

    def with_more_of(self, other: Leg) -> Leg:
        """What two rows say of the same channel: it is answered when one of them says so."""
        return replace(
            self,
            answered=self.answered or other.answered,
            context=self.context or other.context,
            linked_id=self.linked_id or other.linked_id,
            dialled=self.dialled or other.dialled,
        )


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a file without a line of names keeps what is needed, by column. `least`: columns of a whole row."""

    least: int
    columns: Mapping[str, int]


ASTERISK = _Layout(
    17, {"dialled": 2, "context": 3, "channel": 5, "start": 9, "answer": 10, "disposition": 14, "uniqueid": 16}
)
"""cdr_csv with `loguniqueid = yes`."""
CEL = _Layout(
    16, {"eventtype": 0, "start": 1, "dialled": 7, "context": 8, "channel": 9, "uniqueid": 14, "linkedid": 15}
)
"""The line that cel_custom's sample writes."""
FREESWITCH = _Layout(11, {"dialled": 2, "context": 3, "start": 4, "answer": 5, "uniqueid": 10})
"""mod_cdr_csv with its default template."""
_NAMES = {
    "uuid": "uniqueid",
    "start_stamp": "start",
    "answer_stamp": "answer",
    "dcontext": "context",
    "eventtime": "start",
    "dst": "dialled",
    "channame": "channel",
    "exten": "dialled",
    "destination_number": "dialled",
}


def read_cdr(path: Path, kind: str) -> list[Leg]:
    """All legs of a CDR file of an "asterisk" or a "freeswitch". Raises BadInput."""
    layout = FREESWITCH if kind == "freeswitch" else ASTERISK
    legs: dict[str, Leg] = {}
    for row, born in _rows(path, layout):
        said = row["disposition"].upper() == "ANSWERED" if "disposition" in row else bool(row["answer"])
        _add(legs, row, born, said)
    return list(legs.values())


def read_cel(path: Path) -> list[Leg]:
    """All channels of a CEL file of an Asterisk. Raises BadInput."""
    legs: dict[str, Leg] = {}
    for row, born in _rows(path, CEL):
        _add(legs, row, born, row["eventtype"].upper() == "ANSWER")
    return list(legs.values())


def _add(legs: dict[str, Leg], row: Mapping[str, str], born: datetime, answered: bool) -> None:
    """A channel has more than one row; one that listens or whispers for a program, as ours do, is no leg."""
    name = row["uniqueid"]
    if row.get("channel", "").startswith("Snoop/"):
        return
    words = {key: row.get(key, "") for key in ("context", "dialled")}
    leg = Leg(name, born, answered, linked_id=row.get("linkedid", ""), **words)
    legs[name] = legs[name].with_more_of(leg) if name in legs else leg


def _born(name: str, stamp: str) -> datetime | None:
    """An Asterisk's unique id holds the second of its birth, whatever zone the stamps are in; else the stamp, local.
    None for no date, or one in no year there is: milliseconds, say."""
    second = _EPOCH.fullmatch(name) or _SECONDS.fullmatch(stamp)
    try:
        if second:
            return datetime.fromtimestamp(int(second[1]), UTC)
        return datetime.fromisoformat(stamp[:19]).astimezone(UTC) if _STAMP.fullmatch(stamp) else None
    except (ValueError, OverflowError, OSError):
        return None


def _rows(path: Path, layout: _Layout) -> Iterator[tuple[dict[str, str], datetime]]:
    """Every whole row by name, and when its channel was born. The last row may be torn: its PBX is writing it, or died
    over it."""
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from None
    torn = bool(text) and not text.endswith("\n")
    lines = csv.reader(io.StringIO(text, newline=""))  # a name may hold U+2028, which ends no row
    columns, least = layout.columns, layout.least
    try:
        rows = [(lines.line_num, row) for row in lines if row]
    except csv.Error as problem:
        raise BadInput(f"{path}: line {lines.line_num}: {problem}") from None
    if rows and (named := _named(rows[0][1])):
        rows, columns, least = rows[1:], named, max(named.values()) + 1
    if torn and text.count('"') % 2:
        rows = rows[:-1]  # cut within a column: its id would be a leg that never was
    for number, (line, row) in enumerate(rows):
        found = {name: row[at].strip() for name, at in columns.items() if at < len(row)}
        whole = len(row) >= least and found["uniqueid"]
        born = _born(found["uniqueid"], found["start"]) if whole else None
        if born is None:
            if torn and number == len(rows) - 1:
                return
            raise BadInput(f"{path}: line {line}: {_UNDATED if whole else _WRONG[layout.least]}")
        yield found, born


_UNDATED = "its start is neither a date and a time nor a count of seconds since 1970"
_WRONG = {
    ASTERISK.least: "no unique id where cdr_csv writes it; set loguniqueid = yes in [csv] of cdr.conf, or name the "
    "columns in a first line: uniqueid, start, answer or disposition",
    CEL.least: "not as cel_custom's sample writes it; name the columns in a first line: eventtype, eventtime, "
    "uniqueid, linkedid",
    FREESWITCH.least: "not as mod_cdr_csv's default template writes it; name the columns in a first line: uuid, "
    "start_stamp, answer_stamp",
}


def _named(first: Sequence[str]) -> dict[str, int]:
    """{name: column} where FIRST is a line of names, else nothing."""
    names = [_NAMES.get(name.strip().lower(), name.strip().lower()) for name in first]
    wanted = {name: at for at, name in enumerate(names) if name in {*ASTERISK.columns, *CEL.columns}}
    said = wanted.keys() & {"answer", "disposition", "eventtype"}
    return wanted if {"uniqueid", "start"} <= wanted.keys() and said else {}
