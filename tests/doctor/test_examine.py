from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callguard.doctor import dialplan, recorder
from callguard.doctor.examine import CHECKS, WHY, Check, examine
from callguard.doctor.site import Finding, HostSeen, PbxSeen, Site, Step, blocker
from callguard.errors import BadAudio
from tests.doctor import healthy
from tests.doctor.healthy import PBX, with_pbx


def test_a_healthy_site_has_no_blocker_and_a_word_on_every_check(tmp_path: Path) -> None:
    found = list(examine(healthy.healthy(tmp_path)))
    assert [one for one in found if one.severity == "blocker"] == []
    assert {one.check for one in found} == {check.name for check in CHECKS}
    assert len({check.name for check in CHECKS}) == len(CHECKS) > 20


def test_where_nothing_is_known_of_the_pbx_nothing_about_it_is_called_fine(tmp_path: Path) -> None:
    blind = PbxSeen(ari="no answer", ami="no answer", guard="no answer")
    found = list(
        examine(
            Site(plan=healthy.healthy_plan(tmp_path), pbx=blind, host=HostSeen(today=healthy.HOST.today, pbx_user=0))
        )
    )
    about_this_machine = {
        "recordings folder", "data directory", "spool", "share of calls asked", "user", "master key",
        "configuration file", "alerts", "prompts", "secrets", "encryption", "exposure", "database", "database role",
        "policy", "places", "texts",
    }  # fmt: skip
    assert {one.check for one in found if one.severity == "ok"} <= about_this_machine
    assert [one.check for one in found if one.severity == "blocker"] == ["links"] * 3


def test_what_a_check_needs_is_something_that_can_be_unknown() -> None:
    needed = {check.needs for check in CHECKS} - {""}
    assert needed == WHY.keys() and all(getattr(PbxSeen(), name) is None for name in needed)


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("secret-word"), TypeError(), OSError(), BadAudio("x")])
def test_a_check_that_fails_is_a_finding(tmp_path: Path, error: Exception) -> None:
    def fails(site: Site) -> list[Finding]:
        raise error

    checks: tuple[Check[Site], ...] = (
        Check("odd", "fine", fails),
        Check("next", "fine", lambda site: [blocker("still run")]),
    )
    odd, following = examine(healthy.healthy(tmp_path), checks)
    assert odd.severity == "warning" and type(error).__name__ in odd.where and "secret-word" not in repr(odd)
    assert (following.check, following.what) == ("next", "still run")


@pytest.mark.parametrize(
    "odd",
    [
        {"outside": (("AMI", "not an address"),)},
        {"version": "\0" * 50},
        {"files": {"features.conf": {"applicationmap": (("", ""),), "featuremap": (("", ""),)}}},
        {"dialplan": (replace(healthy.CALLS[0], app="", data="callguard,s,1("), *(PBX.dialplan or ()))},
        {"technologies": {"": -1}},
        {"read": ",,,"},
    ],
)
def test_odd_data_never_ends_the_examination(tmp_path: Path, odd: dict[str, object]) -> None:
    assert {one.check for one in examine(with_pbx(tmp_path, **odd))} == {check.name for check in CHECKS}


WORDS = st.text("${}()[],;&^|:=-*#/_ aWxT1\n\0", max_size=30)
STEPS = st.builds(
    Step,
    context=st.sampled_from(["callguard", "sales", ""]),
    extension=WORDS,
    priority=st.integers(0, 9),
    label=WORDS,
    app=st.sampled_from(["Dial", "Queue", "Set", "ExecIf", "Gosub", "Goto", "MixMonitor", ""]),
    data=st.one_of(WORDS, WORDS.map("callguard,s,1({}".format), WORDS.map("__DYNAMIC_FEATURES={}".format)),
)
PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=8), mapped=PAIRS, features=PAIRS)
def test_no_dialplan_and_no_features_make_a_check_fail(
    tmp_path: Path, steps: list[Step], mapped: tuple[tuple[str, str], ...], features: tuple[tuple[str, str], ...]
) -> None:
    files = {"features.conf": {"featuremap": mapped, "applicationmap": features}, "queues.conf": {"q": mapped}}
    site = with_pbx(tmp_path, dialplan=tuple(steps), files=files)
    checks = (
        dialplan.snippet,
        dialplan.handed,
        dialplan.application,
        recorder.others,
        recorder.settings,
        recorder.keys,
    )
    assert all(isinstance(one, Finding) for check in checks for one in check(site))
