"""`callguard init` as an admin runs it, and its PBX side in a real Asterisk."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import aiohttp
import psycopg
import pytest

from callguard.audio.vault.keyfile import Files
from callguard.cli.approval import judge
from callguard.cli.doctor import diagnose
from callguard.cli.init import KEPT, MODES, SECRETS, VAULT, fresh, steps, write_site
from callguard.cli.keeper import public_key
from callguard.core.policy import Mode, OnLogLoss, OnWithdrawal, parse_policy
from callguard.core.purpose import NumberPolicy
from callguard.doctor.site import Severity
from callguard.errors import BadInput
from callguard.lab.asterisk import Asterisk
from callguard.settings import Settings, load_policy, load_settings, read_policy
from callguard.store.keys import load_master_key


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "callguard", "init", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def secrets_of(folder: Path) -> list[str]:
    return re.findall(r"\b[0-9a-f]{48}\b", "".join((folder / name).read_text() for name in MODES))


@pytest.mark.requirement("S128")
def test_what_it_writes_loads(tmp_path: Path) -> None:
    folder = tmp_path / "a new" / "site"
    done = run(folder)
    assert (done.returncode, done.stderr) == (0, "")
    settings = load_settings(folder / "callguard.toml")
    policy = load_policy(settings)
    assert policy.find("support") and policy.call_types["internal"].mode == "never"
    assert len(load_master_key(settings.path(settings.master_key), {}).fingerprint) == 16
    assert {path.name for path in folder.iterdir()} == {*MODES, *KEPT}
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {**MODES, **dict.fromkeys(KEPT, 0o600), "vault.pub": 0o644}
    assert Files(*(folder / name for name in VAULT)).open().held[-1].key.public == public_key(settings)


def test_secrets_are_new_each_its_own_and_on_both_sides(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_site(tmp_path / name, fresh(), force=False)
    assert not set(secrets_of(tmp_path / "one")) & set(secrets_of(tmp_path / "two"))
    folder = tmp_path / "one"
    assert len(set(secrets_of(folder))) == len(SECRETS)
    own = load_settings(folder / "callguard.toml")
    assert f"password = {own.on_asterisk.ari_password}\n" in (folder / "ari_callguard.conf").read_text()
    manager = (folder / "manager_callguard.conf").read_text()
    assert f"secret = {own.on_asterisk.ami_secret}\n" in manager and f"secret = {own.guard.ami_secret}\n" in manager
    made = re.findall(r"callguard_app LOGIN PASSWORD '(.*)'", (folder / "database.sql").read_text())
    assert len(made) == 1 and f":{made[0]}@" in own.database.url


def test_least_privilege_stands_on_both_sides(tmp_path: Path) -> None:
    assert run("--least-privilege", tmp_path).returncode == 0
    assert load_settings(tmp_path / "callguard.toml").on_asterisk.least_privilege
    manager = (tmp_path / "manager_callguard.conf").read_text()
    assert re.findall(r"^write = (.*)$", manager, re.MULTILINE) == ["call,reporting"] * 2 and "system" not in manager


def test_what_it_prints_holds_the_steps_and_no_secret(tmp_path: Path) -> None:
    done = run("it's a site", cwd=tmp_path)
    folder = tmp_path / "it's a site"
    for line in (
        "#include ari_callguard.conf",
        "#include manager_callguard.conf",
        "#include callguard.conf",
        "Gosub(callguard,s,1(support,inbound))",
        "noload => bridge_native_rtp.so",
        "callguard db upgrade",
        "callguard doctor",
    ):
        assert line in done.stdout
    assert not [secret for secret in secrets_of(folder) if secret in done.stdout]
    assert "'it'\"'\"'s a site/callguard.toml'" in done.stdout.replace(str(tmp_path) + "/", ""), "quoted for a shell"
    again = run(tmp_path / "json", "--json")
    told = json.loads(again.stdout)
    assert set(told["files"]) == {*MODES, *KEPT} and len(told["steps"]) == 7 and told["key_kept"] is False
    assert not [secret for secret in secrets_of(tmp_path / "json") if secret in again.stdout]


def test_nothing_is_written_where_something_is_there(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("mine")
    (tmp_path / "ari_callguard.conf").symlink_to("nowhere")
    before = sorted(os.listdir(tmp_path))
    done = run(tmp_path)
    assert done.returncode == 2 and "policy.toml: is there" in done.stderr and "ari_callguard.conf: is" in done.stderr
    assert sorted(os.listdir(tmp_path)) == before and (tmp_path / "policy.toml").read_text() == "mine"


def test_force_replaces_all_but_the_master_key_and_keeps_what_was_there(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 0
    before = contents(tmp_path)
    done = run(tmp_path, "--force")
    after = contents(tmp_path)
    assert done.returncode == 0 and "kept: master.key, vault.pub, vault.keys" in done.stdout
    assert all(after[name] == before[name] for name in KEPT) and after["callguard.toml"] != before["callguard.toml"]
    assert {name: after[f"{name}.old"] for name in MODES} == {name: before[name] for name in MODES}
    assert load_settings(tmp_path / "callguard.toml").on_asterisk.ari_password in after["ari_callguard.conf"].decode()


def test_a_folder_in_the_way_leaves_everything_as_it_was(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 0
    (tmp_path / "policy.toml").unlink()
    (tmp_path / "policy.toml").mkdir()
    before = (tmp_path / "callguard.toml").read_bytes()
    with pytest.raises(BadInput, match=r"policy\.toml is a folder"):
        write_site(tmp_path, fresh(), force=True)
    assert (tmp_path / "callguard.toml").read_bytes() == before and not list(tmp_path.glob(".*"))


def test_a_place_that_cannot_be_written_is_exit_status_2(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/none")):
        done = run(place)
        assert done.returncode == 2 and "Traceback" not in done.stderr
    full = run("/dev/shm/" + "d" * 300)
    assert full.returncode == 2 and "Traceback" not in full.stderr


def test_the_printed_snippet_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "snip pets"
    lines = [line for lines in steps(tmp_path, folder).values() for line in lines]
    assert any(f"'{folder}/callguard.conf'" in line for line in lines)


def test_the_sql_makes_what_the_settings_log_in_with(tmp_path: Path) -> None:
    write_site(tmp_path, fresh(), force=False)
    statements = (tmp_path / "database.sql").read_text()
    assert re.findall(r"^(CREATE \w+ \w+)", statements, re.MULTILINE) == [
        "CREATE ROLE callguard_owner",
        "CREATE ROLE callguard_app",
        "CREATE DATABASE callguard",
    ]
    info = psycopg.conninfo.conninfo_to_dict(load_settings(tmp_path / "callguard.toml").database.url)
    assert (info["user"], info["dbname"], info["host"]) == ("callguard_app", "callguard", "localhost")


async def channelvars(asterisk: Asterisk, own: Settings) -> dict[str, str]:
    """The variables that Asterisk tells of a channel."""
    await asterisk.cli("channel originate PJSIP/agent1 application Wait 1")
    key = {"api_key": f"{own.on_asterisk.ari_user}:{own.on_asterisk.ari_password}"}
    async with aiohttp.ClientSession() as http, http.get(f"{asterisk.ari_url}/channels", params=key) as response:
        [channel] = await response.json()
    return dict(channel["channelvars"])


@pytest.mark.requirement("S128")
@pytest.mark.parametrize("least", [False, True], ids=["recorders over AMI", "least privilege"])
async def test_a_real_asterisk_lets_its_accounts_in_with_the_least_that_works(tmp_path: Path, least: bool) -> None:
    site = tmp_path / "site"
    write_site(site, fresh(least_privilege=least), force=False)
    async with Asterisk(tmp_path / "pbx", agents=1) as asterisk:
        etc = asterisk.work / "etc"
        for name in ("ari", "manager"):
            own = etc / f"{name}.conf"
            general = own.read_text().partition("[callguard]")[0]
            own.write_text(f"{general}#include {name}_callguard.conf\n")
            (etc / f"{name}_callguard.conf").write_text((site / f"{name}_callguard.conf").read_text())
        for command in ("module reload res_ari", "manager reload", "module load func_config.so"):
            await asterisk.cli(command)
        assert "CALLGUARD_SITE" in await channelvars(asterisk, load_settings(site / "callguard.toml"))
        config = site / "callguard.toml"
        text = config.read_text().replace("ami_port = 5038", f"ami_port = {asterisk.ami_port}")
        text = text.replace("http://127.0.0.1:8088/ari", asterisk.ari_url).replace("@localhost/", "@localhost:1/")
        config.write_text(text.replace("/var/spool/asterisk", str(asterisk.spool)))
        (asterisk.spool / "callguard").mkdir(mode=0o770)
        findings = await asyncio.to_thread(diagnose, config)
        await asterisk.kill()
    blocked = {one.check for one in findings if one.severity is Severity.BLOCKER}
    assert blocked <= {"database", "data directory", "policy"}, [one for one in findings if one.check in blocked]
    fine = {one.check for one in findings if one.severity is Severity.OK}
    assert {
        "links",
        "privileges",
        "least privilege",
        "guard account",
        "events",
        "secrets",
        "encryption",
        "master key",
        "same folder",
    } <= fine


# ---------------------------------------------------------------- the safe default
FILLED = (
    "--organisation",
    'Smith & "Sons"',
    "--contact",
    "privacy@example.com",
    "--owner",
    "Ops",
    "--assessment",
    "DPIA-1",
)


def objections(folder: Path) -> list[str]:
    judged = judge(folder / "policy.toml", None)
    return judged.objections + judged.differences


@pytest.mark.requirement("S96", "S14")
@pytest.mark.parametrize("safe", [(), ("--safe-default",)])
def test_only_what_the_admin_knows_is_missing(tmp_path: Path, safe: tuple[str, ...]) -> None:
    assert run(tmp_path / "bare", *safe).returncode == 0
    missing = {line.split(": ")[0].rpartition(".")[2] for line in objections(tmp_path / "bare")}
    assert missing == {"name", "contact", "owner", "assessment"}
    assert run(tmp_path / "filled", *safe, *FILLED).returncode == 0
    assert objections(tmp_path / "filled") == []
    assert read_policy(tmp_path / "filled" / "policy.toml").organisation.name == 'Smith & "Sons"'


@pytest.mark.requirement("S96", "S45", "S18")
def test_the_safe_default_asks_everybody_keeps_little_and_shares_nothing(tmp_path: Path) -> None:
    write_site(tmp_path, fresh(safe_default=True), force=False)
    kinds = read_policy(tmp_path / "policy.toml").call_types
    assert set(kinds) == {"support", "sales", "complaint", "payment", "internal"}
    for name, kind in kinds.items():
        assert kind.mode is (Mode.NEVER if name == "internal" else Mode.ASK) and kind.internal is Mode.NEVER
        assert (kind.override, kind.number_policy, kind.remember_days) == (None, NumberPolicy.HINT, 0)
        assert (kind.on_withdrawal, kind.on_log_loss) == (OnWithdrawal.DISCARD, OnLogLoss.STOP)
        assert kind.outputs == ("audio",) and kind.retention_days <= 90 and not kind.export + kind.shared


@pytest.mark.requirement("S57")
@pytest.mark.parametrize(("pbx", "agent"), [("asterisk", "PJSIP/desk1"), ("freeswitch", "user/2001@pbx.example")])
def test_the_example_of_orders_that_must_be_recorded_can_be_used_as_it_stands(pbx: str, agent: str) -> None:
    text = fresh(pbx=pbx)["policy.toml"]
    _, mark, example = text.partition("#[call_type.mifid]")
    [kind] = parse_policy(tomllib.loads((mark + example).replace("#", ""))).call_types.values()
    assert kind.must_record and kind.retention_days >= 1826 and kind.pause_limit_s and kind.is_agent(agent)
