"""Calls of a controller that died, and what the guard did meanwhile.

What belongs here: reading both back. What does not: feeding them in (engine.py): there is no second path, all goes
through step.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Self, TypeVar

from callguard.core.call import Call, open_call
from callguard.core.effects import WakeAt
from callguard.core.events import (
    Action,
    CallMerged,
    ChannelHeld,
    ChannelLeft,
    ChannelUnheld,
    DeadlinePassed,
    DigitPressed,
    Event,
    Link,
    LinkLost,
    OperatorActed,
    PauseSignalled,
    RecordingEvent,
    StopAcknowledged,
    StopObserved,
)
from callguard.core.history import decode, retell
from callguard.core.policy import stored_call_type
from callguard.core.recording import State
from callguard.engine.incident import OURSELVES
from callguard.engine.ledger import Ledger, fingerprint
from callguard.engine.place import Places
from callguard.errors import BadInput
from callguard.ports import Snapshot, StoredCall

T = TypeVar("T")
AT_ONCE = 8
"""Calls that are read from the log at the same time."""
SAID_ONCE = (RecordingEvent, ChannelHeld, ChannelUnheld, DigitPressed, PauseSignalled)
"""What a PBX says once, and not again when it is asked what is there."""
MOST_EARLY = 10_000
"""So much of that is kept for calls that are not taken over yet: the log may be away for hours."""
HANDED_OVER = 3.0
"""Seconds after a mark in which a guard that lives may let recorders run, for the next controller: 1.8, and EVERY."""


@dataclass(frozen=True)
class LiveCalls:
    """Ids of calls that are not over, as empty files: what a controller that returns must ask about."""

    directory: Path

    def add(self, *call_ids: str) -> bool:
        """Calls that are not over. False: the disk does not take that, and whoever comes next would not find them."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for call_id in call_ids:
                (self.directory / call_id).touch()
        except OSError:
            return False
        return True

    def remove(self, call_id: str) -> None:
        """A call is over. Where that cannot be said, whoever comes next asks about it and finds it so."""
        with suppress(OSError):
            (self.directory / call_id).unlink(missing_ok=True)

    def ids(self) -> list[str]:
        """All that are not over. Raises BadInput where this account may not see them: none is another answer."""
        try:
            return sorted(path.name for path in self.directory.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise BadInput(f"{self.directory}: cannot be read: {error.strerror}; callguard's own account can") from None


async def gathered(read: Callable[[str], Awaitable[list[T]]], call_ids: Sequence[str]) -> list[T]:
    """What READ finds under CALL_IDS, in their order; AT_ONCE are read together, while recorders run without us."""
    found: list[T] = []
    for first in range(0, len(call_ids), AT_ONCE):
        for each in await asyncio.gather(*map(read, call_ids[first : first + AT_ONCE])):
            found += each
    return found


TakenOver = tuple[StoredCall, Call, Ledger, list[OperatorActed]]
"""A call as it is stored, how it stands, where its chain stands, and what was said of its far party."""


def take_over(stored: StoredCall, places: Places) -> TakenOver:
    """The call as its log tells it. PLACES: our own rules, should the log lack the call's.
    Raises BadInput where neither has them: a rule is not guessed."""
    head = stored.call
    pack = stored.rules or places.pack_on(head.started_at.astimezone(UTC).date())
    if pack.version != head.rule_pack:
        raise BadInput("the rules of this call are neither in the log nor ours")
    call = open_call(head.call_id, stored_call_type(head.call_type, head.policy), pack)
    facts = [decode(row.type, row.at, row.channel_id, row.data) for row in stored.events if not row.derived]
    last = stored.events[-1]
    call, words = retell(call, facts)
    return stored, call, Ledger(head, last.seq, last.hash, begun=True), words


def unsaid(found: Sequence[TakenOver]) -> Iterator[tuple[str, OperatorActed]]:
    """What was said of a party and is in no row of another call that it was in, by that call's id: who was to write it
    died between the two rows."""
    for said, (stored, *_) in product([word for *_, words in found for word in words], found):
        visits = [row for row in stored.events if row.type == CallMerged.type and row.channel_id == said.channel_id]
        if any(row.at <= said.at for row in visits) and fingerprint(said) not in {row.dedup for row in stored.events}:
            yield stored.call.call_id, said


def unheard(call: Call, at: datetime, *, halted: bool = False) -> Iterator[Event]:
    """Facts that CALL waited for when its controller died, and that nobody else will say.

    A finished recording waits for its verdict, or for its end: that its files are whole is said again, and they are
    measured, or destroyed. HALTED: a halt covers it; if it does not know, the row died with whoever was to write it.
    """
    if halted and not call.barred:
        yield OperatorActed(at=at, channel_id="", action=Action.STOP, operator=OURSELVES)
    for item in call.recordings:
        if item.state is State.STOPPED or item.is_doomed:
            yield StopObserved(at=at, channel_id=item.channel_id, recording_id=item.recording_id)


@dataclass(frozen=True, slots=True)
class Away:
    """For how many milliseconds no controller heard of anybody; `unwatched`: nor did a guard watch its recorders."""

    milliseconds: int = 0
    unwatched: bool = False

    @classmethod
    def read(cls, alive: Path, now: datetime, *, guarded: bool) -> Self:
        """By the last mark of the controller before. GUARDED: a guard's process is there: it did its work, unless it
        hangs."""
        try:
            seconds = max(0.0, now.timestamp() - alive.stat().st_mtime)
        except OSError:
            return cls()
        return cls(round(seconds * 1000), seconds > (HANDED_OVER if guarded else 0.0))


def lost(call: Call, at: datetime, faults: Set[Link], acts: Iterable[GuardAct], away: Away) -> Iterator[LinkLost]:
    """What is gone now and was there for CALL. Its recorder was unwatched unless the guard stopped it."""
    stopped = call.running is not None and call.running.recording_id in {act.stopped for act in acts}
    for link in sorted(faults - call.faults):
        away_ms = away.milliseconds if link is Link.PBX else 0
        unwatched_ms = away_ms if away.unwatched and not stopped else 0
        yield LinkLost(at=at, link=link, away_ms=away_ms, unwatched_ms=unwatched_ms)


def left(call: Call, now: Snapshot) -> Iterator[Event]:
    """Channels that wait in our application according to CALL, though the PBX says otherwise."""
    for channel in call.live():
        if channel.waiting and channel.channel_id not in now.waiting:
            yield ChannelLeft(at=now.at, channel_id=channel.channel_id)


def waiting_deadlines(stored: StoredCall) -> Mapping[str, datetime]:
    """Deadlines that were asked for and had not passed: a timer dies with its controller, its row does not."""
    waiting: dict[str, datetime] = {}
    for row in stored.events:
        if row.type == DeadlinePassed.type:
            waiting.pop(str(row.data.get("name")), None)
        for effect in row.decision["effects"] if row.decision else ():
            if effect["effect"] == WakeAt.__name__:
                waiting[effect["name"]] = row.recorded_at + timedelta(seconds=float(effect["seconds"]))
    return waiting


@dataclass(frozen=True, slots=True)
class GuardAct:
    """One thing that the guard did: it stopped a recording, or sent a waiting channel on."""

    at: datetime
    stopped: str = ""
    sent_on: str = ""


def guard_acts(journal: Path) -> Iterator[GuardAct]:
    """Everything in the guard's journal; a torn last line is passed over, and so is a journal that cannot be read: what
    ended is seen in the files too, and live calls wait to be taken over."""
    try:
        text = journal.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            item = json.loads(line)
            yield GuardAct(datetime.fromisoformat(item["at"]), item.get("stopped", ""), item.get("sent_on", ""))
        except (ValueError, KeyError, TypeError):
            continue


def facts_of(act: GuardAct, call: Call) -> Iterator[Event]:
    """What the guard's act means for CALL, if that call does not know it yet."""
    recording = call.find(act.stopped)
    if recording and (recording.state.runs or recording.state is State.STOPPING):
        yield StopAcknowledged(at=act.at, channel_id=recording.channel_id, recording_id=act.stopped)
        yield StopObserved(at=act.at, channel_id=recording.channel_id, recording_id=act.stopped)
    sent_on = call.channels.get(act.sent_on)
    if sent_on and sent_on.waiting:
        yield ChannelLeft(at=act.at, channel_id=sent_on.channel_id)
