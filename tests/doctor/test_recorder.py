from __future__ import annotations

from pathlib import Path

import pytest

from callguard.core.policy import parse_policy
from callguard.doctor import recorder
from callguard.doctor.site import Sections
from tests.doctor.healthy import PBX, healthy, said, severities, step, with_dialplan, with_pbx, with_plan

ELSEWHERE: dict[str, Sections | None] = {"queues.conf": {}, "confbridge.conf": {}}


def test_a_healthy_site_has_no_other_recorder(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    assert not [*recorder.others(site), *recorder.settings(site), *recorder.keys(site)]


@pytest.mark.requirement("S4")
@pytest.mark.parametrize(
    "app, data, expected",
    [
        ("MixMonitor", "x.wav", "blocker"),
        ("Monitor", "wav,x", "blocker"),
        ("ExecIf", '$["${REC}" = "yes"]?MixMonitor(${UNIQUEID}.wav,b)', "blocker"),
        ("TryExec", "MixMonitor(x.wav)", "blocker"),
        ("Set", "CONFBRIDGE(bridge,record_conference)=yes", "blocker"),
        ("Record", "greeting.wav", "warning"),
        ("Dial", "PJSIP/201,30,tTx", "warning"),
        ("Dial", "PJSIP/201&PJSIP/202,,U(told^a)W", "warning"),
        ("Queue", "sales,tX,,,60", "warning"),
        ("Set", "__DYNAMIC_FEATURES=automixmon", "warning"),
        ("Set", "FEATUREMAP(automixmon)=*3", "warning"),
        ("MSet", "A=1,FEATUREMAP(automon)=*1", "warning"),
        ("ExecIf", "$[1]?Set(__BRIDGE_FEATURES=tX)", "warning"),
    ],
)
def test_every_other_recorder_is_named_by_its_place(tmp_path: Path, app: str, data: str, expected: str) -> None:
    [found] = recorder.others(with_dialplan(tmp_path, step(app, data, 7, context="sales", extension="300")))
    assert (found.severity, found.where) == (expected, "dialplan: context sales, extension 300, priority 7")
    assert found.change


@pytest.mark.parametrize(
    "app, data",
    [
        ("StopMixMonitor", ""),
        ("ExecIf", "$[1]?StopMixMonitor(${ID})"),
        ("Set", "CONFBRIDGE(bridge,record_conference)=no"),
        ("Dial", "PJSIP/x_W,30,tT"),
        ("Dial", "${TRUNK},30,U(xW^${W,x})"),
        ("Dial", "PJSIP/wx"),
        ("Queue", "sales,t,,wav,60"),
        ("NoOp", "MixMonitor(x)"),
        ("Set", "DYNAMIC_FEATURES=beep"),
        ("Set", "FEATUREMAP(automixmon)="),
        ("Set", "FEATUREMAP(blindxfer)=##"),
        ("Set", "BRIDGE_FEATURES=tk"),
    ],
)
def test_what_records_nothing_is_left_alone(tmp_path: Path, app: str, data: str) -> None:
    assert not said(recorder.others, with_dialplan(tmp_path, step(app, data)))


def test_many_places_of_one_context_are_one_finding(tmp_path: Path) -> None:
    steps = [step("MixMonitor", "x", number, context="sales") for number in range(1, 6)]
    [found] = recorder.others(with_dialplan(tmp_path, *steps))
    assert found.where.endswith("priority 1 and 4 more place(s) of this context")


def test_contexts_that_freepbx_always_writes_do_not_block(tmp_path: Path) -> None:
    [found] = recorder.others(with_dialplan(tmp_path, step("MixMonitor", "x", context="sub-record-check")))
    assert found.severity == "warning" and "Never" in found.change


@pytest.mark.requirement("S36")
def test_queues_and_conferences_that_record_by_themselves(tmp_path: Path) -> None:
    def found(**files: Sections | None) -> list[str]:
        named = {name.replace("_", "."): sections for name, sections in files.items()}
        return severities(recorder.settings, with_pbx(tmp_path, files={**PBX.files, **named}))

    assert found(queues_conf={"sales": (("monitor-format", "wav"),)}) == ["blocker"]
    assert found(queues_conf={"sales": (("monitor-format", ""), ("monitor-type", "MixMonitor"))}) == []
    assert found(confbridge_conf={"room": (("record_conference", "yes"),)}) == ["blocker"]
    assert found(confbridge_conf={"room": (("record_conference", "no"),)}) == []
    assert found(queues_conf=None) == ["warning"]


@pytest.mark.parametrize(
    "options, featuremap, expected",
    [
        ("tT", (), []),  # "#" and "*7" do not meet
        ("hH", (), ["blocker", "blocker"]),  # "*" hangs up before 7 or 8 is heard
        ("hH", (("disconnect", "**"),), []),
        ("tT", (("blindxfer", "*7"),), ["blocker"]),
        ("", (("blindxfer", "*7"),), ["warning"]),
        ("", (("atxfer", "*"),), ["warning", "warning"]),
        ("T", (("atxfer", "*81"),), ["blocker"]),
        ("k", (("parkcall", "*8"),), ["blocker"]),
        ("k", (("parkcall", "*9"),), []),
        ("T", (("blindxfer", "1"),), ["blocker"]),
        ("", (("blindxfer", "22"),), ["warning"]),
    ],
)
def test_feature_codes_that_take_our_keys(
    tmp_path: Path, options: str, featuremap: tuple[tuple[str, str], ...], expected: list[str]
) -> None:
    live = (*(PBX.dialplan or ()), step("Dial", f"PJSIP/agent2,30,{options}", 9))
    files = {**ELSEWHERE, "features.conf": {"featuremap": featuremap}}
    assert severities(recorder.keys, with_pbx(tmp_path, dialplan=live, files=files)) == expected


def test_an_application_map_that_takes_our_keys(tmp_path: Path) -> None:
    files = {**ELSEWHERE, "features.conf": {"applicationmap": (("apple", "*7,self,Playback,beep"),)}}
    assert severities(recorder.keys, with_pbx(tmp_path, files=files)) == ["warning"]
    live = (*(PBX.dialplan or ()), step("Set", "__DYNAMIC_FEATURES=pear#apple"))
    assert severities(recorder.keys, with_pbx(tmp_path, files=files, dialplan=live)) == ["blocker"]


def test_keys_of_the_policy_are_what_counts(tmp_path: Path) -> None:
    policy = parse_policy({"call_type": {"a": {"purpose": "qa", "withdraw": "*5", "pause": "*6"}}})
    live = (*(PBX.dialplan or ()), step("Dial", "PJSIP/agent2,30,T", 9))
    files = {**ELSEWHERE, "features.conf": {"featuremap": (("blindxfer", "*6"),)}}
    site = with_pbx(tmp_path, files=files, dialplan=live)
    assert not said(recorder.keys, site)
    [(_, what)] = said(
        recorder.keys, type(site)(plan=with_plan(tmp_path, policy=policy).plan, pbx=site.pbx, host=site.host)
    )
    assert "call_type.a.pause = *6" in what


def test_call_types_that_share_a_key_are_one_finding(tmp_path: Path) -> None:
    policy = parse_policy({"call_type": {f"team{n}": {"purpose": "qa", "withdraw": "*7"} for n in range(500)}})
    files = {**ELSEWHERE, "features.conf": {"featuremap": (("blindxfer", "*7"),)}}
    site = with_pbx(tmp_path, files=files, dialplan=(*(PBX.dialplan or ()), step("Dial", "PJSIP/agent2,30,T", 9)))
    site = type(site)(plan=with_plan(tmp_path, policy=policy).plan, pbx=site.pbx, host=site.host)
    [(_, what)] = said(recorder.keys, site)
    assert "call_type.team0.withdraw = *7 (and 499 more)" in what


def test_keys_that_cannot_be_compared_are_not_called_fine(tmp_path: Path) -> None:
    unread = with_pbx(tmp_path, files={**ELSEWHERE, "features.conf": None})
    assert [what.startswith("not checked") for _, what in said(recorder.keys, unread)] == [True]
    assert [what.startswith("not checked") for _, what in said(recorder.keys, with_plan(tmp_path, policy=None))] == [
        True
    ]


@pytest.mark.parametrize(
    "data, letters",
    [("PJSIP/1,30,tT", "tT"), ("PJSIP/1", ""), ("PJSIP/1,,L(60000,x)tU(a^b)", "LtU"), ("${IF($[1]?a,b:c)},30,k", "k")],
)
def test_option_letters(data: str, letters: str) -> None:
    assert recorder.options(step("Dial", data)) == letters
