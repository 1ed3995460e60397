"""A site with every shipped example at once, the real `callguard run`, and words for calls between its phones.

What belongs here: phones by endpoint, what was stored of the calls. What does not: the inbound calls of site.py, and
what must come of them (the tests).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from callguard.lab.asterisk import dialplan_dir
from callguard.lab.dialog import Call
from callguard.lab.media import CounterTone, find_counters
from callguard.lab.sip import Phone
from callguard.lab.stand import COMPLETE, Stand
from callguard.ports import EventRow, StoredCall
from callguard.proof import prove
from callguard.store.keys import load_master_key
from callguard.store.postgres import PostgresLog
from tests.e2e.quick import LANGUAGE, write_prompts
from tests.e2e.site import Tape, is_over

EXAMPLES = ("outbound", "internal", "ivr", "callback")
PACKETS = 10000
"""Packets of the Nth phone of a call carry numbers from N * PACKETS on."""

POLICY = COMPLETE + "\n".join(
    f'[call_type.{name}]\nlanguage = "{LANGUAGE}"\n{rest}\n'
    for name, rest in {"sales": "", "campaign": "", "support": "", "helpdesk": 'internal = "ask"'}.items()
)
SILENT_POLICY = POLICY.replace('internal = "ask"', "")


WORDLESS = """
[internal]
exten => _7X.,1,ExecIf($["${EXTEN:1:1}" = "1"]?Answer())
 same => n,Gosub(callguard,s,1(sales,outbound))
 same => n,Dial(PJSIP/${FILTER(0-9,${EXTEN:2})}@trunk,60,${IF($["${EXTEN:1:1}" = "2"]?${CALLGUARD_DIAL})})
"""
"""What admins leave away: neither told nor bridged. 71 answers the agent first, 72 gives Dial its options."""

GATED = """
[inbound]
exten => 310,1,Gosub(callguard,s,1(support,inbound))
 same => n,Dial(PJSIP/agent1,20)
[internal]
exten => _4X.,1,Gosub(callguard,s,1(support,outbound,gate))
 same => n,Dial(PJSIP/${FILTER(0-9,${EXTEN:1})}@trunk,60,${CALLGUARD_DIAL})
exten => away,1,Wait(60)
"""
"""Whoever is dialled to the outside, for a transfer too, waits at the gate; and where somebody is led to."""


def examples() -> str:
    """The shipped examples in one dialplan, and what is wrong with some."""
    shipped = "".join((dialplan_dir() / f"example-{name}.conf").read_text() for name in EXAMPLES)
    return shipped + WORDLESS + GATED


@dataclass
class Shapes:
    """Asterisk, Postgres and `callguard run`. `log` reads what was written down, `before` the calls known already."""

    stand: Stand
    log: PostgresLog
    phones: dict[str, Phone] = field(default_factory=dict)
    before: set[str] = field(default_factory=set)

    @classmethod
    async def open(cls, work: Path, policy: str = POLICY) -> Self:
        """All of it in the folder WORK, which others may enter: Postgres runs as another user."""
        stand = Stand(work, dialplan=examples(), agents=3, policy=policy)
        try:
            await stand.start(controller=False)
            prompts = write_prompts(work / "prompts")
            with stand.config.open("a") as config:
                config.write(f'\n[prompts]\ndirectory = "{prompts}"\n')
            await stand.start_controller()
            return cls(stand, await PostgresLog.open(stand.postgres.app_dsn, load_master_key(work / "master.key")))
        except BaseException:
            await stand.stop()
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.log.close()
        await self.stand.stop()

    # ------------------------------------------------------------ phones
    @contextlib.asynccontextmanager
    async def with_phones(self, *names: str, answer_after: float | None = 0.05) -> AsyncIterator[list[Phone]]:
        """Phones by the names of their endpoints; each speaks numbers of its own."""
        asterisk = self.stand.asterisk
        ports = {**asterisk.agent_ports, "trunk": asterisk.trunk_port}
        self.before = {head.call_id async for head in self.log.calls()}
        async with contextlib.AsyncExitStack() as opened:
            for place, name in enumerate(names):
                tone = CounterTone(place * PACKETS)
                phone = await Phone.open(
                    name, asterisk.server, port=ports.get(name, 0), answer_after=answer_after, media=tone
                )
                self.phones[name] = await opened.enter_async_context(phone)
            yield [self.phones[name] for name in names]

    async def dial(self, name: str, number: str) -> Call:
        """That phone calls."""
        phone = self.phones[name]
        return await phone.dial(number, media=phone.media)

    async def reached(self, name: str) -> Call:
        """The call that comes in at that phone, answered."""
        call = await self.phones[name].incoming()
        call.answer()
        await call.answered()
        return call

    # ------------------------------------------------------------ what was written down
    async def calls(self) -> list[StoredCall]:
        """What is stored of the calls since the phones were opened, oldest first."""
        ids = sorted([head.call_id async for head in self.log.calls() if head.call_id not in self.before])
        found = [await self.log.load(call_id) for call_id in ids]
        return [stored for stored in found if stored is not None]

    async def row(self, type: str, *, nth: int = 0, seconds: float = 20, **data: object) -> EventRow:
        """The NTH row of this type with these data in any of these calls, once it is there."""
        rows = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    rows = [row for stored in await self.calls() for row in stored.events]
                    found = [row for row in rows if row.type == type and data.items() <= row.data.items()]
                    if len(found) > nth:
                        return found[nth]
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"no {type} with {data}; rows: {told(rows)}") from None

    async def over(self, count: int = 1, seconds: float = 20) -> list[StoredCall]:
        """The calls once nothing more is expected of them, and each proves itself. There must be COUNT of them."""
        stored: list[StoredCall] = []
        try:
            async with asyncio.timeout(seconds):
                while len(stored := await self.calls()) < count or not all(is_over(one) for one in stored):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            rows = [told(one.events) for one in stored]
            raise AssertionError(f"{len(stored)} calls, not over: {rows}") from None
        assert len(stored) == count
        assert [prove(one) for one in stored] == [[]] * count
        return stored

    def tape(self, stored: StoredCall, segment: int = 0) -> Tape:
        """What is in the finished file of this segment."""
        return Tape.read(self.stand.recordings / f"{stored.recordings[segment].recording_id}.wav")


def told(rows: list[EventRow] | tuple[EventRow, ...]) -> str:
    """Rows in a few words, for a failure."""
    return "\n".join(f"{row.at:%T.%f} {row.type} {row.channel_id} {dict(row.data)}" for row in rows)


def notices(stored: StoredCall) -> list[object]:
    """What was said to somebody, in order."""
    return [row.data["script"] for row in stored.events if row.type == "notice_started"]


def masks(stored: StoredCall) -> int:
    """How often the recording was masked once it had been open."""
    types = [row.type for row in stored.events]
    return types[types.index("recording_opened") :].count("mask_requested") if "recording_opened" in types else 0


def speakers(side: list[tuple[int, int]]) -> set[int]:
    """Whose packets are on one side of a tape: places of phones in `with_phones`."""
    return {number // PACKETS for _, number in side}


async def hears(call: Call, speaker: int, seconds: float = 5) -> None:
    """Wait until this side hears that phone. Raises AssertionError."""
    start = len(call.heard().samples)
    try:
        async with asyncio.timeout(seconds):
            while speaker not in speakers(find_counters(call.heard().samples[start:])):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"phone {speaker} is not heard") from None
