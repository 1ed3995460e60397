"""A controller that only listens: it shows what the dialplan does, not what callguard decides.

What belongs here: the ARI events as they came, waiting for one, short words for them. What does not: expectations.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callguard.lab.asterisk import Asterisk
from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.site import AriAddress

Event = dict[str, Any]


@dataclass
class Listener:
    """Everything that ARI said since `listening`, with its arrival (monotonic seconds)."""

    ari: Ari
    lets_go: bool = False
    """Send on whoever is handed over, at once."""
    events: list[tuple[float, Event]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        """Keep what arrives."""
        async for event in self.ari.events():
            if isinstance(event, dict):
                self.events.append((time.monotonic(), event))
                self._news.set()
                if self.lets_go and event["type"] == "StasisStart":
                    await self.ari.send_on(event["channel"]["id"])

    def of(self, kind: str) -> list[Event]:
        """All events of one type so far."""
        return [event for _, event in self.events if event["type"] == kind]

    async def nth(self, kind: str, count: int = 1, seconds: float = 5) -> Event:
        """The COUNTth event of a type. Raises AssertionError."""
        try:
            async with asyncio.timeout(seconds):
                while len(self.of(kind)) < count:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(
                f"no {kind} number {count}; seen: {[event['type'] for _, event in self.events]}"
            ) from None
        return self.of(kind)[count - 1]

    def asked(self) -> list[str]:
        """Who was handed over to us, in order: "agent1", "trunk", ..."""
        return [endpoint(event) for event in self.of("StasisStart")]

    def story(self) -> list[str]:
        """What happened in bridges, in short: "agent1 enters 2" is agent1 coming in as the second one."""
        words = {"ChannelEnteredBridge": "enters", "ChannelLeftBridge": "leaves"}
        return [
            f"{endpoint(event)} {words[event['type']]} {len(event['bridge']['channels'])}"
            for _, event in self.events
            if event["type"] in words
        ]

    def together(self) -> list[set[str]]:
        """Who is in the same bridge now, for each bridge."""
        bridges: dict[str, set[str]] = {}
        for _, event in self.events:
            if event["type"] == "ChannelEnteredBridge":
                bridges.setdefault(event["bridge"]["id"], set()).add(endpoint(event))
            elif event["type"] == "ChannelLeftBridge":
                bridges[event["bridge"]["id"]].discard(endpoint(event))
        return [members for members in bridges.values() if members]

    async def beep(self, channel: str, asterisk: Asterisk) -> None:
        """Play half a second to a channel that waits here."""
        await self.ari.play(channel, f"beep-{channel}", Path(asterisk.site.data) / "sounds/en/beep.gsm")


def endpoint(event: Event) -> str:
    """Whose channel an event is about: "agent1" of PJSIP/agent1-00000001."""
    name: str = event["channel"]["name"]
    return name.partition("/")[2].rpartition("-")[0] if name.startswith("PJSIP/") else name


@asynccontextmanager
async def listening(asterisk: Asterisk) -> AsyncIterator[Listener]:
    """A listener on that Asterisk."""
    address = AriAddress(url=asterisk.ari_url, user=asterisk.ari_user, password=asterisk.ari_password)
    listener = Listener(await Ari.connect(address))
    await listener.ari.subscribe()
    reader = asyncio.create_task(listener.read())
    try:
        yield listener
    finally:
        reader.cancel()
        await listener.ari.close()


async def channels(asterisk: Asterisk, seconds: float = 2) -> list[str]:
    """The channels that are left, once there are none or the time is over."""
    deadline = time.monotonic() + seconds
    while (left := (await asterisk.cli("core show channels concise")).splitlines()) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return left


def warnings(asterisk: Asterisk) -> list[str]:
    """Warnings and errors of the dialplan: nothing about a missing app or an ended playback."""
    expected = ("app_stasis.c", "ari_websockets.c", "res_stasis_playback.c", "Prodding channel")
    lines = asterisk.log.read_text(errors="replace").splitlines()
    return [
        line for line in lines if (" WARNING[" in line or " ERROR[" in line) and not any(e in line for e in expected)
    ]
