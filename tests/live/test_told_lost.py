"""Calls that agents make, on a real FreeSWITCH, while callguard is gone or hangs: put through, unrecorded."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from tests.live.measure import note
from tests.live.outward import dials_out
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio

NUMBER = "15125550199"


@pytest.mark.requirement("S1", "S123", "S126")
@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_told_without_its_controller_who_waits_is_bridged(own_site: LiveSite, how: str) -> None:
    controller = own_site.stand.controller
    assert controller is not None
    async with dials_out(own_site, f"told_{NUMBER}") as talk:
        await talk.row("notice_started", script="notice")
        gone = time.monotonic()
        if how == "stopped":
            controller.send_signal(signal.SIGSTOP)
        else:
            await own_site.stand.stop_controller(signal.SIGKILL)
        try:
            await talk.answered.answered(timeout=5)
            note(f"told, controller {how}: bridged", time.monotonic() - gone)
            assert time.monotonic() - gone < 2.5
            await asyncio.sleep(0.5)
            assert await talk.hears_each_other()
        finally:
            if how == "stopped":
                controller.send_signal(signal.SIGCONT)
        await asyncio.sleep(1)
        assert await talk.hears_each_other()
        assert not list(own_site.stand.recordings.glob("*.wav"))
        await talk.call.hangup()
        await talk.answered.ended(timeout=3)


@pytest.mark.requirement("S1", "S123", "S126")
async def test_told_whoever_comes_to_a_controller_that_hangs_is_bridged(own_site: LiveSite) -> None:
    controller = own_site.stand.controller
    assert controller is not None
    controller.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(1.5)
        async with dials_out(own_site, f"told_{NUMBER}", hangs=True) as talk:
            began = time.monotonic()
            await talk.answered.answered(timeout=5)
            note("told, to a controller that hangs: bridged", time.monotonic() - began)
            await asyncio.sleep(0.5)
            assert await talk.hears_each_other()
            await talk.call.hangup()
            await talk.answered.ended(timeout=3)
    finally:
        controller.send_signal(signal.SIGCONT)


@pytest.mark.requirement("S1", "S123")
@pytest.mark.parametrize("way", ["told", "bridged"])
async def test_without_a_controller_an_outbound_call_is_put_through_at_once(folder: Path, way: str) -> None:
    async with await LiveSite.raise_on(folder, controller=False) as site, dials_out(site, f"{way}_{NUMBER}") as talk:
        began = time.monotonic()
        await talk.answered.answered(timeout=5)
        note(f"{way}, no controller: put through", time.monotonic() - began)
        assert time.monotonic() - began < 1 and await talk.hears_each_other()
        await talk.call.hangup()
