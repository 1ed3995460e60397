"""A stored log through the core again: the same decisions, or the first difference. And the event log file.

What belongs here: reading and writing the file format, and comparing. What does not: hashes and invariants (proof.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from callguard.core.call import Call, open_call
from callguard.core.decision import decision_of, plain
from callguard.core.events import Outcome
from callguard.core.history import decode
from callguard.core.jurisdiction import RulePack
from callguard.core.policy import CallType, Policy, stored_call_type
from callguard.core.rules import STRICTEST
from callguard.core.step import step
from callguard.errors import BadInput, BadLog, ConfigError
from callguard.ports import StoredCall

FORMAT, VERSION = "callguard.log", 1


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a log as a replay needs it. `number`: its line in the file, or its seq in the store."""

    number: int
    type: str
    at: datetime
    channel_id: str
    derived: bool
    data: Mapping[str, Any]
    decision: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Story:
    """A call's head and rows, wherever they came from."""

    call_id: str
    call_type: CallType
    policy_version: str
    rules: RulePack
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a replay first disagrees: the line, what differs, what was stored and what comes out now."""

    line: int
    what: str
    stored: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay."""

    decisions: int
    difference: Difference | None = field(default=None)


# ---------------------------------------------------------------- replaying
def replay(story: Story, call_type: CallType | None = None, rules: RulePack | None = None) -> Replayed:
    """Every fact of STORY through the core. CALL_TYPE, RULES: others than the log's, for a what-if."""
    call = open_call(story.call_id, call_type or story.call_type, rules or story.rules)
    decisions = 0
    for line, following in _with_derived(story.lines):
        call, difference = _compare(call, line, following, other=rules is not None)
        decisions += 1
        if difference:
            return Replayed(decisions, difference)
    return Replayed(decisions)


@dataclass(frozen=True, slots=True)
class Change:
    """What another policy would have changed about a call: closed words, and where its decisions first differ."""

    call_id: str
    call_type: str
    kinds: tuple[str, ...]
    difference: Difference | None = None


def what_if(story: Story, policy: Policy | None = None, rules: RulePack | None = None) -> Change | None:
    """The call of STORY under another POLICY or other RULES, as far as its facts carry: None when nothing would have
    been decided otherwise.

    After the first difference the call itself would have gone another way, which no log can tell.
    """
    old = story.call_type
    new = policy.find(old.name) if policy else old
    if new is None:
        return Change(story.call_id, old.name, ("call type gone: never recorded",))
    before, after = _modes(story, old, story.rules), _modes(story, new, rules or story.rules)
    kinds = [f"mode {' then '.join(before)} -> {' then '.join(after)}"] if before != after else []
    was, will = old.as_data(), new.as_data()
    kinds += [f"{name} differs" for name in sorted(will) if name not in _SHOWN and was.get(name) != will[name]]
    difference = replay(story, new, rules).difference
    kinds += ["decisions differ"] * (difference is not None and before == after)
    return Change(story.call_id, old.name, tuple(kinds), difference) if kinds else None


_SHOWN = ("mode", "internal", "owner", "assessment", "review", "unique_purpose")
"""What a change of mode shows better, and what no call feels."""


def _modes(story: Story, call_type: CallType, rules: RulePack) -> tuple[str, ...]:
    """The modes that the facts of STORY lead to, in order, under CALL_TYPE and RULES."""
    call, found = open_call(story.call_id, call_type, rules), []
    for line in story.lines:
        if not line.derived:
            done = step(call, fact_of(line))
            call = done.call
            found += [str(item.data["mode"]) for item in done.records if "mode" in item.data]
    return tuple(mode for mode, before in zip(found, ["", *found], strict=False) if mode != before)


def _with_derived(lines: Iterable[Line]) -> Iterator[tuple[Line, list[Line]]]:
    """Each fact with the derived rows behind it."""
    fact: Line | None = None
    behind: list[Line] = []
    for line in lines:
        if line.derived:
            behind.append(line)
            continue
        if fact:
            yield fact, behind
        fact, behind = line, []
    if fact:
        yield fact, behind


def _compare(call: Call, line: Line, derived: list[Line], *, other: bool) -> tuple[Call, Difference | None]:
    """OTHER: under other rules, whose names and reasons differ in any case; what is done counts."""
    done = step(call, fact_of(line))
    now = decision_of(done)
    stored = line.decision or {}
    for what in ("effects", "state") if other else ("effects", "reasons", "state"):
        if stored.get(what) != now[what]:
            return done.call, Difference(line.number, what, stored.get(what), now[what])
    if other:
        return done.call, None
    before = [(item.type, item.channel_id, dict(item.data)) for item in derived]
    after = [(item.type.value, item.channel_id, plain(item.data)) for item in done.records]
    return done.call, None if before == after else Difference(line.number, "records", before, after)


def fact_of(line: Line) -> Any:
    """The fact of a line. Raises BadLog naming the line."""
    try:
        return decode(line.type, line.at, line.channel_id, line.data)
    except BadInput as problem:
        raise BadLog(line.number, str(problem)) from None


# ---------------------------------------------------------------- from the store, to a file
def story_of(stored: StoredCall) -> Story:
    """A call read back from the event log."""
    head = stored.call
    lines = tuple(
        Line(row.seq, row.type, row.at, row.channel_id, row.derived, row.data, row.decision) for row in stored.events
    )
    rules = stored.rules or STRICTEST
    if rules.version != head.rule_pack:
        raise BadLog(1, "the rules of this call are not in the log, or were changed there")
    return Story(head.call_id, _call_type(head.call_type, head.policy), head.policy_version, rules, lines)


def _call_type(name: str, policy: Mapping[str, Any]) -> CallType:
    return stored_call_type(name, policy)


def write_story(story: Story) -> Iterator[bytes]:
    """STORY as lines of an event log file: a header, then one row a line."""
    yield _line(
        {
            "format": FORMAT,
            "version": VERSION,
            "call_id": story.call_id,
            "call_type": story.call_type.name,
            "policy": story.call_type.as_data(),
            "policy_version": story.policy_version,
            "rule_pack": story.rules.version,
            "rules": story.rules.as_data(),
            "rows": len(story.lines),
        }
    )
    for row in story.lines:
        head = {"seq": row.number, "type": row.type, "at": row.at.isoformat(), "channel_id": row.channel_id}
        yield _line(head | {"derived": row.derived, "data": row.data, "decision": row.decision})


def _line(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n"


# ---------------------------------------------------------------- from a file
_HEADER = {
    "format": str,
    "version": int,
    "call_id": str,
    "call_type": str,
    "policy": dict,
    "policy_version": str,
    "rule_pack": str,
    "rules": dict,
    "rows": int,
}
_ROW = {"seq": int, "type": str, "at": str, "channel_id": str, "derived": bool, "data": dict}
_OUTCOMES = frozenset(Outcome)


def read_story(text: bytes) -> Story:
    """An event log file. Raises BadLog with line and reason: corrupt, truncated, foreign or from a later version."""
    lines = text.split(b"\n")
    if lines and lines[-1] == b"":
        lines.pop()
    elif lines:
        raise BadLog(len(lines), "truncated: the line does not end")
    if not lines:
        raise BadLog(1, "empty")
    header = _header(lines[0])
    rows = tuple(_row(number, line) for number, line in enumerate(lines[1:], start=2))
    if len(rows) != header["rows"]:
        raise BadLog(len(lines), f"truncated: {header['rows']} rows were written, {len(rows)} are here")
    try:
        call_type = _call_type(header["call_type"], header["policy"])
        open_call(header["call_id"], call_type).segment_id()
        rules = RulePack.from_data(header["rules"])
    except (BadInput, ConfigError, ValueError) as problem:
        raise BadLog(1, str(problem)) from None
    if rules.version != header["rule_pack"]:
        raise BadLog(1, "rules: they are not the ones that rule_pack names")
    return Story(header["call_id"], call_type, header["policy_version"], rules, rows)


def _header(line: bytes) -> dict[str, Any]:
    header = _object(1, line)
    if header.get("format") != FORMAT:
        raise BadLog(1, f'no header: the first line must carry "format":"{FORMAT}"')
    if isinstance(header.get("version"), int) and header["version"] > VERSION:
        raise BadLog(1, f"version {header['version']}: written by a later callguard; this one reads version {VERSION}")
    _typed(1, header, _HEADER)
    if header["version"] != VERSION:
        raise BadLog(1, f"version {header['version']}: no callguard wrote that")
    return header


def _row(number: int, line: bytes) -> Line:
    row = _typed(number, _object(number, line), _ROW, "decision")
    if row["seq"] != number - 1:
        raise BadLog(number, f"seq {row['seq']} where {number - 1} was expected: a row is missing or out of order")
    try:
        at = datetime.fromisoformat(row["at"])
    except ValueError:
        raise BadLog(number, "at: not a time") from None
    if at.tzinfo is None:
        raise BadLog(number, "at: has no time zone")
    decision = row.get("decision")
    if not row["derived"] and not isinstance(decision, dict):
        raise BadLog(number, "decision: is missing")
    made = Line(row["seq"], row["type"], at, row["channel_id"], row["derived"], row["data"], decision)
    if made.derived and made.type not in _OUTCOMES:
        raise BadLog(number, f"{made.type!r} is no record that this version knows")
    if not made.derived:
        try:
            fact_of(made)
        except BadLog as problem:
            raise BadLog(number, problem.reason) from None
    return made


def _object(number: int, line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadLog(number, "not JSON") from None
    if not isinstance(value, dict):
        raise BadLog(number, "not a JSON object")
    return value


def _typed(number: int, value: dict[str, Any], shape: Mapping[str, type], *others: str) -> dict[str, Any]:
    if odd := sorted(value.keys() - shape.keys() - set(others)):
        raise BadLog(number, f"{', '.join(odd)}: unknown")
    for name, kind in shape.items():
        if type(value.get(name)) is not kind:
            raise BadLog(number, f"{name}: is missing or not {kind.__name__}")
    return value
