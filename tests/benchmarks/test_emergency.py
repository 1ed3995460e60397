"""What callguard adds to an emergency call: from its first line in the dialplan to the first line of the other side.

Half of the calls go through the Gosub, half through the same dialplan without it, in turn. A bar is held; figures are
printed. The lab's log of every dialplan line is off: it costs more than the lines.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

import pytest

from callguard.lab.asterisk import Asterisk
from tests.benchmarks.table import percentile, show
from tests.lab.frozen import frozen_controller
from tests.lab.listener import Listener, listening

CALLS = 100
BAR_MS = 1.0

SITE = """
[inbound]
exten => 911,1,Wait(0.05)
 same => n,Set(__WAY=with)
 same => n,Set(__START=${STRFTIME(,,%s.%6q)})
 same => n,Gosub(callguard,s,1(support,outbound,told))
 same => n,Dial(Local/1@desk,5,${CALLGUARD_DIAL})
[plain]
exten => 911,1,Wait(0.05)
 same => n,Set(__WAY=without)
 same => n,Set(__START=${STRFTIME(,,%s.%6q)})
 same => n,Dial(Local/1@desk,5)
[desk]
exten => 1,1,Log(NOTICE,reached ${WAY} ${START} ${STRFTIME(,,%s.%6q)})
 same => n,Answer()
 same => n,Hangup()
"""
REACHED = re.compile(r": reached (\w+) ([\d.]+) ([\d.]+)")


async def measure(asterisk: Asterisk) -> dict[str, list[float]]:
    """Milliseconds of every call, by dialplan."""
    (asterisk.work / "etc/logger.conf").write_text("[general]\n[logfiles]\nfull => notice,warning,error\n")
    await asterisk.cli("logger reload")
    before = len(REACHED.findall(asterisk.log.read_text()))
    for turn in range(2 * CALLS):
        context = ("inbound", "plain")[turn % 2]
        await asterisk.cli(f"channel originate Local/911@{context} application Wait 0.1")
        await asyncio.sleep(0.08)  # one call at a time: not each other's load
    found: list[tuple[str, str, str]] = []
    async with asyncio.timeout(30):
        while len(found) < 2 * CALLS:
            found = REACHED.findall(asterisk.log.read_text())[before:]
            await asyncio.sleep(0.05)
    times: dict[str, list[float]] = {"with": [], "without": []}
    for way, start, end in found:
        times[way].append((float(end) - float(start)) * 1000)
    return times


@pytest.mark.requirement("S4")
@pytest.mark.parametrize("state", ["up", "hung", "dead"])
async def test_the_delay_of_an_emergency_call(tmp_path: Path, state: str) -> None:
    async with Asterisk(tmp_path, dialplan=SITE, agents=1) as asterisk:
        ways: dict[str, AbstractAsyncContextManager[Listener | None]] = {
            "up": listening(asterisk),
            "hung": frozen_controller(asterisk),
            "dead": nullcontext(),
        }
        async with ways[state] as listener:
            times = await measure(asterisk)  # in Stasis of a hung controller a call would stay
            assert listener is None or listener.asked() == []
        assert "app_stasis" not in asterisk.log.read_text()  # a missing application would be a warning
        show(f"an emergency call, callguard {state}", times)
        added = percentile(times["with"], 0.5) - percentile(times["without"], 0.5)
        print(f"{'added to the median':44}{added:24.2f}  ms")
        await asterisk.kill()
    assert added < BAR_MS
