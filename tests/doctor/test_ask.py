"""What a real Asterisk is asked, and what it answers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from callguard.core.policy import parse_policy
from callguard.doctor import dialplan
from callguard.doctor.ask import ask, sections
from callguard.doctor.look import own_addresses
from callguard.doctor.site import AsteriskPlan, Site
from callguard.lab.asterisk import Asterisk
from callguard.pbx.asterisk.site import AmiAddress, AriAddress, AsteriskSettings
from tests.doctor.healthy import HOST, healthy_plan

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asterisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Asterisk]:
    async with Asterisk(tmp_path_factory.mktemp("pbx"), agents=1) as running:
        await running.cli("module load func_config.so")
        yield running
        await running.kill()


def plan_of(asterisk: Asterisk, folder: Path) -> AsteriskPlan:
    host, port = asterisk.ami_host, asterisk.ami_port
    return replace(
        healthy_plan(folder),
        guard=AmiAddress(host=host, port=port, user=asterisk.guard_user, secret=asterisk.guard_secret),
        asterisk=AsteriskSettings(
            ari=AriAddress(url=asterisk.ari_url, user=asterisk.ari_user, password=asterisk.ari_password),
            ami=AmiAddress(host=host, port=port, user=asterisk.ami_user, secret=asterisk.ami_secret),
            recordings=folder / "recordings",
            register=folder / "register.jsonl",
        ),
    )


async def test_a_real_asterisk_shows_what_the_checks_need(asterisk: Asterisk, tmp_path: Path) -> None:
    plan = plan_of(asterisk, tmp_path)
    seen = await ask(plan)
    assert (seen.ari, seen.ami, seen.guard, seen.ari_writes) == ("", "", "", True)
    assert seen.version.split(".")[0].isdigit() and seen.applications == ()
    assert seen.modules and seen.modules["app_mixmonitor"] == "Running" and seen.technologies
    assert seen.commands and seen.guard_commands
    assert "MixMonitor" in seen.commands and "MixMonitor" not in seen.guard_commands
    assert not {"Command", "Originate", "UpdateConfig"} & seen.commands
    assert seen.read and "call" in seen.read and seen.app == ""
    assert seen.ahead is not None and abs(seen.ahead) < 2
    assert seen.files["features.conf"] == {} and seen.files["queues.conf"] is not None
    assert not list(dialplan.snippet(Site(plan=plan, pbx=seen, host=HOST))), "the snippet reads back as it was shipped"


async def test_which_phones_are_sent_a_name(asterisk: Asterisk, tmp_path: Path) -> None:
    kinds = {"support": {"indicator": "name", "agents": ["PJSIP/agent*", "PJSIP/caller"]}}
    plan = replace(plan_of(asterisk, tmp_path), policy=parse_policy({"call_type": kinds}))
    assert (await ask(plan)).phones is None
    await asterisk.cli("module load func_pjsip_endpoint.so")
    assert (await ask(plan)).phones == {"PJSIP/agent1": True, "PJSIP/caller": False}
    assert (await ask(plan_of(asterisk, tmp_path))).phones == {}


async def test_who_has_everything_sent(asterisk: Asterisk, tmp_path: Path) -> None:
    word = base64.b64encode(f"{asterisk.ari_user}:{asterisk.ari_password}".encode()).decode()
    events = f"{asterisk.ari_url}/events?app="
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Basic {word}"}) as session,
        session.ws_connect(f"{events}dialer&subscribeAll=true"),
        session.ws_connect(f"{events}quiet"),
    ):
        seen = await ask(plan_of(asterisk, tmp_path))
    assert set(seen.applications or ()) == {"dialer", "quiet"} and seen.eager == ("dialer",)


async def test_the_folder_is_the_same_and_nothing_stays_in_it(asterisk: Asterisk, tmp_path: Path) -> None:
    plan = plan_of(asterisk, tmp_path)
    assert (await ask(plan)).same_folder is True
    assert list(plan.recordings.iterdir()) == []
    elsewhere = replace(plan, recordings=tmp_path / "none")
    assert (await ask(elsewhere)).same_folder is None
    comma = tmp_path / "a,b"
    comma.mkdir()
    assert (await ask(replace(plan, recordings=comma))).same_folder is None


async def test_wrong_secrets_are_three_separate_facts(asterisk: Asterisk, tmp_path: Path) -> None:
    plan = plan_of(asterisk, tmp_path)
    ari = replace(plan.asterisk.ari, password="not-this-word")
    ami = replace(plan.asterisk.ami, secret="not-this-word")
    seen = await ask(
        replace(plan, asterisk=replace(plan.asterisk, ari=ari, ami=ami), guard=replace(plan.guard, secret="no"))
    )
    assert "wrong password" in seen.ari and "wrong secret" in seen.ami and "wrong secret" in seen.guard
    assert "not-this-word" not in repr(seen)
    assert (seen.modules, seen.commands, seen.guard_commands, seen.dialplan) == (None, None, None, None)


@pytest.mark.parametrize("path", ["/nowhere", ""])
async def test_a_url_that_is_not_ari(asterisk: Asterisk, tmp_path: Path, path: str) -> None:
    plan = plan_of(asterisk, tmp_path)
    url = asterisk.ari_url.removesuffix("/ari") + path
    seen = await ask(replace(plan, asterisk=replace(plan.asterisk, ari=replace(plan.asterisk.ari, url=url))))
    assert "nothing under this path" in seen.ari and seen.ami == ""


async def test_nobody_listens(tmp_path: Path) -> None:
    plan = healthy_plan(tmp_path)
    ari, ami = replace(plan.asterisk.ari, url="http://127.0.0.1:1/ari"), replace(plan.asterisk.ami, port=1)
    seen = await ask(replace(plan, asterisk=replace(plan.asterisk, ari=ari, ami=ami), guard=ami))
    assert "no answer" in seen.ari and "not reachable" in seen.ami and "not reachable" in seen.guard


async def test_a_door_that_is_open_to_others_is_found_on_every_address(tmp_path: Path) -> None:
    plan = healthy_plan(tmp_path)
    ari = replace(plan.asterisk.ari, url="http://127.0.0.1:1/ari")

    async def outside(host: str) -> set[tuple[str, str]]:
        async with await asyncio.start_server(lambda _, writer: writer.close(), host, 0) as door:
            ami = replace(plan.asterisk.ami, port=door.sockets[0].getsockname()[1])
            return set((await ask(replace(plan, asterisk=replace(plan.asterisk, ari=ari, ami=ami), guard=ami))).outside)

    four = {("AMI", own) for own in own_addresses() if ":" not in own}
    assert await outside("0.0.0.0") == four and await outside("127.0.0.1") == set()


async def test_a_configuration_file_as_ami_lists_it() -> None:
    headers = (
        ("Response", "Success"),
        ("Category-000000", "general"),
        ("Category-000001", "map"),
        ("Line-000001-000000", "one=*7,self"),
        ("Line-000001-000001", "two=> a=b"),
        ("Line-000009-000000", "stray=1"),
        ("Category-000002", "map"),
        ("Line-000002-000000", "three="),
    )
    assert sections(headers) == {"general": (), "map": (("one", "*7,self"), ("two", "a=b"), ("three", ""))}
