"""FreeSWITCH's side of `callguard init`."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from callguard.cli.approval import judge
from callguard.cli.init import KEPT, common_steps, init
from callguard.cli.pbx import freeswitch_settings
from callguard.cli.switch import MODES, SOCKET, steps
from callguard.lab.freeswitch import dialplan_dir
from callguard.settings import load_policy, load_settings

SAID = ("--organisation", "Example Ltd", "--contact", "a@example.com", "--owner", "support", "--assessment", "DPIA-1")


def made(folder: Path, *more: str) -> str:
    done = CliRunner().invoke(init, [str(folder), "--pbx", "freeswitch", *SAID, *more])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.requirement("S128")
@pytest.mark.parametrize("safe", [(), ("--safe-default",)])
def test_what_it_writes_loads_and_both_halves_fit(tmp_path: Path, safe: tuple[str, ...]) -> None:
    made(tmp_path, *safe)
    settings = load_settings(tmp_path / "callguard.toml")
    policy = load_policy(settings)
    assert settings.pbx.kind == "freeswitch" and policy.call_types["support"].is_agent("user/1001@pbx.example")
    assert {path.name for path in tmp_path.iterdir()} == {*MODES, *KEPT}
    assert {name: (tmp_path / name).stat().st_mode & 0o777 for name in MODES} == MODES
    there = {one.get("name"): one.get("value") for one in ET.parse(tmp_path / SOCKET).iter("param")}
    own = freeswitch_settings(settings)
    assert there["password"] == own.esl.password and len(own.esl.password) == 48
    assert (there["listen-ip"], there["listen-port"]) == (own.esl.host, str(own.esl.port))
    assert there["apply-inbound-acl"] == "loopback.auto"
    judged = judge(tmp_path / "policy.toml", None)
    assert judged.objections + judged.differences == []


def test_the_socket_of_the_snippet_is_where_callguard_listens(tmp_path: Path) -> None:
    made(tmp_path)
    own = freeswitch_settings(load_settings(tmp_path / "callguard.toml"))
    snippet = (dialplan_dir() / "callguard.xml").read_text()
    assert f'data="callguard_socket={own.listen}:{own.listen_port}" inline' in snippet


def test_the_steps_name_files_that_are_there_and_no_secret(tmp_path: Path) -> None:
    printed = made(tmp_path, "--json")
    told = json.loads(printed)
    assert told["files"] == [*MODES, *KEPT] and told["steps"] == steps(tmp_path) | common_steps(tmp_path)
    paths = re.findall(
        r"/\S+\.(?:xml|toml|sql)", " ".join(line for lines in steps(tmp_path).values() for line in lines)
    )
    assert paths and all(Path(path).is_file() for path in paths)
    secrets = re.findall(r"\b[0-9a-f]{48}\b", "".join((tmp_path / name).read_text() for name in MODES))
    assert secrets and not [secret for secret in secrets if secret in printed]


def test_least_privilege_is_asterisks(tmp_path: Path) -> None:
    done = CliRunner().invoke(init, [str(tmp_path), "--pbx", "freeswitch", "--least-privilege"])
    assert done.exit_code != 0 and "Asterisk" in str(done.exception) and list(tmp_path.iterdir()) == []
