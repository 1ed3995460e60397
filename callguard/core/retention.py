"""How long something is kept: what was promised, what the policy says now, what a law demands; and why it is there.

What belongs here: the end of one artefact, its live reason. What does not: rows (store/), deleting (jobs/).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from callguard.core.contradiction import floor_days
from callguard.core.profile import CallType
from callguard.core.purpose import Output

OUTPUTS: Mapping[str, Output] = MappingProxyType(
    {
        "audio": Output.AUDIO,
        "trimmed": Output.AUDIO,
        "redacted": Output.AUDIO,
        "transcript": Output.TRANSCRIPT,
        "summary": Output.SUMMARY,
        "tags": Output.TAGS,
    }
)
"""Whose days count for what kind of artefact."""
OVER = "its time was over"
"""Why a retention run deletes."""
GRACE = timedelta(hours=25)
"""A day, and an hour for the run itself: what is over for longer than that should be gone."""


class Why(StrEnum):
    """What an end comes from."""

    PROMISED = "what was promised when it was made"
    POLICY = "what the policy says now"
    MINIMUM = "the least that has to be kept"
    CLOSED = "its case was closed"


@dataclass(frozen=True, slots=True)
class End:
    """When something goes, and why then."""

    at: datetime
    why: Why


def end_of(
    kind: str,
    began_at: datetime,
    promised_until: datetime,
    call_type: CallType | None,
    closed_at: datetime | None = None,
) -> End:
    """The end of an artefact of KIND of a call that began then: the shortest of what was promised, what its call type
    says now, and so many days after its last case was closed, but never less than has to be kept. A call type that is
    gone changes nothing."""
    promised = End(promised_until, Why.PROMISED)
    if call_type is None:
        return promised
    days = call_type.retention.get(OUTPUTS[kind], call_type.retention_days)
    ends = [promised, End(began_at + timedelta(days=days), Why.POLICY)]
    if closed_at and call_type.closed_days:
        ends.append(End(closed_at + timedelta(days=call_type.closed_days), Why.CLOSED))
    shortest = min(ends, key=lambda end: end.at)
    if OUTPUTS[kind] is not Output.AUDIO:
        return shortest
    floor = End(began_at + timedelta(days=floor_days(call_type)), Why.MINIMUM)
    return max(shortest, floor, key=lambda end: end.at)


def forecast(ends: Iterable[datetime], now: datetime, days: int) -> dict[date, int]:
    """How many end on each of the next DAYS days; what is over already counts for today."""
    today = now.date()
    counts = {today + timedelta(days=ahead): 0 for ahead in range(days)}
    for at in ends:
        day = max(at.date(), today)
        if day in counts:
            counts[day] += 1
    return counts


# ---------------------------------------------------------------- why something is there
class Reason(StrEnum):
    """Why something is still there, in a word."""

    KEPT = "kept"
    HELD = "held"
    GOING = "going"
    WRITING = "writing"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is known of an artefact that is there. `reason`: why it goes, where it is marked; `cases`: legal holds on
    its call; `discarded`: nothing of its recording may be kept."""

    artefact_id: str
    recording_id: str
    kind: str
    state: str
    purpose: str
    call_type: str
    reason: str
    created_at: datetime
    expires_at: datetime
    marked_at: datetime | None
    cases: tuple[str, ...] = ()
    discarded: bool = False


def live_reason(fact: Fact, now: datetime) -> tuple[Reason, str]:
    """Why it is there at this moment, in a word and in a sentence."""
    if fact.cases:
        return Reason.HELD, f"a legal hold keeps it: {', '.join(fact.cases)}"
    if fact.discarded:
        return _within(now - (fact.marked_at or fact.created_at), Reason.GOING, "its recording was discarded")
    if fact.marked_at:
        return _within(now - fact.marked_at, Reason.GOING, f"it is being deleted: {fact.reason}")
    if fact.state == "writing":
        return _within(now - fact.created_at, Reason.WRITING, "it is being written")
    if fact.expires_at <= now:
        return _within(now - fact.expires_at, Reason.GOING, OVER)
    until = f"{fact.expires_at:%Y-%m-%d}"
    return Reason.KEPT, f"for {fact.purpose}, until {until}, as the call type {fact.call_type} says"


def _within(since: timedelta, reason: Reason, sentence: str) -> tuple[Reason, str]:
    """What takes a moment and lasts for longer than a day is not explained by that."""
    if since <= GRACE:
        return reason, sentence
    return Reason.UNEXPLAINED, f"{sentence}, and that for more than a day"
