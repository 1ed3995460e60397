"""Dumps of FusionPBX: its dialplan and its record settings live in a database.

What belongs here: `COPY ... FROM stdin` of pg_dump, and CSV with a line of names, as nodes. What does not: what they
mean (plan.py). Switched-off rows are left out; dialplan rows come in the order in which FusionPBX serves them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from callguard.errors import BadInput
from callguard.lint.finding import Place
from callguard.lint.freeswitch.markup import Node, read_markup

_COPY = re.compile(r"^COPY\s+(?:\w+\.)?(v_\w+)\s*\(([^)]*)\)\s+FROM\s+stdin;", re.MULTILINE | re.IGNORECASE)
_NAMED = re.compile(r'^"?\w+"?(,"?\w+"?)*$')
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_FLAGS: Mapping[str, tuple[str, ...]] = {
    "v_extensions": ("user_record",),
    "v_call_center_queues": ("queue_record_template",),
    "v_conference_rooms": ("record",),
    "v_conference_profile_params": ("profile_param_value",),
    "v_ring_groups": ("ring_group_record",),
    "v_destinations": ("destination_record",),
    "v_voicemails": ("voicemail_file",),
    "v_dialplans": (),
}
"""Tables that are read, and the columns of each that switch a recorder on."""
_KINDS = {"dialplan_xml": "v_dialplans", "user_record": "v_extensions", "queue_record_template": "v_call_center_queues"}


@dataclass(frozen=True)
class _Row:
    table: str
    place: Place
    values: Mapping[str, str]


def is_dump(text: str) -> bool:
    """Whether TEXT is a dump and no XML."""
    head = text.lstrip()[:1]
    return head != "<" and (_COPY.search(text) is not None or bool(set(_first(text)) & _KINDS.keys()))


def read_dump(text: str, name: str) -> list[Node]:
    """The rows of TEXT as contexts, and as <record-flag> where a column records. Raises BadInput."""
    rows = [row for row in (*_copied(text, name), *_listed(text, name)) if not _is_off(row)]
    plans = sorted((row for row in rows if row.values.get("dialplan_xml")), key=_order)
    found = [node for row in plans for node in _context(row)]
    flags = (
        Node("record-flag", row.place, {"name": column, "value": row.values[column]})
        for row in rows
        for column in _FLAGS.get(row.table, ())
        if row.values.get(column)
    )
    return [*found, *(flag for flag in flags if _is_record(flag))]


def _is_record(flag: Node) -> bool:
    """Of a conference profile's parameters only the one that names a file."""
    return flag.get("name") != "profile_param_value" or "record" in flag.get("value")


def _is_off(row: _Row) -> bool:
    return any(value in ("false", "f", "0") for key, value in row.values.items() if key.endswith("_enabled"))


def _order(row: _Row) -> tuple[int, str]:
    order = row.values.get("dialplan_order", "")
    return (int(order) if order.isdecimal() and len(order) < 9 else 0, row.values.get("dialplan_name", ""))


def _context(row: _Row) -> Iterator[Node]:
    nodes = read_markup(row.values["dialplan_xml"], row.place.file, row.place.line)
    if any(node.tag == "context" for node in nodes):
        yield from nodes
    else:
        yield Node("context", row.place, {"name": row.values.get("dialplan_context") or "default"}, nodes)


def _copied(text: str, name: str) -> Iterator[_Row]:
    for head in _COPY.finditer(text):
        table, columns = head[1].lower(), [each.strip().strip('"') for each in head[2].split(",")]
        if table not in _FLAGS:
            continue
        at = text.count("\n", 0, head.end()) + 1
        for line in text[head.end() :].split("\n")[1:]:
            at += 1
            if line.rstrip("\r") == "\\.":
                break
            values = [_plain(each) for each in line.rstrip("\r").split("\t")]
            yield _Row(table, Place(name, at), dict(zip(columns, values, strict=False)))


def _plain(value: str) -> str:
    """A value of COPY as it was."""
    if value == "\\N":
        return ""
    return re.sub(r"\\(.)", lambda hit: _ESCAPES.get(hit[1], hit[1]), value) if "\\" in value else value


def _first(text: str) -> list[str]:
    """The names in the first line of a CSV; none where it has none."""
    line = text.lstrip("\ufeff").split("\n", 1)[0].strip()
    return [each.strip('"') for each in line.split(",")] if _NAMED.match(line) else []


def _listed(text: str, name: str) -> Iterator[_Row]:
    names = _first(text)
    table = next((table for column, table in _KINDS.items() if column in names), "")
    if not table:
        return
    reader = csv.DictReader(text.lstrip("\ufeff").splitlines(keepends=True))
    before = 1
    try:
        for row in reader:
            yield _Row(table, Place(name, before + 1), {key: value or "" for key, value in row.items() if key})
            before = reader.line_num
    except csv.Error as wrong:
        raise BadInput(f"{name}:{before + 1}: not CSV ({wrong})") from None
