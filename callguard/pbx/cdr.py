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


_DISPOSITIONS = {"ANSWERED", "NO ANSWER", "NOANSWER", "BUSY", "FAILED", "CONGESTION", "CANCEL", "UNKNOWN"}
_EVENTS = {"CHAN_START", "CHAN_END", "ANSWER", "HANGUP", "APP_START", "APP_END", "LINKEDID_END", "BRIDGE_ENTER"}
"""Of these every CEL has some. A program may add events of any name to it."""


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
    "calldate": "start",
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
        _add(legs, row, born, _answered(row))
    return list(legs.values())


def read_cel(path: Path) -> list[Leg]:
    """All channels of a CEL file of an Asterisk. Raises BadInput."""
    legs, kinds = dict[str, Leg](), set[str]()
    for row, born in _rows(path, CEL):
        kinds.add(row["eventtype"].upper())
        _add(legs, row, born, row["eventtype"].upper() == "ANSWER")
    if kinds and not kinds & _EVENTS:  # a CDR, or events by number: nobody in it would have answered
        raise BadInput(f"{path}: {_WRONG[CEL.least]}")
    return list(legs.values())


def _answered(row: Mapping[str, str]) -> bool:
    """An export from a database has NULL, \\N or 0000-00-00 for no moment."""
    if "disposition" in row:
        return row["disposition"].upper() == "ANSWERED"
    return any(each in "123456789" for each in row["answer"])


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


def _text(path: Path) -> str:
    """What PATH holds. A packed book, or a database, would be one line that breaks off: a book without a leg."""
    try:
        held = path.read_bytes()
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}") from None
    if b"\0" in held[:512]:
        raise BadInput(f"{path}: no text: unpack it, or export it as CSV")
    return held.decode("utf-8-sig", errors="replace")


def _rows(path: Path, layout: _Layout) -> Iterator[tuple[dict[str, str], datetime]]:
    """Every whole row by name, and when its channel was born. The last row may be torn: its PBX is writing it, or died
    over it."""
    text = _text(path)
    torn = bool(text) and not text.endswith("\n")
    lines = csv.reader(io.StringIO(text, newline=""))  # a name may hold U+2028, which ends no row
    columns, least = layout.columns, layout.least
    try:
        rows = [(lines.line_num, row) for row in lines if row]
    except csv.Error as problem:
        raise BadInput(f"{path}: line {lines.line_num}: {problem}") from None
    if rows and (named := _named(path, *rows[0], layout)):
        rows, columns, least = rows[1:], named, max(named.values()) + 1
    if torn and text.count('"') % 2:
        rows = rows[:-1]  # cut within a column: its id would be a leg that never was
    for number, (line, row) in enumerate(rows):
        found = {name: row[at].strip() for name, at in columns.items() if at < len(row)}
        whole = len(row) >= least and found["uniqueid"] and _is_told(found)
        born = _born(found["uniqueid"], found["start"]) if whole else None
        if born is None:
            if torn and number == len(rows) - 1:
                return
            raise BadInput(f"{path}: line {line}: {_UNDATED if whole else _WRONG[layout.least]}")
        yield found, born


def _is_told(row: Mapping[str, str]) -> bool:
    """Whether its disposition is one. Where another column is taken for it, nobody would have answered."""
    return row.get("disposition", "ANSWERED").upper() in _DISPOSITIONS


_UNDATED = "its start is neither a date and a time nor a count of seconds since 1970"
_WRONG = {
    ASTERISK.least: "no unique id, or no disposition, where cdr_csv writes it; set loguniqueid = yes in [csv] of "
    "cdr.conf, or name the columns in a first line: uniqueid, start, answer or disposition",
    CEL.least: "not as cel_custom's sample writes it; name the columns in a first line: eventtype, eventtime, "
    "uniqueid, linkedid",
    FREESWITCH.least: "not as mod_cdr_csv's default template writes it; name the columns in a first line: uuid, "
    "start_stamp, answer_stamp",
}


def _named(path: Path, line: int, first: Sequence[str], layout: _Layout) -> dict[str, int]:
    """{name: column} where FIRST is a line of names, else nothing. Raises BadInput where names are missing."""
    names = [_NAMES.get(name.strip().lower(), name.strip().lower()) for name in first]
    wanted = {name: at for at, name in enumerate(names) if name in {*ASTERISK.columns, *CEL.columns}}
    said = wanted.keys() & ({"eventtype"} if layout is CEL else {"answer", "disposition"})
    if {"uniqueid", "start"} <= wanted.keys() and said:
        return wanted
    if "uniqueid" in wanted and not any(each.isdigit() for name in first for each in name):
        raise BadInput(f"{path}: line {line}: {_WRONG[layout.least]}")
    return {}
