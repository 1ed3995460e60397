"""What is demanded of a world when all its calls have ended: the log, the files and the people against one another.

What belongs here: the end. What does not: what is demanded at every step (accounts.py, world.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from callguard.core.attesting import DISPUTE
from callguard.ports import StoredCall
from callguard.replay import replay, story_of
from callguard.store.chain import first_break, head_digest
from tests.simulate import due
from tests.simulate.accounts import REACT
from tests.simulate.tape import LENGTH_SECONDS, LENGTH_SHARE, Tape
from tests.simulate.world import World

UNSETTLED = "recording_unsettled"
FINAL = ("verified", "damaged", "lost", "discarded")


def judge(world: World) -> None:
    """Write every violation of the end into the book."""
    book = world.book
    for party in world.exchange.waiting():
        book.wrong("left waiting", f"{party.channel_id} at the end")
    if world.controller and world.controller.engine.runners:
        for runner in world.controller.engine.runners.values():
            book.wrong("no final state", f"{runner.call.anchor}: {runner.call.summary()}")
    for tape in world.exchange.tapes.values():
        if tape.runs:
            book.wrong("recorder outlived its call", tape.recording_id)
    for call_id in world.postgres.calls:
        stored = world.postgres.stored(call_id)
        assert stored is not None
        book.add("rows", len(stored.events))
        book.add("incidents", len(stored.incidents))
        for kind, what in _of_call(world, stored):
            book.wrong(kind, f"{stored.events[0].channel_id}: {what}")
    unknown = set(world.exchange.tapes) - {
        row.recording_id for kept in world.postgres.calls.values() for row in kept.recordings.values()
    }
    for recording_id in sorted(unknown):
        book.wrong("un-audited", f"recording {recording_id} is in no log")


def _of_call(world: World, stored: StoredCall) -> Iterator[tuple[str, str]]:
    yield from _audit(world, stored)
    yield from _of_a_calm_world(world, stored)
    tapes = world.exchange.tapes
    for row in stored.recordings:
        unanswered = row.recording_id not in tapes and any(item.kind == UNSETTLED for item in stored.incidents)
        if row.state not in FINAL and not unanswered:  # what the PBX never said a word about, and has no file of
            yield "no final state", f"recording {row.segment_no} is {row.state}"
        if row.state in ("damaged", "lost") and not stored.incidents:
            yield "silent loss", f"recording {row.segment_no} is {row.state} without an incident"
        tape = tapes.get(row.recording_id)
        if tape:
            yield from _of_file(world, stored, row.state, tape)


def _audit(world: World, stored: StoredCall) -> Iterator[tuple[str, str]]:
    """The chain is whole, and its facts lead to its decisions once more."""
    if broken := first_break(stored.events):
        yield "un-audited", f"chain: {broken[1]} at {broken[0]}"
        return
    if stored.events[0].data.get("head") != head_digest(stored.call):
        yield "un-audited", "the head was changed"
    if difference := replay(story_of(stored)).difference:
        yield "un-audited", f"row {difference.line}: {difference.what} differ"
    disputed = world.accounts.calls[stored.events[0].channel_id].disputed
    if disputed and not any(row.kind == DISPUTE and row.closed_at is None for row in stored.incidents):
        yield "un-audited", "in dispute, and nobody has to answer for that"
    if not any(row.decision and row.decision["state"]["over"] for row in reversed(stored.events)):
        yield "no final state", "the call is not over"


def _of_a_calm_world(world: World, stored: StoredCall) -> Iterator[tuple[str, str]]:
    """Where nothing broke, what was due is in a file, unless an incident says why not."""
    call = world.accounts.calls[stored.events[0].channel_id]
    explained = {row.kind for row in stored.incidents} - {"rogue_recording", DISPUTE}
    if world.book.sums["faults"] or world.least or explained:
        return
    world.book.most("most late", call.due.longest)
    if call.due.longest > due.MOST:
        yield "silent loss", f"{call.due.longest:.3f} s were due and are in no file"


def _of_file(world: World, stored: StoredCall, state: str, tape: Tape) -> Iterator[tuple[str, str]]:
    if state == "discarded" and tape.sound and all(party.said_no is None for party in world.exchange.parties.values()):
        yield "silent loss", "destroyed, and nobody refused"
    if state == "discarded" and not tape.destroyed:
        yield "kept", "a file that the log says was destroyed"
    if state == "lost" and tape.sound and not tape.destroyed and not stored.incidents:
        yield "silent loss", "lost, and there is sound"
    if state == "verified" and tape.destroyed:
        yield "silent loss", "verified, and the file is gone"
    if state != "discarded" and tape.full and not stored.incidents and tape.missing > _unseen(tape):
        yield "silent loss", "the disk was full and nobody says so"
    far = world.exchange.parties[tape.call]
    never = far.no_at is not None and not far.agreed
    if never and not tape.destroyed and state != "discarded" and tape.grown > 0 and not stored.incidents:
        yield "kept", "who refused and never agreed is in a file"


def _unseen(tape: Tape) -> float:
    """Seconds that a file may lack without anybody noticing: as many as verify allows, and as many as a clock that was
    set back hides where no other one tells."""
    return max(LENGTH_SECONDS, LENGTH_SHARE * tape.grown) + REACT + (0.0 if tape.timed else tape.rewound)
