"""The switch that stops recordings of a kind on live calls, and how long it takes to the last packet."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from callguard.reconcile import Class, Stock, judge
from tests.e2e.site import Site, incidents, states, types

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def halt(site: Site, *words: str) -> dict[str, object]:
    _, out, _ = await site.stand.run("halt", *words, "--config", str(site.stand.config), "--json")
    answer: dict[str, object] = json.loads(out)
    return answer


@pytest.mark.requirement("S110")
async def test_a_call_type_that_is_halted_stops_on_live_calls_and_asks_no_new_one(site: Site) -> None:
    async with site.talk("kept") as one, site.talk("kept") as two, site.talk("support") as other:
        await asyncio.gather(*(talk.recorded() for talk in (one, two, other)))
        await one.says(1)
        asked = time.time()
        placed = await halt(site, "place", "--call-type", "kept", "--reason", "a complaint")
        assert sorted(placed["stopped"]) == sorted([one.call_id, two.call_id])  # type: ignore[call-overload]
        assert await one.hears_each_other() and await two.hears_each_other()
        async with site.talk("kept") as new:
            await new.meets()
            unasked = await new.ends()
        assert judge(unasked, Stock()) == (Class.NOT_DUE, "calls of its kind were halted")
        assert unasked.events[0].data["halted"] and not unasked.recordings and "notice_started" not in types(unasked)
        await halt(site, "release", str(placed["halt_id"]), "--reason", "settled")
        async with site.talk("kept") as again:
            await again.told()
            await again.call.press("2")
            await again.ends()
        stopped = [await talk.ends() for talk in (one, two)]
        assert states(await other.ends()) == ["verified"]
    for talk, stored in zip((one, two), stopped, strict=True):
        assert states(stored) == ["verified"] and incidents(stored) == set()
        last = max(number for side in talk.tape().numbers() for number in side if number in talk.far.sent)
        late = talk.far.sent[last].wall - asked
        print(f"halt asked for, last packet {late * 1000:.0f} ms later; {placed['milliseconds']} ms by its own clock")
        assert late < 2
    assert other.tape().numbers()[0]
    status, out, _ = await site.stand.run("verify", "--all", "--config", str(site.stand.config), check=False)
    assert status == 0, out
