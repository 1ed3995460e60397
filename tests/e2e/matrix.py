"""The transfer matrix: each kind of change on a live call, made for real, and what became of the recording.

What belongs here: making the change, and reading off what the log and the files show. What does not: what must come of
it (test_transfers.py). Phones agent1 to agent9 are staff; agent10 and higher are anybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from callguard.core.recording import State
from callguard.lab.dialog import Call
from callguard.lab.media import CounterTone
from callguard.lab.sip import Phone
from callguard.ports import EventRow, StoredCall
from tests.e2e.site import Site, Talk, incidents, states

STAFF, OTHERS = "staff", "somebody else"
THIRD_NUMBERS = 40000
"""Packets of who comes in carry numbers from here on."""
ENOUGH = 20
"""So many packets of 20 ms are a voice."""
HEAD = ["Change", "Silent within", "Told", "Asked, alone", "Both voices after", "Recording", "Events complete"]


@dataclass(frozen=True)
class Line:
    """One row of the matrix. `silent`: milliseconds from the PBX's event to the acknowledged mask or stop, -1 where
    nobody has to be kept out; `gap`: milliseconds between segments, -1 within one; `both`: both voices are in the file
    afterwards; `complete`: the log proves itself, every file is verified, and no incident is open; `rows`: their types.
    """

    kind: str
    silent: int
    told: str
    asked: str
    both: bool
    gap: int
    complete: bool
    rows: frozenset[str] = frozenset()

    def cells(self) -> list[str]:
        """As the table shows it."""
        silent = f"{self.silent} ms" if self.silent >= 0 else "-"
        gap = f"new segment, {self.gap} ms" if self.gap >= 0 else "same file"
        return [self.kind, silent, self.told, self.asked, _word(self.both), gap, _word(self.complete)]


def table(lines: list[Line]) -> str:
    """All of it, in Markdown."""
    rows = [HEAD, ["---"] * len(HEAD), *(line.cells() for line in lines)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _word(holds: bool) -> str:
    return "yes" if holds else "NO"


@dataclass
class Change:
    """A live call whose parties change. `third`: the phone that comes in, `coming`: its end of that, `channel_id`: the
    PBX's name for it, `speaks`: whether it is heard by the others,
    `mutes`: whether the agent listens meanwhile; `since`: when the change was over, in seconds of the epoch."""

    site: Site
    talk: Talk
    third: Phone
    tone: CounterTone
    coming: Call | None = None
    channel_id: str = ""
    speaks: bool = True
    mutes: bool = False
    since: float = 0.0

    async def rings(self) -> None:
        """The third phone rings, and is answered."""
        self.coming = await self.third.incoming()
        self.coming.answer()
        await self._is_up(self.coming)

    async def is_called(self, name: str) -> None:
        """Until the phone NAME is called, which nobody here answers."""
        async with asyncio.timeout(10):
            while not any(row.startswith(f"PJSIP/{name}-") for row in await self._rows()):
                await asyncio.sleep(0.05)

    async def _rows(self) -> list[str]:
        return (await self.site.channels()).splitlines()

    async def dials(self, extension: str) -> None:
        """The third phone calls."""
        self.coming = await self.third.dial(extension, media=self.tone)
        await self._is_up(self.coming)

    async def consults(self, extension: str) -> Call:
        """The agent puts the caller on hold and calls somebody else."""
        await self.talk.answered.hold()
        return await self.talk.agent.dial(extension, media=self.talk.near)

    async def comes_by_a_door(self, extension: str) -> None:
        """The third phone calls, is told and agrees, and comes in."""
        door = Talk(self.site, f"{self.talk.name}, door", 0, self.third, self.third, self.tone)
        self.coming = door.call = await self.third.dial(extension, media=self.tone)
        await self._is_up(self.coming)
        door.call_id = await self._call_of(self.channel_id)
        await door.grants()

    async def _call_of(self, channel_id: str) -> str:
        """The call that began with this channel, once it is written down."""
        async with asyncio.timeout(10):
            while True:
                async for head in self.site.log.calls():
                    stored = await self.site.log.load(head.call_id)
                    if stored and stored.events and stored.events[0].channel_id == channel_id:
                        return head.call_id
                await asyncio.sleep(0.1)

    async def redirects(self, extension: str, *names: str) -> None:
        """An operator's panel takes channels to an extension."""
        first, *rest = [await self.find(name) for name in names]
        also = {f"Extra{key}": value for key, value in _place(extension).items()} if rest else {}
        channels = {"Channel": first, **({"ExtraChannel": rest[0]} if rest else {})}
        await self.site.manager("Redirect", **channels, **_place(extension), **also)

    async def find(self, name: str) -> str:
        """The name of the channel of the phone NAME; of the callers, the one of this call."""
        stored = await self.talk.load()
        caller = stored.events[0].channel_id if stored else ""
        rows = [line.rstrip().split("!") for line in await self._rows()]
        return next(
            row[0] for row in rows if row[0].startswith(f"PJSIP/{name}-") and (name != "caller" or row[-1] == caller)
        )

    async def agrees(self, coming: Call) -> None:
        """Who came in is told, and presses 1."""
        await self.talk.row("notice_ended", script="notice", nth=1)
        await coming.press("1")

    async def channel_of(self, phone: Phone) -> str:
        """The PBX's id of the channel of PHONE; while a pickup swaps channels there is none of that name."""
        async with asyncio.timeout(5):
            while True:
                rows = [line.rstrip().split("!") for line in await self._rows()]
                if found := [row[-1] for row in rows if row[0].startswith(f"PJSIP/{phone.user}-")]:
                    return found[0]
                await asyncio.sleep(0.05)

    async def _is_up(self, coming: Call) -> None:
        await coming.answered()
        self.channel_id = await self.channel_of(self.third)


def _place(extension: str) -> dict[str, str]:
    return {"Context": "internal", "Exten": extension, "Priority": "1"}


@dataclass(frozen=True)
class Kind:
    """A way in which parties change. `make` does it, `comes` says who comes in by it, `dialled` who was there first."""

    name: str
    make: Callable[[Change], Awaitable[None]]
    comes: str
    dialled: str = STAFF
    call_type: str = "moved"


@contextlib.asynccontextmanager
async def changing(site: Site, agent: int, third: int, kind: str) -> AsyncIterator[Change]:
    """A call of that type to that agent, and the phone of who comes in."""
    tone, name = CounterTone(THIRD_NUMBERS), f"agent{third}"
    ports, server = site.stand.asterisk.agent_ports, site.stand.asterisk.server
    async with (
        site.talk(kind, agent_number=agent) as talk,
        await Phone.open(name, server, port=ports[name], media=tone) as phone,
    ):
        yield Change(site, talk, phone, tone)


async def observe(site: Site, kind: Kind, agent: int, third: int) -> Line:
    """Make a call to the phone AGENT, change it by the phone THIRD, talk on, and read off what became of it."""
    async with changing(site, agent, third, kind.call_type) as change:
        talk = change.talk
        await talk.grants()
        await talk.meets()
        if kind.dialled is OTHERS:
            change.channel_id = await change.channel_of(talk.agent)
            await change.agrees(talk.answered)
        await talk.row("notice_ended", script="recording_on")
        await kind.make(change)
        if change.coming and kind.comes is OTHERS and kind.call_type != "gated":
            await change.agrees(change.coming)
        talk.answered.rtp.muted = change.mutes  # of two who speak at once neither can be told
        await sounds(talk)
        change.since = time.time()
        await talk.says(1)
        await talk.call.hangup()
        for other in (talk.answered, change.coming):  # those whom a bridge of several would keep
            if other:
                await other.hangup()
        stored = await talk.over()
        newcomer = kind.comes if change.coming else kind.dialled
        return _read(kind.name, stored, change, covered=newcomer is STAFF)


async def sounds(talk: Talk, seconds: float = 15) -> None:
    """Sound reaches a file, and goes on to for a quarter of a second: nothing but the voices, for no line is spoken."""
    calm, before = 0, -1
    with talk.telling("no sound"):
        async with asyncio.timeout(seconds):
            while calm < 5:
                stored = await talk.load()
                turns = _turns(stored) if stored else -1
                calm, before = calm + 1 if turns == before >= 0 else 0, turns
                await asyncio.sleep(0.05)


def _turns(stored: StoredCall) -> int:
    """How often it turned loud, silent or to somebody else; -1 where it is not loud, or a line is spoken."""
    turns = [row.type for row in stored.events if row.type in _LOUD + _SILENT + _MOVED]
    turned = [row for row in turns if row not in _MOVED]
    lines = [row.type for row in stored.events if row.data.get("script") == "recording_on"]
    over = lines.count("notice_ended") + lines.count("notice_failed")
    spoken = lines.count("notice_started") > over or turns.count("recording_opened") > len(lines)
    return len(turns) if turned and turned[-1] in _LOUD and not spoken else -1


_LOUD = ("unmask_acknowledged", "recording_opened")
_SILENT = ("mask_requested", "stop_requested")
_MOVED = ("unbridged", "bridged", "channel_held", "channel_unheld")


def _read(kind: str, stored: StoredCall, change: Change, *, covered: bool) -> Line:
    about = [row for row in stored.events if row.channel_id == change.channel_id]
    told = any(row.type == "notice_ended" and row.data["script"] == "notice" for row in about)
    answers = [row.data["how"] for row in about if row.type == "consent_granted"]
    covered = covered or answers == ["express_prior"]
    left, right = change.talk.tape(len(stored.recordings) - 1).numbers()
    near = change.tone if change.speaks and change.coming else change.talk.near
    gaps = [int(str(row.data["milliseconds"])) for row in stored.events if row.type == "recording_continued"]
    return Line(
        kind=kind,
        silent=-1 if covered else _silent(stored.events, change.channel_id),
        told="-" if covered else _word(told),
        asked="-" if covered else _word(bool(answers)),
        both=min(_after(left, change.talk.far, change), _after(right, near, change)) > ENOUGH,
        gap=max(gaps, default=-1),
        complete=set(states(stored)) == {State.VERIFIED.value} and not incidents(stored),
        rows=frozenset(row.type for row in stored.events),
    )


def _after(numbers: list[int], tone: CounterTone, change: Change) -> int:
    """How many of these packets are of TONE and left after the change."""
    return sum(number in tone.sent and tone.sent[number].wall > change.since for number in numbers)


def _silent(events: tuple[EventRow, ...], channel_id: str) -> int:
    """Milliseconds from the first moment in which this channel's party could hear the call; 0: it was silent before."""
    came = _came(events, channel_id)
    turns = ("mask_acknowledged", "stop_acknowledged", "unmask_requested", "recording_acknowledged")
    before = [row.type for row in events if row.type in turns and row.seq < came.seq]
    if not before or before[-1] in turns[:2]:
        return 0
    silenced = next(row for row in events if row.type in turns[:2] and row.seq > came.seq)
    return max(0, round((silenced.at - came.at).total_seconds() * 1000))


def _came(events: tuple[EventRow, ...], channel_id: str) -> EventRow:
    """The row by which this channel came to hear the far party: its own, or the far party's into the same bridge."""
    own = next(row for row in events if row.channel_id == channel_id and row.type in ("bridged", "listening_started"))
    bridge, far = own.data.get("bridge_id"), events[0].channel_id
    met = [row for row in events if row.type == "bridged" and row.channel_id == far and row.data["bridge_id"] == bridge]
    return max(own, met[-1], key=lambda row: row.seq) if met else own
