"""What a stored call proves: its chain is whole, and nothing was recorded that must not be.

What belongs here: the invariants over a log. What does not: the audio (audio/verify.py), hashing (store/chain.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from callguard.core.call import Call, open_call
from callguard.core.effects import ArmRecording, MaskRecording, StartRecording, StopRecording, UnmaskRecording
from callguard.core.events import CallMerged, NoticeEnded, NoticeStarted, Script
from callguard.core.outcome import Step
from callguard.core.quorum import is_alone, quorum_holds
from callguard.core.recording import Mask, State
from callguard.core.step import step
from callguard.errors import BadLog, ConfigError
from callguard.ports import ActivationRow, CallRow, IncidentRow, StoredCall
from callguard.replay import Story, fact_of, replay, story_of
from callguard.store.chain import first_break, head_digest

LIMITS = (
    "A per-call chain shows changed, missing and reordered rows of a call. It does not show a whole call that was "
    "removed, nor a rewrite of the whole chain by a database superuser."
)
"""What the result can and cannot show: printed with it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be. `seq`: the row that shows it, 0 for the call as a whole."""

    call_id: str
    seq: int
    what: str


def prove(stored: StoredCall, live: bool = False) -> list[Finding]:
    """Every finding about STORED; an empty list is the proof. LIVE: the call may still be under way."""
    call_id = stored.call.call_id
    if broken := first_break(stored.events):
        return [Finding(call_id, broken[0], f"chain: {broken[1]}")]
    if not stored.events:
        return [Finding(call_id, 0, "chain: the call has no rows")]
    if stored.events[0].call_id != call_id:
        return [Finding(call_id, stored.events[0].seq, "chain: its rows are of another call")]
    try:
        story = story_of(stored)
        found = [Finding(call_id, seq, what) for seq, what in _invariants(story)]
        difference = replay(story).difference
    except BadLog as problem:
        return [Finding(call_id, problem.line, problem.reason)]
    except ConfigError:
        return [Finding(call_id, stored.events[0].seq, "the policy in the head of the call cannot be read")]
    if difference:
        found.append(Finding(call_id, difference.line, f"replay: {difference.what} differ from what was decided"))
    return found + [Finding(call_id, seq, what) for seq, what in _frame(stored, live)]


def unentered(head: CallRow, register: Sequence[ActivationRow]) -> Finding | None:
    """That the policy of a call is in no row of REGISTER, where that began before the call did."""
    known = {row.version for row in register if row.kind == "policy"}
    if head.policy_version in known or predates(head, register):
        return None
    return Finding(head.call_id, 0, "its policy was never entered into the register: see callguard policy log")


def unanswered(incidents: Sequence[IncidentRow], register: Sequence[ActivationRow]) -> Iterator[Finding]:
    """Incidents that are closed and nobody answered for, or that REGISTER swears to and that are not (so) there."""
    there = {row.incident_id: row for row in incidents}
    entries = {kind: {str(row.content.get("incident")) for row in register if row.kind == kind} for kind in _INCIDENTS}
    closed = {row.incident_id for row in incidents if row.closed_at is not None}
    for incident_id in sorted(closed - entries["incident_closed"]):
        yield Finding(there[incident_id].call_id, 0, f"incident {incident_id} is closed, and nobody answered for it")
    for incident_id in sorted(entries["incident_closed"] & (there.keys() - closed)):
        yield Finding(there[incident_id].call_id, 0, f"incident {incident_id} was closed, and is open again")
    for incident_id in sorted((entries["incident_opened"] | entries["incident_closed"]) - there.keys()):
        yield Finding("register", 0, f"incident {incident_id} was entered, and is gone")


_INCIDENTS = ("incident_opened", "incident_closed")


def predates(head: CallRow, register: Sequence[ActivationRow]) -> bool:
    """Whether a call began before the first policy of REGISTER was entered, or none was."""
    return all(head.started_at < row.at for row in register if row.kind == "policy")


def _frame(stored: StoredCall, live: bool) -> Iterator[tuple[int, str]]:
    """Its head is the one that the first row swears to, and its end is there."""
    first, last = stored.events[0], stored.events[-1]
    if first.data.get("head") != head_digest(stored.call):
        yield first.seq, "the head of the call (policy, type, time) was changed"
    over = any(row.decision and row.decision["state"].get("over") for row in stored.events)
    if not over and not live:
        yield last.seq, "the log ends before the call does: rows are missing behind this one"
    if over:
        yield from ((last.seq, what) for what in _verdicts(stored))


def _invariants(story: Story) -> Iterator[tuple[int, str]]:
    call, told = open_call(story.call_id, story.call_type, story.rules), frozenset[str]()
    for line in story.lines:
        if line.derived:
            continue
        fact = fact_of(line)
        done = step(call, fact)
        if isinstance(fact, NoticeEnded) and fact.script is Script.NOTICE:
            told |= {fact.channel_id}
        if isinstance(fact, CallMerged) and fact.agreed:  # told in a call of its own, whose log proves that
            told |= {fact.channel_id}
        if isinstance(fact, NoticeStarted) and fact.script is Script.WITHDRAWAL and _is_early(done.call, fact):
            yield line.number, "the withdrawal sentence was said before the recorder's stop was acknowledged"
        yield from ((line.number, what) for what in _wrongs(done, told))
        call = done.call


def _is_early(call: Call, said: NoticeStarted) -> bool:
    """Whether a recorder may still run as a party hears that none does. A visitor hears it of a call of its own, too,
    whose log proves that."""
    who, recording = call.channels.get(said.channel_id), call.recording
    may_run = recording is not None and (recording.state.runs or recording.state is State.STOPPING)
    return may_run and not (who is not None and who.visits)


def _wrongs(done: Step, told: frozenset[str]) -> Iterator[str]:
    """What is wrong with the call after one step. TOLD: who has heard the notice to its end."""
    opens = any(isinstance(effect, StartRecording | UnmaskRecording) for effect in done.effects)
    arms = any(isinstance(effect, ArmRecording) for effect in done.effects)
    closes = any(isinstance(effect, MaskRecording | StopRecording) for effect in done.effects)
    must_know = {done.call.anchor, *(channel.channel_id for channel in done.call.hearers() if channel.is_asked)}
    if (opens or arms) and not told >= (must_know if opens else {done.call.anchor}):
        yield "recording before the notice had been played to its end"
    if opens and not quorum_holds(done.call):
        yield "recording without every party's standing"
    running = done.call.running
    sounds = running is not None and running.mask in (Mask.OFF, Mask.UNMASKING) and not closes
    if sounds and not quorum_holds(done.call) and not is_alone(done.call):
        yield "a party without standing could be heard in the recording"


def _verdicts(stored: StoredCall) -> Iterator[str]:
    """Every recording has a verdict, and a bad one has an incident."""
    for item in stored.recordings:
        if item.state not in ("verified", "damaged", "lost", "discarded"):
            yield f"recording {item.segment_no} has no verdict: it is {item.state}"
        elif item.state in ("damaged", "lost") and not stored.incidents:
            yield f"recording {item.segment_no} is {item.state} and no incident says so"
