"""What a caller may wish for while it is told, and what it hears where a recording is needed."""

from __future__ import annotations

import asyncio

import pytest

from callguard.ports import EventRow
from tests.e2e.quick import LANGUAGE, OTHER
from tests.e2e.site import Site, Talk, at, states, types

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.requirement("S20", "S53")
async def test_more_and_another_language_are_a_key_away(site: Site) -> None:
    async with site.talk("polyglot") as talk:
        await talk.row("notice_started", script="notice", language=LANGUAGE)
        await talk.call.press("3")
        await talk.row("notice_started", script="notice", language=OTHER)
        await talk.call.press("9")
        await talk.row("notice_started", script="long_notice", language=OTHER)
        await talk.row("notice_ended", script="long_notice")
        await talk.row("notice_ended", script="notice")
        await talk.call.press("1")
        await talk.meets()
        await talk.row("recording_opened")
        await talk.says(0.3)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and "incident_opened" not in types(stored)
    granted = next(row.at for row in stored.events if row.type == "consent_granted")
    assert at(stored, "notice_ended", script="notice") < granted
    assert {row.data["digit"] for row in stored.events if row.type == "digit_pressed"} == {"1", "3", "9"}


def effects(row: EventRow) -> list[str]:
    return [item["effect"] for item in (row.decision or {}).get("effects", ())]


async def orders(talk: Talk, wanted: str) -> None:
    """The far party's channel says whether orders may be taken, now or soon."""
    asterisk = talk.site.stand.asterisk
    async with asyncio.timeout(15):
        while True:
            callers = [line.partition("!")[0] for line in (await talk.site.channels()).splitlines()]
            shown = [await asterisk.cli(f"core show channel {name}") for name in callers if "caller" in name]
            if any(f"CALLGUARD_ORDERS={wanted}\n" in text and talk.name in text for text in shown):
                return
            await asyncio.sleep(0.1)


async def test_without_a_proved_recording_no_order_is_taken(site: Site) -> None:
    async def proved() -> None:
        async with site.talk("desk") as talk:
            await talk.recorded()
            await orders(talk, "open")
            grown = await talk.row("recording_growing")
            await talk.answered.press("*8")
            await orders(talk, "withheld")
            await orders(talk, "open")  # a pause has its limit
            stored = await talk.ends()
        opened = [
            row
            for row in stored.events
            for item in (row.decision or {}).get("effects", ())
            if item["effect"] == "OpenOrders"
        ]
        assert opened[0].seq >= grown.seq and len(opened) == 2 and states(stored) == ["verified"]

    async def refused() -> None:
        async with site.talk("desk") as talk:
            await talk.row("notice_started", script="notice")
            await talk.call.press("2")
            await talk.row("notice_ended", script="withheld")
            await talk.meets()
            assert await talk.hears_each_other()
            stored = await talk.ends()
        assert not stored.recordings and not any("OpenOrders" in effects(row) for row in stored.events)

    await asyncio.gather(proved(), refused())
