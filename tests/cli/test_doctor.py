"""`callguard doctor` on a real site: healthy, and with one thing after another taken away."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from callguard.cli.doctor import diagnose
from callguard.doctor.site import Finding, Severity
from callguard.lab.stand import Stand

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECORDER = """
[sales]
exten => 300,1,MixMonitor(${UNIQUEID}.wav)
 same => n,Dial(PJSIP/agent1,30,T)
exten => 400,1,Gosub(callguard,s,1(support,outbound,told))
 same => n,Goto(trunks,${EXTEN},1)
[trunks]
include => carrier
[carrier]
exten => _4XX,1,Set(FEATUREMAP(automixmon)=*3)
 same => n,Dial(PJSIP/agent1,30)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    async with Stand(tmp_path_factory.mktemp("site"), agents=1) as running:
        await running.asterisk.cli("module load func_config.so")
        running.recordings.chmod(0o770)
        yield running
        await running.asterisk.kill()


async def found(stand: Stand) -> list[Finding]:
    return await asyncio.to_thread(diagnose, stand.config)


async def worst(stand: Stand) -> dict[str, Severity]:
    """The severity of each check that found something."""
    order = list(Severity)
    severities: dict[str, Severity] = {}
    for one in sorted(await found(stand), key=lambda finding: order.index(finding.severity)):
        severities.setdefault(one.check, one.severity)
    return {name: severity for name, severity in severities.items() if severity is not Severity.OK}


@contextlib.contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    """PATH with OLD replaced, for as long as it is needed."""
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new))
    try:
        yield
    finally:
        path.write_text(before)


@contextlib.asynccontextmanager
async def configured(stand: Stand, name: str, old: str, new: str, reload: str) -> AsyncIterator[None]:
    """A changed file of Asterisk's configuration, in force."""
    try:
        with edited(stand.asterisk.work / "etc" / name, old, new):
            await stand.asterisk.cli(reload)
            yield
    finally:
        await stand.asterisk.cli(reload)


@pytest.mark.requirement("S80")
async def test_a_healthy_site_has_no_blocker_and_shows_no_secret(stand: Stand) -> None:
    status, out, err = await stand.run("doctor", "--config", str(stand.config), "--json", check=False)
    told = json.loads(out)
    assert (status, err, told["ok"]) == (0, "", True), out
    assert {one["severity"] for one in told["findings"]} <= {"ok", "warning"} and len(told["findings"]) > 25
    assert "no calls yet" in [one["what"] for one in told["findings"] if one["check"] == "share of calls asked"]
    own, passwords = stand.asterisk, stand.postgres.passwords.values()
    for secret in (own.ari_password, own.ami_secret, own.guard_secret, *passwords):
        assert secret not in out
    status, out, _ = await stand.run("doctor", "--config", str(stand.config), check=False)
    assert status == 0 and out.splitlines()[-1].startswith("0 blocker(s), ")


async def test_the_controller_is_still_ours_afterwards(stand: Stand) -> None:
    await found(stand)
    assert (await stand.ask({"do": "list"}))["faults"] == []
    assert not {"controller", "guard", "links"} & (await worst(stand)).keys()


async def test_wrong_secrets_block_and_nothing_behind_them_is_called_fine(stand: Stand) -> None:
    own = stand.asterisk
    with edited(stand.config, own.ari_password, "amp111"), edited(stand.config, own.ami_secret, "wrong-but-long-word"):
        findings = await found(stand)
        status, out, _ = await stand.run("doctor", "--config", str(stand.config), check=False)
    blocked = {one.check for one in findings if one.severity is Severity.BLOCKER}
    assert {"links", "secrets"} <= blocked <= {"links", "secrets"}
    fine = {one.check for one in findings if one.severity is Severity.OK}
    assert not fine & {"privileges", "modules", "snippet", "other recorders", "keys", "same folder", "events"}
    assert status == 1 and "amp111" not in out and "wrong-but-long-word" not in out


async def test_a_module_that_hides_keys_and_one_that_is_missing(stand: Stand) -> None:
    await stand.asterisk.cli("module load bridge_native_rtp.so")
    await stand.asterisk.cli("module unload app_mixmonitor.so")
    try:
        severities = await worst(stand)
    finally:
        await stand.asterisk.cli("module unload bridge_native_rtp.so")
        await stand.asterisk.cli("module load app_mixmonitor.so")
    assert (severities["other modules"], severities["modules"]) == ("warning", "blocker")


@pytest.mark.requirement("S14")
async def test_a_phone_that_shows_no_name_an_incomplete_policy_and_texts_that_say_otherwise(stand: Stand) -> None:
    policy = stand.config.parent / "policy.toml"
    await stand.asterisk.cli("module load func_pjsip_endpoint.so")
    with edited(policy, 'on_withdrawal = "discard"\n', 'on_withdrawal = "discard"\nindicator = "name"\n'):
        assert "displays" not in await worst(stand)
        async with configured(stand, "pjsip.conf", "send_pai=yes", "send_pai=no", "module reload res_pjsip.so"):
            [phone] = [one for one in await found(stand) if one.check == "displays"]
    assert (phone.severity, phone.where) == ("warning", "pjsip.conf: [agent1]")
    with edited(policy, 'owner = "head of service"', 'owner = ""'), edited(policy, '"training"', '"marketing"'):
        severities = await worst(stand)
    assert (severities["policy"], severities["texts"]) == ("blocker", "blocker")
    assert not {"policy", "texts", "displays"} & (await worst(stand)).keys()


async def test_rules_that_do_not_load_block(stand: Stand) -> None:
    with edited(stand.config, "[guard]", '[rules]\noverrides = "rules.toml"\n[guard]'):
        [one] = [one for one in await found(stand) if one.check == "configuration"]
    assert one.severity == "blocker" and "rules.toml" in one.what


@pytest.mark.requirement("S4")
async def test_a_second_recorder_in_the_dialplan(stand: Stand) -> None:
    async with configured(stand, "site.conf", "[agents]", RECORDER + "[agents]", "dialplan reload"):
        findings = await found(stand)
    recorder, key = sorted(
        (one for one in findings if one.check == "other recorders"), key=lambda one: list(Severity).index(one.severity)
    )
    assert (recorder.severity, key.severity) == ("blocker", "warning")
    assert recorder.where == "dialplan: context sales, extension 300, priority 1"
    assert key.where == "dialplan: context carrier, extension _4XX, priority 1" and "FEATUREMAP" in key.what
    [call] = [one for one in findings if one.check == "outbound calls"]
    assert (call.severity, call.where) == ("blocker", "dialplan: context carrier, extension _4XX, priority 2")


async def test_a_feature_code_that_takes_the_withdrawal_keys(stand: Stand) -> None:
    features = stand.asterisk.work / "etc" / "features.conf"
    before = features.read_text()
    features.write_text("[featuremap]\nblindxfer => *7\n")
    try:
        async with configured(stand, "site.conf", "[agents]", RECORDER + "[agents]", "dialplan reload"):
            severities = await worst(stand)
    finally:
        features.write_text(before)
    assert severities["keys"] == "blocker"


async def test_a_dialplan_without_the_snippet_or_without_a_line_that_uses_it(stand: Stand) -> None:
    async with configured(stand, "extensions.conf", "#include callguard.conf", "", "dialplan reload"):
        assert (await worst(stand))["snippet"] == "blocker"
    async with configured(stand, "site.conf", "Gosub(callguard,s,1", "Gosub(other,s,1", "dialplan reload"):
        assert (await worst(stand))["calls handed over"] == "blocker"
    async with configured(stand, "callguard.conf", "s,1,Set", "s,1,NoOp", "dialplan reload"):
        assert (await worst(stand))["snippet"] == "warning"
    assert not {"snippet", "calls handed over"} & (await worst(stand)).keys()


async def test_a_recordings_folder_that_is_not_there(stand: Stand) -> None:
    with edited(stand.config, str(stand.recordings), str(stand.recordings / "none")):
        severities = await worst(stand)
    assert severities["recordings folder"] == "blocker" and "same folder" in severities


async def test_privileges_too_many_and_too_few(stand: Stand) -> None:
    least = "write=system,call,reporting"
    async with configured(stand, "manager.conf", least, "write=all", "manager reload"):
        [*many] = [one.what for one in await found(stand) if one.check == "privileges"]
    assert len(many) == 3 and {"command", "config", "originate"} == {
        what.split("has class ")[1].split(":")[0] for what in many
    }
    async with configured(stand, "manager.conf", least, "write=call,reporting", "manager reload"):
        few = [one for one in await found(stand) if one.check == "privileges"]
    assert [(one.severity, "MixMonitor (class system)" in one.what) for one in few] == [("blocker", True)]
    heard = "read=call,reporting,user,dialplan,dtmf"
    async with configured(stand, "manager.conf", heard, "read=dtmf", "manager reload"):
        assert (await worst(stand))["events"] == "blocker"


async def test_a_database_that_does_not_answer_blocks_and_is_not_exit_status_3(stand: Stand) -> None:
    with edited(stand.config, f"port={stand.postgres.port}", "port=1"):
        status, out, err = await stand.run("doctor", "--config", str(stand.config), check=False)
    assert (status, err) == (1, "") and "blocker  database: " in out


async def test_settings_and_policy_that_do_not_load(stand: Stand, tmp_path: Path) -> None:
    with edited(stand.work / "policy.toml", 'mode = "ask"', 'mode = "perhaps"'):
        findings = await found(stand)
    wrong = [one for one in findings if one.check == "configuration"]
    assert [one.severity for one in wrong] == ["blocker", "blocker"] and len(findings) > 25
    with edited(stand.config, "data_dir", "data_directory"), edited(stand.config, "pbx_id", "pbx_name"):
        lines = [one.what for one in await found(stand)]
    assert sorted(lines) == ["data_dir: is missing", "data_directory: unknown key", "pbx_name: unknown key"]
    status, out, err = await stand.run("doctor", "--config", str(tmp_path / "none.toml"), check=False)
    assert (status, err) == (1, "") and "no such file" in out


async def test_a_stranger_who_holds_our_application(stand: Stand) -> None:
    await stand.stop_controller()
    try:
        assert (await worst(stand))["controller"] == "warning"
        own = stand.asterisk
        word = base64.b64encode(f"{own.ari_user}:{own.ari_password}".encode()).decode()
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Basic {word}"}) as session,
            session.ws_connect(f"{own.ari_url}/events?app=callguard"),
        ):
            assert (await worst(stand))["controller"] == "blocker"
    finally:
        await stand.start_controller()
