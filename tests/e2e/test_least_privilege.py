"""An AMI account that may start nothing: the snippet starts the recorder, silent; nothing else changes for callers."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from callguard.lab.sip import Phone
from tests.e2e.conftest import new_folder
from tests.e2e.site import AGENT_NUMBERS, Site, Talk, at, gone_at, incidents, sent_before, sent_between, states, types
from tests.e2e.test_controller_lost import leg_numbers
from tests.e2e.test_masks import leaked, resumed
from tests.e2e.test_rogue import told

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site() -> AsyncIterator[Site]:
    made = new_folder()
    async with await Site.open(made, least_privilege=True) as running:
        yield running
    shutil.rmtree(made, ignore_errors=True)


@pytest_asyncio.fixture(loop_scope="session")
async def doomed_site(folder: Path) -> AsyncIterator[Site]:
    async with await Site.open(folder, least_privilege=True) as running:
        yield running


async def unmasked(talk: Talk) -> None:
    """Granted, put through, and the line was heard."""
    await talk.grants()
    await talk.meets()
    await talk.row("notice_ended", script="recording_on")


def too_early(talk: Talk) -> set[int]:
    """Packets of both sides in the file that left before sound was first asked for."""
    assert talk.stored is not None
    asked = at(talk.stored, "unmask_requested") - timedelta(milliseconds=60)  # what is under way in the PBX by then
    left, right = talk.tape().numbers()
    return set(left) & sent_before(talk.far, asked) | set(right) & sent_before(talk.near, asked)


@pytest.mark.requirement("S29")
async def test_the_account_can_start_nothing_and_doctor_finds_that_enough(site: Site) -> None:
    _, out, _ = await site.stand.run("doctor", "--config", str(site.stand.config), "--json", check=False)
    about = ("privileges", "least privilege", "events", "modules", "snippet", "other recorders")
    told = [item for item in json.loads(out)["findings"] if item["check"] in about]
    assert {item["severity"] for item in told if item["check"] != "events"} == {"ok"}
    assert len([item for item in told if "cannot" in item["what"]]) == 4
    shown = await site.stand.asterisk.cli("manager show user callguard")
    classes = [line for line in shown.splitlines() if "perm:" in line]
    assert [line.split(":")[1].strip() for line in classes] == ["call,reporting", "call,reporting"]


@pytest.mark.requirement("S29", "S80")
async def test_who_agreed_is_heard_from_the_bridge_on_and_never_before(site: Site) -> None:
    async with site.talk(answer_after=1.0) as talk:
        await unmasked(talk)
        await talk.says(2)
        stored = await talk.ends()
    order = "consent_granted recording_requested recording_acknowledged bridged unmask_requested unmask_acknowledged"
    found = types(stored)
    assert sorted(order.split(), key=found.index) == order.split()
    assert not stored.incidents and states(stored) == ["verified"] and site.files(stored) == [".wav"]
    left, right = talk.tape().numbers()
    assert left == list(range(left[0], left[0] + len(left))) and len(left) > 100 and not too_early(talk)
    assert len(right) > 20 and min(right) >= AGENT_NUMBERS


async def test_who_refuses_leaves_no_file(site: Site) -> None:
    async with site.talk() as talk:
        await talk.told()
        await talk.call.press("2")
        await talk.meets()
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert not stored.recordings and not stored.incidents


@pytest.mark.requirement("S13", "S42")
async def test_an_announcement_is_followed_by_3_silent_seconds_and_by_nothing_where_2_was_pressed(site: Site) -> None:
    async def stays() -> None:
        async with site.talk("survey") as talk:
            await talk.told()
            await talk.meets()
            await talk.row("notice_ended", script="recording_on")
            await talk.says(1)
            stored = await talk.ends()
        [granted] = [row for row in stored.events if row.type == "consent_granted"]
        assert granted.data["how"] == "implied" and states(stored) == ["verified"] and not too_early(talk)
        assert at(stored, "bridged") < granted.at <= at(stored, "unmask_requested")

    async def objects() -> None:
        async with site.talk("survey") as talk:
            await talk.told()
            await talk.meets()
            await talk.call.press("2")
            await talk.row("notice_ended", script="refusal")
            assert await talk.hears_each_other()
            stored = await talk.ends()
        assert states(stored) == ["discarded"] and site.files(stored) == [] and not stored.incidents
        assert "unmask_requested" not in types(stored)

    await asyncio.gather(stays(), objects())


@pytest.mark.requirement("S82", "S124")
async def test_hold_and_the_agents_keys_silence_it_as_ever(site: Site) -> None:
    async def silenced(*, hold: bool) -> None:
        async with site.talk() as talk:
            await unmasked(talk)
            await (talk.answered.hold() if hold else talk.answered.press("*8"))
            await talk.row("mask_acknowledged")
            await talk.says(1)
            await (talk.answered.unhold() if hold else talk.answered.press("*8"))
            await talk.row("unmask_acknowledged", nth=1)
            await talk.says(1)
            stored = await talk.ends()
        assert len(leaked(talk)) <= 1 and resumed(talk) and states(stored) == ["verified"] and not stored.incidents

    await asyncio.gather(silenced(hold=True), silenced(hold=False))


@pytest.mark.requirement("S16")
async def test_a_withdrawal_destroys_it_and_nothing_starts_again(site: Site) -> None:
    async with site.talk() as talk:
        await unmasked(talk)
        await talk.call.press("*7")
        await talk.row("notice_ended", script="withdrawal")
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert at(stored, "stop_acknowledged") < at(stored, "notice_started", script="withdrawal")
    assert states(stored) == ["discarded"] and site.files(stored) == [] and not stored.incidents


@pytest.mark.parametrize("queue", ["queue", "local"])
async def test_a_queue_and_its_music_are_not_in_the_file(site: Site, queue: str) -> None:
    async with site.talk(queue, answer_after=2.5) as talk:
        await unmasked(talk)
        await talk.says(1)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and not stored.incidents and not too_early(talk)
    assert len(talk.tape().left) > 50 and min(talk.tape().right)[0] > 2 * 8000


async def test_who_hangs_up_in_the_queue_leaves_no_file(site: Site) -> None:
    async with site.talk("queue", answer_after=20) as talk:
        await talk.grants()
        await talk.row("recording_opened")
        await talk.says(1)
        stored = await talk.ends()
    assert states(stored) == ["discarded"] and site.files(stored) == [] and not stored.incidents


async def test_a_transferred_caller_takes_the_recorder_along(site: Site) -> None:
    async with site.talk() as talk:
        await unmasked(talk)
        number = next(number for number in site.free if number < 10)  # extensions 600 to 609
        server, port = site.stand.asterisk.server, site.stand.asterisk.agent_ports[f"agent{number}"]
        third = await Phone.open(f"agent{number}", server, port=port, answer_after=1.0)
        try:
            await talk.answered.refer(f"60{number}")
            taken = await third.incoming()
            await taken.answered()
            await talk.row("unmask_acknowledged", nth=1)
            await talk.says(1)
            stored = await talk.ends()
        finally:
            await third.close()
    assert states(stored) == ["verified"] and not stored.incidents and len(leaked(talk)) <= 1
    after = [row.at for row in stored.events if row.type == "unmask_acknowledged"][-1]
    assert set(talk.tape().numbers()[0]) & sent_between(talk.far, after, gone_at(stored))


async def test_a_recorder_that_somebody_stopped_is_a_gap_that_is_told(site: Site) -> None:
    async with site.talk() as talk:
        await unmasked(talk)
        assert talk.stored is not None
        anchor = talk.stored.events[0].channel_id
        [name] = [line.split("!")[0] for line in (await site.channels()).splitlines() if line.endswith(f"!{anchor}")]
        await site.stand.asterisk.cli(f"mixmonitor stop {name}")
        await talk.row("incident_opened", incident="recording_gap")
        assert await talk.hears_each_other()
        stored = await talk.ends()
    assert incidents(stored) == {"recorder_ended", "recording_gap"} and states(stored) == ["verified"]


async def test_a_log_that_hangs_at_the_grant_keeps_nobody_waiting(doomed_site: Site) -> None:
    site = doomed_site
    async with site.talk() as talk:
        await talk.told()
        await asyncio.to_thread(site.stand.postgres.freeze)
        try:
            await talk.call.press("1")
            pressed = time.time()
            await talk.meets()
            waited = time.time() - pressed
            assert await talk.hears_each_other()
            assert waited < 2 and not list(site.stand.recordings.glob("*"))
        finally:
            await asyncio.to_thread(site.stand.postgres.thaw)
        await site.stand.healthy()
        stored = await talk.ends()
    assert "recording_gap" in incidents(stored) and not {"recording_opened", "unmask_requested"} & set(types(stored))


@pytest.mark.requirement("S1", "S123")
async def test_a_controller_that_dies_before_the_bridge_leaves_nothing_recorded(doomed_site: Site) -> None:
    site = doomed_site
    async with site.talk("queue", answer_after=3) as queued, site.talk(answer_after=1.5) as asked:
        await asyncio.gather(queued.grants(), asked.told())
        await queued.row("recording_opened")
        await asked.call.press("1")  # and at about the moment of the next one's grant
        await site.stand.stop_controller(signal.SIGKILL)
        await asyncio.gather(queued.meets(), asked.meets())
        assert await queued.hears_each_other() and await asked.hears_each_other()
        await asyncio.sleep(2.2)  # a running recorder writes every two seconds
        before = {path.name: path.stat().st_size for path in site.stand.recordings.glob("*")}
        assert not any(leg_numbers(site.stand.recordings / name) for name in before)
        await asyncio.sleep(2.2)
        assert before == {path.name: path.stat().st_size for path in site.stand.recordings.glob("*")}
        await site.stand.start_controller()
        await queued.row("incident_opened", incident="recording_gap")
        stored = await queued.ends()
        await asked.ends()
    assert states(stored) == ["discarded"] and {"stopped_by_guard", "recording_gap"} <= incidents(stored)


@pytest.mark.requirement("S4")
async def test_a_conference_that_records_itself_is_told_of_and_so_is_that_it_runs_on(site: Site) -> None:
    number = site.free.pop(0)
    port = site.stand.agent_ports[f"agent{number}"]
    async with await Phone.open(f"agent{number}", site.stand.server, port=port) as guest:
        await (await guest.dial("room_89")).answered()
        async with asyncio.timeout(5):  # the room is there a moment after the answer
            while "started" not in await site.stand.asterisk.cli(f"confbridge record start 89 {site.stand.work}/r.wav"):
                await asyncio.sleep(0.05)
        for kind in ("rogue_recording", "rogue_not_stopped"):
            await told(site, kind)
    site.free.append(number)
