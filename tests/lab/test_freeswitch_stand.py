"""What a site on a real FreeSWITCH says in its two files. Whole calls on one: tests/live."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from callguard.core.policy import Mode, parse_policy
from callguard.errors import Unreachable
from callguard.lab.freeswitch_stand import FreeSwitchStand, switch_policy
from callguard.lab.switchconf import PROFILE


def test_the_policy_is_the_one_of_every_lab_with_agents_of_its_own() -> None:
    policy = parse_policy(tomllib.loads(switch_policy()))
    assert policy.call_types["support"].mode is Mode.ASK
    assert policy.call_types["support"].is_agent(f"sofia/{PROFILE}/agent3")
    assert not policy.call_types["support"].is_agent(f"sofia/{PROFILE}")


async def test_a_site_without_a_freeswitch_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "freeswitch"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("FREESWITCH", str(program))
    stand = FreeSwitchStand(tmp_path / "site")
    with pytest.raises(Unreachable, match="did not come up"):
        await stand.start_pbx()
    said = tomllib.loads(stand.pbx_config())
    assert said["pbx"]["kind"] == "freeswitch" and said["freeswitch"]["port"] == stand.freeswitch.site.esl_port
    assert stand.recordings == tmp_path / "site" / "recordings"
    assert len(stand.agent_ports) == 5 and stand.server[1] == stand.freeswitch.site.sip_port
    await stand.stop_pbx()
