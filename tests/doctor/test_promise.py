from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from callguard.core.override import Override
from callguard.core.policy import Policy, parse_policy
from callguard.doctor.promise import complete, displays, places, told
from callguard.doctor.site import Site
from callguard.lab.stand import COMPLETE
from callguard.store.pack import shipped_pack
from tests.doctor.healthy import healthy, said, severities, with_plan

SUPPORT = "[call_type.support]\n"


def policy(text: str = COMPLETE + SUPPORT, old: str = "", new: str = "") -> Policy:
    assert old in text
    return parse_policy(tomllib.loads(text.replace(old, new)))


@pytest.mark.requirement("S14")
def test_everything_that_is_missing_blocks_with_the_line_to_write(tmp_path: Path) -> None:
    bare = "[vendor.x]\n" + SUPPORT + 'shared = ["x"]\n'
    found = {one.where: one for one in complete(with_plan(tmp_path, policy=policy(bare)))}
    keys = "purpose basis assessment review owner listen alternative retention.audio".split()
    wanted = {
        "organisation.name",
        "organisation.contact",
        "vendor.x.what",
        *(f"call_type.support.{key}" for key in keys),
    }
    assert found.keys() == {f"policy.toml: {key}" for key in wanted}
    assert all(one.severity == "blocker" and "=" in one.change for one in found.values())


@pytest.mark.parametrize(
    ("review", "expected"),
    [("2026-11-30", ["blocker"]), ("2026-12-01", ["warning"]), ("2026-12-31", ["warning"]), ("2027-01-01", [])],
)
def test_a_review_that_is_due_soon_is_told(tmp_path: Path, review: str, expected: list[str]) -> None:
    site = with_plan(tmp_path, policy=policy(old="2099-12-31", new=review))
    assert site.host.today == date(2026, 12, 1)
    assert severities(complete, site) == expected


@pytest.mark.requirement("S9", "S42")
def test_places_that_are_none_and_overrides_that_have_ended(tmp_path: Path) -> None:
    assert said(places, healthy(tmp_path)) == []
    ended = 'override = {reason = "x", author = "y", expires = 2026-11-30}\nsite = "TX"\n'
    day = healthy(tmp_path).host.today
    over = Override("US-CA", (("note", "x"),), "letter", "legal", date(2026, 11, 30))
    site = with_plan(
        tmp_path,
        policy=policy(COMPLETE + SUPPORT + ended),
        agents={"PJSIP/a*": "US-XX", "PJSIP/b*": "DE"},
        pack=shipped_pack().overridden([over], day),
    )
    found = list(places(site))
    assert [one.where for one in found] == [
        "policy.toml: call_type.support.override",
        "policy.toml: call_type.support.site",
        "callguard.toml: places.agents: PJSIP/a*",
        "rules.overrides: override.US-CA",
    ]
    assert {one.severity for one in found} == {"warning"} and all(one.change for one in found)


@pytest.mark.requirement("S27")
def test_texts_that_say_otherwise_block(tmp_path: Path) -> None:
    assert said(told, healthy(tmp_path)) == []
    [finding, *_] = told(with_plan(tmp_path, policy=policy(old='"training"', new='"marketing"')))
    assert finding.severity == "blocker" and "call_type.support" in finding.where and finding.change


def test_what_cannot_be_read_is_not_fine(tmp_path: Path) -> None:
    for check in (complete, told, places):
        assert severities(check, with_plan(tmp_path, policy=None)) == ["warning"]
    assert severities(places, with_plan(tmp_path, pack=None)) == ["warning"]
    assert severities(told, with_plan(tmp_path, prompts=tmp_path / "none")) == ["warning"]


def test_a_phone_that_is_sent_no_name_is_told_where_names_are_shown(tmp_path: Path) -> None:
    shows = with_plan(tmp_path, policy=policy(COMPLETE + SUPPORT + 'indicator = "name"\n'))
    phones = {"PJSIP/agent1": False, "PJSIP/agent2": True, "PJSIP/agent3": False, "PJSIP/boss": False}
    dark = Site(plan=shows.plan, pbx=replace(shows.pbx, phones=phones), host=shows.host)
    [finding] = displays(dark)
    assert (finding.severity, finding.where) == ("warning", "pjsip.conf: [agent1]")
    assert "PJSIP/agent1 and 1 more" in finding.what and "send_pai = yes" in finding.change
    assert not list(displays(shows)) and not list(displays(replace(dark, plan=healthy(tmp_path).plan)))
