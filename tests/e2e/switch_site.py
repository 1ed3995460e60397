"""A site on FreeSWITCH: the real `callguard run` and Postgres, and a scripted FreeSWITCH that speaks from captures.

What belongs here: domain verbs. What does not: what must come of them (the tests).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from callguard.lab.stand import COMPLETE, Stand
from callguard.ports import EventRow, StoredCall
from callguard.store.keys import load_master_key
from callguard.store.postgres import PostgresLog
from tests.doctor.freeswitch.healthy import Asked
from tests.e2e.quick import LANGUAGE, write_prompts
from tests.pbx.freeswitch.scripted import PASSWORD, Channel

POLICY = COMPLETE.replace("PJSIP/agent*", 'sofia/lab/agent*", "user/agent*') + "\n".join(
    f"[call_type.{name}]\n{rest}\n"
    for name, rest in {
        "support": f'language = "{LANGUAGE}"',
        "kept": f'language = "{LANGUAGE}"\non_withdrawal = "keep"',
        "survey": f'language = "{LANGUAGE}"\nmode = "announce"\nsite = "US-TX"',
        "private": 'mode = "never"',
    }.items()
)


def _free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


class SwitchStand(Stand):
    """A stand whose PBX is the scripted FreeSWITCH."""

    switch: Asked

    @property
    def recordings(self) -> Path:
        """Where recordings lie."""
        return self.work / "recordings"

    async def start(self, *, controller: bool = True) -> None:
        """Everything up and healthy."""
        self.work.mkdir(exist_ok=True)
        self.work.chmod(0o755)  # Postgres runs as another user
        await super().start(controller=controller)

    async def start_pbx(self) -> None:
        """The scripted FreeSWITCH."""
        self.switch = Asked()
        await self.switch.listen()
        self.switch.controller = _free_port()
        self.switch.socket = f"127.0.0.1:{self.switch.controller}"

    async def stop_pbx(self) -> None:
        """The same."""
        if hasattr(self, "switch"):
            await self.switch.kill()

    def pbx_config(self) -> str:
        """What callguard.toml says about the PBX."""
        own = self.switch
        return (
            f'[pbx]\nkind = "freeswitch"\n[freeswitch]\nport = {own.port}\npassword = "{PASSWORD}"\n'
            f'listen = "127.0.0.1:{own.controller}"\n'
            f'[prompts]\ndirectory = "{write_prompts(self.work / "prompts")}"\n'
        )


class SwitchSite:
    """The stand, and its event log."""

    def __init__(self, stand: SwitchStand, log: PostgresLog) -> None:
        self.stand, self.log, self.switch = stand, log, stand.switch

    async def call(self, call_type: str = "support", **words: str) -> Talk:
        """A caller comes in, with an agent behind callguard."""
        place = {"callguard_place": "US-TX", "callguard_waiting": "true"}
        far = await self.switch.enter("bridge", callguard_type=call_type, **{**place, **words})
        return Talk(self, far)

    async def dial(self, when: str) -> Talk:
        """An agent dials out, and who is called answers; that is the far party."""
        _, called = await self.switch.dial(when, callguard_place="US-TX")
        return Talk(self, called)


class Talk:
    """One call."""

    def __init__(self, site: SwitchSite, far: Channel) -> None:
        self.site, self.far = site, far

    async def until(self, holds: Callable[[], object], what: str, seconds: float = 15.0) -> None:
        """Wait for something on the PBX."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds():
                    await asyncio.sleep(0.01)
                return
        raise AssertionError(f"never: {what}; {self.site.switch.asked[-5:]}; {self.site.stand._last_words()}")

    async def told(self) -> None:
        """The notice was played to its end."""
        await self.row("notice_ended", script="notice")

    async def met(self) -> None:
        """Both are put through."""
        await self.until(lambda: self.far.peer, "put through")

    async def recorded(self) -> None:
        """Granted, put through, recorded, and the line was heard."""
        await self.told()
        self.site.switch.press(self.far, "1")
        await self.met()
        await self.row("notice_ended", script="recording_on")

    async def stored(self) -> StoredCall | None:
        """What the event log holds of it now."""
        return await self.site.log.load(self.far.uuid)

    async def rows(self, type: str, **data: object) -> list[EventRow]:
        """The rows of this type with these data."""
        stored = await self.stored()
        own = [row for row in (stored.events if stored else ()) if row.type == type]
        return [row for row in own if all(row.data.get(key) == value for key, value in data.items())]

    async def row(self, type: str, seconds: float = 15.0, count: int = 1, **data: object) -> EventRow:
        """The COUNTth row of this type with these data, once it is there."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(found := await self.rows(type, **data)) < count:
                    await asyncio.sleep(0.04)
                return found[count - 1]
        stored = await self.stored()
        seen = [(row.type, dict(row.data)) for row in stored.events] if stored else []
        raise AssertionError(f"no {type} with {data}: {seen[-8:]}; {self.site.stand._last_words()}")


@contextlib.asynccontextmanager
async def switch_site(work: Path) -> AsyncIterator[SwitchSite]:
    """A site on FreeSWITCH, its controller healthy."""
    async with SwitchStand(work, policy=POLICY) as stand:
        assert isinstance(stand, SwitchStand)
        log = await PostgresLog.open(stand.postgres.app_dsn, load_master_key(work / "master.key"))
        try:
            yield SwitchSite(stand, log)
        finally:
            await log.close()
