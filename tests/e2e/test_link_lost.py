"""The network between callguard and its Asterisk breaks: whoever came meanwhile is in no file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callguard.core.recording import RATE, State
from tests.e2e.matrix import Change, changing
from tests.e2e.site import Site, at, incidents, states
from tests.e2e.test_joins import about, begun, over
from tests.e2e.test_replaced import kept

DOWN = 3.0
"""Seconds: longer than the guard would take, could it reach anything."""


@dataclass
class Wire:
    """A TCP port of this machine that leads to another one, until it is cut. What it carries is lost while it hangs."""

    port: int
    up: bool = True
    hangs: bool = False
    ends: set[asyncio.StreamWriter] = field(default_factory=set)

    async def listen(self) -> int:
        """The port to use instead."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Whoever is connected is not any more, and nobody gets through."""
        self.up = False
        for end in self.ends:
            end.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.up:
            return writer.transport.abort()
        beyond, there = await asyncio.open_connection("127.0.0.1", self.port)
        self.ends |= {writer, there}
        await asyncio.gather(self._pump(reader, there), self._pump(beyond, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if not self.hangs:
                    writer.write(data)
        writer.close()


async def wired(site: Site) -> list[Wire]:
    """A controller and a guard that reach Asterisk over wires alone."""
    own, config = site.stand.asterisk.site, site.stand.config
    wires, text = [Wire(own.http_port), Wire(own.ami_port)], config.read_text()
    text = text.replace(f":{own.http_port}/ari", f":{await wires[0].listen()}/ari")
    config.write_text(text.replace(f"ami_port = {own.ami_port}", f"ami_port = {await wires[1].listen()}"))
    await site.stand.start_controller()
    return wires


@asynccontextmanager
async def recorded_over_wires(folder: Path) -> AsyncIterator[tuple[list[Wire], Change]]:
    """The wires of ARI and AMI, and a recorded call that somebody may come into."""
    async with await Site.open(folder, controller=False) as site:
        wires = await wired(site)
        async with changing(site, 3, 10, "moved") as change:
            await begun(change.talk)
            yield wires, change


@pytest.mark.requirement("S1", "S73")
async def test_who_came_while_nothing_could_reach_the_pbx_heard_nothing_that_stays(folder: Path) -> None:
    async with recorded_over_wires(folder) as (wires, change):
        talk = change.talk
        for wire in wires:
            wire.cut()
        await change.dials(f"add_{talk.number}")
        await asyncio.sleep(DOWN)
        for wire in wires:
            wire.up = True
        await talk.row("link_restored")
        stored = await over(change)
    assert states(stored) == [State.VERIFIED.value] and "pbx_lost" in incidents(stored)
    assert any(row.type == "recording_blanked" for row in stored.events)
    lost = (at(stored, "link_lost") - at(stored, "recording_acknowledged")).total_seconds()
    tape = talk.tape()
    assert tape.seconds > lost + DOWN
    assert [place for place, _ in (*tape.left, *tape.right) if place / RATE > lost] == []


@pytest.mark.requirement("S1", "S73")
@pytest.mark.parametrize("hanging", [(0,), (0, 1)], ids=["ari", "both"])
async def test_who_came_while_a_link_hung_before_it_was_given_up_is_in_no_file(
    folder: Path, hanging: tuple[int, ...]
) -> None:
    """A connection that carries nothing any more looks well until nobody answers a sign of life."""
    async with recorded_over_wires(folder) as (wires, change):
        talk = change.talk
        for number in hanging:
            wires[number].hangs = True
        await change.dials(f"add_{talk.number}")
        began = datetime.now(UTC)
        await talk.row("link_lost")
        await talk.says(1)
        for number in hanging:
            wires[number].cut()
            wires[number].up, wires[number].hangs = True, False
        await talk.row("link_restored")
        await about(change, "notice_started")
        stored = await over(change)
    assert "pbx_lost" in incidents(stored)
    opened = at(stored, "recording_acknowledged")
    assert [place for place, _ in talk.tape().left if opened + timedelta(seconds=place / RATE) > began] == []
    assert kept(talk, began, at(stored, "link_restored"), talk.far, change.tone) == 0
