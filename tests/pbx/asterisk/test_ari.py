from __future__ import annotations

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callguard.errors import LinkDown, PbxRefused, Unreachable
from callguard.lab.asterisk import Asterisk
from callguard.lab.sip import Phone
from callguard.pbx.asterisk.ari import ApplicationTaken, Ari
from callguard.pbx.asterisk.site import AriAddress
from callguard.pbx.asterisk.translate import FILTERED
from tests.pbx.rig import SITE


def address(asterisk: Asterisk, app: str = "ari-test") -> AriAddress:
    return AriAddress(url=asterisk.ari_url, user=asterisk.ari_user, password=asterisk.ari_password, app=app)


@asynccontextmanager
async def connected(to: AriAddress) -> AsyncIterator[Ari]:
    ari = await Ari.connect(to)
    try:
        yield ari
    finally:
        await ari.close()


@pytest.mark.requirement("S126")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"password": "secret-word"}, "wrong password"),
        ({"user": "nobody"}, "unknown user nobody"),
        ({"url": "http://127.0.0.1:1/ari"}, "not reachable"),
        ({"url": "http://host.invalid/ari"}, "not reachable"),
        ({"url": "nonsense"}, "no address"),
    ],
)
async def test_what_is_wrong_is_said_in_a_sentence(asterisk: Asterisk, change: dict[str, Any], says: str) -> None:
    with pytest.raises(Unreachable, match=says) as wrong:
        await Ari.connect(replace(address(asterisk), **change))
    assert asterisk.ari_password not in str(wrong.value) and "secret-word" not in str(wrong.value)


async def test_a_wrong_path_is_named(asterisk: Asterisk) -> None:
    with pytest.raises(Unreachable, match="no ARI under this path"):
        await Ari.connect(replace(address(asterisk), url=asterisk.ari_url.replace("/ari", "/no")))


async def test_tls_against_a_plain_port_is_named(asterisk: Asterisk) -> None:
    secure = replace(
        address(asterisk), url=asterisk.ari_url.replace("http:", "https:"), tls=ssl.create_default_context()
    )
    with pytest.raises(Unreachable, match=r"TLS fails|not reachable"):
        await Ari.connect(secure)


async def test_requests_that_the_pbx_refuses_carry_its_status(asterisk: Asterisk) -> None:
    async with connected(address(asterisk)) as ari:
        for request in (ari.answer("../../asterisk/info"), ari.hang_up("none"), ari.stop_playback("none")):
            with pytest.raises(PbxRefused) as refusal:
                await request
            assert refusal.value.status == 404 and refusal.value.reason == "not there"
        assert await ari.channels() == [] and await ari.bridges() == []


async def test_noise_is_filtered(asterisk: Asterisk) -> None:
    async with connected(address(asterisk)) as ari:
        await ari.subscribe()
        listening = asyncio.create_task(_types_of_a_call(ari))
        caller = await Phone.open("caller", asterisk.server)
        await (await caller.dial("160")).ended()
        types = await asyncio.wait_for(listening, 5)
        assert {"ChannelCreated", "ChannelStateChange"} <= types and types.isdisjoint(FILTERED)
        await caller.close()


async def _types_of_a_call(ari: Ari) -> set[object]:
    types: set[object] = set()
    async for message in ari.events():
        types.add(message.get("type") if isinstance(message, dict) else None)
        if "ChannelDestroyed" in types:
            break
    return types


@pytest.mark.requirement("S126")
async def test_another_controller_taking_the_application_is_final(asterisk: Asterisk) -> None:
    async with connected(address(asterisk, "taken")) as first:
        reading = asyncio.create_task(_drain(first))
        async with connected(address(asterisk, "taken")):
            with pytest.raises(ApplicationTaken, match="another controller took the ARI application taken"):
                await asyncio.wait_for(reading, 3)


async def _drain(ari: Ari) -> None:
    async for _ in ari.events():
        pass


@pytest.mark.requirement("S126")
async def test_fault_aioari_2_a_stopped_asterisk_is_noticed_and_requests_fail(tmp_path: Path) -> None:
    async with Asterisk(tmp_path, dialplan=SITE) as asterisk, connected(address(asterisk)) as ari:
        os.kill(asterisk.pid, signal.SIGSTOP)
        try:
            await asyncio.wait_for(_drain(ari), 3)
            with pytest.raises(LinkDown):
                await ari.channels()
        finally:
            os.kill(asterisk.pid, signal.SIGCONT)
