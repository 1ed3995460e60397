"""The table of checks for a site on FreeSWITCH."""

from __future__ import annotations

from pathlib import Path

from callguard.doctor.freeswitch.examine import CHECKS, WHY, examine
from callguard.doctor.site import SwitchSeen
from tests.doctor.freeswitch.healthy import switch_site


def test_a_healthy_site_is_fine_in_every_check(tmp_path: Path) -> None:
    findings = list(examine(switch_site(tmp_path)))
    assert [(finding.check, finding.what) for finding in findings if finding.severity != "ok"] == []
    assert [finding.check for finding in findings] == [check.name for check in CHECKS]


def test_a_link_that_is_down_blocks_and_the_rest_is_not_taken_for_fine(tmp_path: Path) -> None:
    unknown = {"version", "modules", "commands", "snippet", "socket", "dialplan"}
    dark = {name: getattr(SwitchSeen(), name) for name in ("modules", "commands", "apps", "dialplan", "scheduled")}
    findings = {finding.check: finding for finding in examine(switch_site(tmp_path, link="not reachable", **dark))}
    assert findings["link"].severity == "blocker"
    assert all(findings[name].what.startswith("not checked") for name in unknown)
    assert "FusionPBX" not in findings["dialplan"].where
    assert {check.needs for check in CHECKS if check.needs} == WHY.keys()


def test_a_dialplan_that_another_program_hands_out_is_not_checked(tmp_path: Path) -> None:
    findings = {finding.check: finding for finding in examine(switch_site(tmp_path, dialplan=""))}
    assert "FusionPBX" in findings["dialplan"].where and findings["dialplan"].severity == "warning"
