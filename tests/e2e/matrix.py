"""The transfer matrix: each kind of change on a live call, made for real, and what became of the recording.

What belongs here: making the change, and reading off what the log and the files show. What does not: what must come of
it (test_transfers.py). Phones agent1 to agent9 are staff; agent10 and higher are anybody.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from callguard.core.recording import State
from callguard.lab.dialog import Call
from callguard.lab.media import CounterTone
from callguard.lab.sip import Phone
from callguard.ports import EventRow, StoredCall
from tests.e2e.site import Site, Talk

STAFF = range(1, 10)
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
    `mutes`: whether the agent listens meanwhile."""

    site: Site
    talk: Talk
    third: Phone
    tone: CounterTone
    coming: Call | None = None
    channel_id: str = ""
    speaks: bool = True
    mutes: bool = False

    async def rings(self) -> None:
        """The third phone rings, and is answered."""
        self.coming = await self.third.incoming()
        self.coming.answer()
        await self._is_up(self.coming)

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
        rows = [line.rstrip().split("!") for line in (await self.site.channels()).splitlines()]
        return next(
            row[0] for row in rows if row[0].startswith(f"PJSIP/{name}-") and (name != "caller" or row[-1] == caller)
        )

    async def _is_up(self, coming: Call) -> None:
        await coming.answered()
        rows = [line.rstrip().split("!") for line in (await self.site.channels()).splitlines()]
        self.channel_id = next(row[-1] for row in rows if row[0].startswith(f"PJSIP/{self.third.user}-"))


def _place(extension: str) -> dict[str, str]:
    return {"Context": "internal", "Exten": extension, "Priority": "1"}


Make = Callable[[Change], Awaitable[None]]


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


async def observe(site: Site, kind: str, agent: int, third: int, make: Make, call_type: str = "moved") -> Line:
    """Make a call, change it, talk on, and read off what became of it."""
    async with changing(site, agent, third, call_type) as change:
        talk = change.talk
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await make(change)
        if change.coming and third not in STAFF and call_type != "gated":
            await talk.row("notice_ended", script="notice", nth=1)
            await change.coming.press("1")
        talk.answered.rtp.muted = change.mutes  # of two who speak at once neither can be told
        await _sounds(talk)
        await talk.says(1.5)
        await talk.call.hangup()
        for other in (talk.answered, change.coming):  # those whom a bridge of several would keep
            if other:
                await other.hangup()
        stored = await talk.over()
        return _read(kind, stored, change, covered=third in STAFF or not change.coming)


async def _sounds(talk: Talk, seconds: float = 15) -> None:
    """Sound reaches a file again, and will go on to."""
    calm = 0
    with talk.telling("no sound"):
        async with asyncio.timeout(seconds):
            while calm < 5:
                stored = await talk.load()
                last = [row.type for row in stored.events if row.type in _TURNS] if stored else []
                calm = calm + 1 if last and last[-1] in ("unmask_acknowledged", "recording_opened") else 0
                await asyncio.sleep(0.05)


_TURNS = (
    "mask_requested unmask_acknowledged stop_requested recording_opened unbridged bridged channel_held channel_unheld"
).split()


def _read(kind: str, stored: StoredCall, change: Change, *, covered: bool) -> Line:
    about = [row for row in stored.events if row.channel_id == change.channel_id]
    told = any(row.type == "notice_ended" and row.data["script"] == "notice" for row in about)
    answers = [row.data["how"] for row in about if row.type == "consent_granted"]
    covered = covered or answers == ["express_prior"]
    left, right = change.talk.tape(len(stored.recordings) - 1).numbers()
    theirs = [number for number in right if (number >= THIRD_NUMBERS) is (change.speaks and bool(change.coming))]
    gaps = [int(str(row.data["milliseconds"])) for row in stored.events if row.type == "recording_continued"]
    return Line(
        kind=kind,
        silent=-1 if covered else _silent(stored.events, change.channel_id),
        told="-" if covered else _word(told),
        asked="-" if covered else _word(bool(answers)),
        both=len(theirs) > ENOUGH and len(left) > ENOUGH,
        gap=max(gaps, default=-1),
        complete={item.state for item in stored.recordings} == {State.VERIFIED.value} and not stored.incidents,
        rows=frozenset(row.type for row in stored.events),
    )


def _silent(events: tuple[EventRow, ...], channel_id: str) -> int:
    """Milliseconds from the first moment in which this channel's party could hear the call; 0: it was silent before."""
    came = _came(events, channel_id)
    turns = ("mask_acknowledged", "stop_acknowledged", "unmask_requested", "recording_acknowledged")
    before = [row.type for row in events if row.type in turns and row.seq < came.seq]
    if before and before[-1] in turns[:2]:
        return 0
    silenced = next(row for row in events if row.type in turns[:2] and row.seq > came.seq)
    return max(0, round((silenced.at - came.at).total_seconds() * 1000))


def _came(events: tuple[EventRow, ...], channel_id: str) -> EventRow:
    """The row by which this channel came to hear the far party: its own, or the far party's into the same bridge."""
    own = next(row for row in events if row.channel_id == channel_id and row.type in ("bridged", "listening_started"))
    bridge, far = own.data.get("bridge_id"), events[0].channel_id
    met = [row for row in events if row.type == "bridged" and row.channel_id == far and row.data["bridge_id"] == bridge]
    return max(own, met[-1], key=lambda row: row.seq) if met else own
