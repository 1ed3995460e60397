"""kill -9 of the controller, its guard, Asterisk and Postgres at random moments of real calls, and what that leaves.

What belongs here: who calls, who is killed, and the sums. What does not: single faults with their bars (tests/e2e).
`python -m tests.chaos --calls 200 --seed 1`: its last line sums up; exit status 1 on any violation. The seed gives who
calls how and who is killed in which order; when that meets a call, the machine decides.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from callguard.audio.tone import TONES
from callguard.errors import CallguardError
from callguard.jobs.spool import recording_of
from callguard.lab.media import CounterTone
from callguard.pbx.cdr import read_cdr
from callguard.ports import StoredCall
from callguard.proof import prove
from callguard.reconcile import Class, Result, Stock, reconcile
from tests.e2e.site import Site, Talk, Tape, is_over

SIDE_BY_SIDE = 4
QUIET = (1.5, 4.0)
"""Seconds between two kills."""
DEAD = (0.2, 2.5)
"""Seconds that what was killed stays dead."""
NOTICE = 1.6
"""Seconds after the answer at which the notice of this site is over."""
MISSING = 3.0
"""So many seconds of a conversation may be in no file before an incident has to say why."""
WITHOUT = ("recording before", "recording without", "a party without")
"""Findings of the proof that say that somebody was recorded who must not be."""
SETTLED = 60.0
ZEROS = ("recorded without standing", "silent losses", "un-audited state changes", "unexplained")


@dataclass
class Caller:
    """What one caller did. `key`: pressed in answer, '' for none; `pressed`, `together`, `gone`: moments of the wall
    clock, 0 where it never came to that."""

    name: str
    key: str
    far: CounterTone
    pressed: float = 0.0
    together: float = 0.0
    gone: float = 0.0


@dataclass
class Sums:
    """What came of it all. `wrong`: violations, as words."""

    result: Result
    unasked: int = 0
    wrong: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in ZEROS})
    calls: dict[str, StoredCall] = field(default_factory=dict)

    def told(self, what: str) -> str:
        """WHAT is wrong, and what was written down of the call that it begins with."""
        stored = self.calls.get(what.partition(":")[0])
        rows = stored.events if stored else ()
        return "\n".join(
            (what, *(f"  {row.at:%T.%f} {row.type} {row.channel_id} {dict(row.data)}"[:200] for row in rows))
        )


# ---------------------------------------------------------------- who calls
@dataclass
class Chaos:
    """A site under attack. `kills`: how often each was killed."""

    site: Site
    rng: random.Random
    calls: int
    callers: list[Caller] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> Sums:
        """All calls, with kills until the last one is over. What came of it."""
        killing = asyncio.create_task(self._kill())
        turns = iter(range(self.calls))

        async def line() -> None:
            for turn in turns:
                await self._call(turn)

        try:
            await asyncio.gather(*(line() for _ in range(SIDE_BY_SIDE)))
        finally:
            self.over.set()  # what was killed last is brought up again
            await killing
        await self._everything_up()
        await self._settled()
        return await _sums(self)

    async def _call(self, turn: int) -> None:
        """One caller who may be cut off at any point."""
        key = self.rng.choices(("1", "2", ""), (8, 1, 1))[0]
        early, seconds = self.rng.random() < 0.1, self.rng.uniform(0.3, 7.0)
        with suppress(CallguardError, TimeoutError, OSError, AssertionError):
            async with asyncio.timeout(40), self.site.talk(answer_after=0.0) as talk:
                caller = Caller(talk.name, key, talk.far)
                self.callers.append(caller)
                try:
                    await self._acts(talk, caller, early, seconds)
                finally:
                    caller.gone = time.time()

    async def _acts(self, talk: Talk, caller: Caller, early: bool, seconds: float) -> None:
        await talk.call.answered()
        await asyncio.sleep(self.rng.uniform(0, NOTICE) if early else NOTICE)
        if caller.key and not early:
            caller.pressed = time.time()
            await talk.call.press(caller.key)
        if not early:
            await talk.meets()
            caller.together = time.time()
        async with asyncio.timeout(seconds):
            with suppress(TimeoutError):
                await talk.call.ended(seconds)
        await talk.call.hangup()

    # ------------------------------------------------------------ who is killed
    async def _kill(self) -> None:
        victims: dict[str, Callable[[], Awaitable[None]]] = {
            "controller": self._kill_controller,
            "guard": self._kill_guard,
            "asterisk": self._kill_asterisk,
            "postgres": self._kill_postgres,
        }
        bag: list[str] = []
        while not await self._ends_within(self.rng.uniform(*QUIET)):
            bag = bag or self.rng.sample(list(victims), len(victims))  # each as often as the others
            name = bag.pop()
            self.kills[name] += 1
            await victims[name]()

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), seconds)
        return self.over.is_set()

    async def _kill_controller(self) -> None:
        await self.site.stand.stop_controller(signal.SIGKILL)
        await self._dead()
        await self.site.stand.start_controller()

    async def _kill_guard(self) -> None:
        """Its controller starts another."""
        with suppress(OSError, ValueError):
            os.kill(int((self.site.stand.data / "guard.pid").read_text()), signal.SIGKILL)
        await self._dead()

    async def _kill_asterisk(self) -> None:
        await self.site.stand.asterisk.kill()
        await self._dead()
        await self.site.stand.asterisk.restart()
        await self.site.stand.healthy(40)

    async def _kill_postgres(self) -> None:
        await asyncio.to_thread(self.site.stand.postgres.kill)
        await self._dead()
        await asyncio.to_thread(self.site.stand.postgres.again)
        await self.site.stand.healthy(40)

    async def _dead(self) -> None:
        await asyncio.sleep(self.rng.uniform(*DEAD))

    async def _everything_up(self) -> None:
        """A controller that ended by itself would be started again by its service manager."""
        stand = self.site.stand
        if stand.controller is None or stand.controller.returncode is not None:
            await stand.start_controller()
        await stand.healthy(40)

    async def _settled(self) -> None:
        """No call is under way any more, and every one has its verdicts."""
        async with asyncio.timeout(SETTLED):
            while await self.site.live():
                await asyncio.sleep(0.2)
        await asyncio.sleep(1)


# ---------------------------------------------------------------- what it left
async def _sums(chaos: Chaos) -> Sums:
    site = chaos.site
    calls = {head.call_id: stored async for head in site.log.calls() if (stored := await site.log.load(head.call_id))}
    for caller in chaos.callers:
        await site.find(caller.name)
    ids = {name: call_id for call_id, name in site.names.items()}
    sums = Sums(_reconciled(site, list(calls.values())), calls=calls)
    for stored in calls.values():
        _proved(stored, sums)
    for caller in chaos.callers:
        if found := calls.get(ids.get(caller.name, "")):
            _heard(site, caller, found, sums)
        else:
            sums.unasked += 1
    for item in sums.result.items:
        if item.cls in (Class.UNEXPLAINED, Class.UNKNOWN, Class.ERROR):
            sums.wrong["unexplained"].append(f"{item.call_id or item.leg}: {item.cls}: {item.reason}")
        if item.cls is Class.LOST and item.call_id and not calls[item.call_id].incidents:
            sums.wrong["silent losses"].append(f"{item.call_id}: {item.reason}")
    return sums


def _reconciled(site: Site, calls: list[StoredCall]) -> Result:
    """As `callguard reconcile --cdr` has it."""
    known = {item.recording_id for call in calls for item in call.recordings}
    names = {path.name: recording_of(path) for path in site.stand.recordings.iterdir() if path.name != TONES}
    strange = [name for name, recording_id in names.items() if recording_id not in known]
    spool = frozenset(recording_id for recording_id in names.values() if recording_id in known)
    book = site.stand.asterisk.work / "log/cdr-csv/Master.csv"
    return reconcile(read_cdr(book, "asterisk"), calls, Stock(spool=spool, strange=strange))


def _proved(stored: StoredCall, sums: Sums) -> None:
    """Its chain is whole, its decisions are those of a replay, and no invariant broke."""
    if not is_over(stored):
        sums.wrong["un-audited state changes"].append(f"{stored.call.call_id}: it never came to an end")
    for finding in prove(stored):
        kind = "recorded without standing" if finding.what.startswith(WITHOUT) else "un-audited state changes"
        sums.wrong[kind].append(f"{finding.call_id}: {finding.what}")


def _heard(site: Site, caller: Caller, stored: StoredCall, sums: Sums) -> None:
    """The sound itself: nothing of who did not agree, nothing before the key, and no hole that nobody was told of."""
    tapes = [Tape.read(path) for item in stored.recordings if (path := _file(site, item.recording_id))]
    sent = [caller.far.sent[number].wall for tape in tapes for number in tape.numbers()[0] if number in caller.far.sent]
    if tapes and (caller.key != "1" or not caller.pressed or min(sent, default=caller.gone) < caller.pressed):
        sums.wrong["recorded without standing"].append(f"{stored.call.call_id}: it is in the file")
    talked = caller.gone - caller.together if caller.key == "1" and caller.pressed and caller.together else 0.0
    held = sum(tape.seconds for tape in tapes)
    if talked - held > MISSING and not stored.incidents:
        sums.wrong["silent losses"].append(f"{stored.call.call_id}: {talked:.1f} s talked, {held:.1f} s on file")


def _file(site: Site, recording_id: str) -> Path | None:
    path = site.stand.recordings / f"{recording_id}.wav"
    return path if path.exists() else None


def summary(chaos: Chaos, sums: Sums, seed: int) -> str:
    """The one line that is kept."""
    kills = ", ".join(f"{name} {chaos.kills[name]}" for name in ("controller", "guard", "asterisk", "postgres"))
    zeros = ", ".join(f"{len(found)} {name}" for name, found in sums.wrong.items())
    legs = ", ".join(f"{count} {name}" for name, count in sums.result.counts.items() if count)
    return (
        f"chaos seed {seed}: {len(chaos.callers)} calls, {sum(chaos.kills.values())} kills ({kills}): {zeros};"
        f" legs: {legs}; {sums.unasked} calls that no controller was there for"
    )


async def attack(calls: int, seed: int, folder: Path) -> tuple[Chaos, Sums]:
    """CALLS real calls on a site of their own."""
    async with await Site.open(folder) as site:
        chaos = Chaos(site, random.Random(seed), calls)
        return chaos, await chaos.run()


def main() -> int:
    """Exit status 1: something is not as it has to be."""
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="how many real calls (200)")
    parser.add_argument("--seed", type=int, default=1, help="who calls, who is killed and when (1)")
    parser.add_argument("--keep", action="store_true", help="leave the site's folder for a look")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="callguard-chaos-"))
    try:
        chaos, sums = asyncio.run(attack(options.calls, options.seed, folder))
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    for kind, found in sums.wrong.items():
        for what in found:
            print(f"{kind}: {sums.told(what)}")
    print(summary(chaos, sums, options.seed))
    return int(any(sums.wrong.values()))


if __name__ == "__main__":
    sys.exit(main())
