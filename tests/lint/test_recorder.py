"""Recorders outside of the snippet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint.plan import found, rules


@pytest.mark.requirement("S4")
@pytest.mark.parametrize(
    ("app", "rule"),
    [
        ("MixMonitor(a.wav)", "recorder"),
        ("Monitor(wav)", "recorder"),
        ("Record(a.wav)", "recorder"),
        ("Dictate()", "recorder"),
        ("ExecIf($[1]?MixMonitor(a.wav))", "recorder"),
        ("TryExec(mixmonitor(a.wav))", "recorder"),
        ("StopMixMonitor()", "recorder-stopped"),
        ("ChanSpy(PJSIP/a,qr(x))", "recorder"),
        ("ExtenSpy(1@a,r)", "recorder"),
        ("Set(CONFBRIDGE(bridge,record_conference)=yes)", "recorder"),
        ("Set(CONFBRIDGE(bridge,record_conversation)=yes)", "recorder"),
        ("Set(__DYNAMIC_FEATURES=a#automixmon)", "one-touch"),
        ("MSet(A=1,DYNAMIC_FEATURES=automon)", "one-touch"),
        ("Set(FEATUREMAP(automixmon)=*3)", "one-touch"),
        ("Set(__BRIDGE_FEATURES=tx)", "one-touch"),
        ("Originate(Local/1@a,app,MixMonitor,a.wav)", "recorder"),
    ],
)
def test_each_kind(tmp_path: Path, app: str, rule: str) -> None:
    assert rules(tmp_path, f"[office]\nexten => 1,1,{app}\n") == [(rule, 2)]


@pytest.mark.parametrize(
    "app", ["Dial(PJSIP/a,20,tW)", "Dial(PJSIP/a,20,U(callguard-bridged)x)", "Queue(a,tX)", "Bridge(a,w)"]
)
def test_one_touch_options(tmp_path: Path, app: str) -> None:
    assert ("one-touch", 2) in rules(tmp_path, f"[office]\nexten => 1,1,{app}\n")


@pytest.mark.parametrize(
    "app",
    [
        "VoiceMail(1@default,u)",
        "Dial(PJSIP/a,20,tTU(callguard-bridged^x^w))",
        "ChanSpy(PJSIP/a,qg(r))",
        "Set(CONFBRIDGE(bridge,record_conference)=no)",
        "Set(DYNAMIC_FEATURES=mine)",
        "Set(BRIDGE_FEATURES=tT)",
        "Set(FEATUREMAP(atxfer)=*9)",
        "Originate(Local/1@a,app,Playback,a)",
        "NoOp(MixMonitor)",
    ],
)
def test_what_is_no_recorder(tmp_path: Path, app: str) -> None:
    assert rules(tmp_path, f"[office]\nexten => 1,1,{app}\n") == []


def test_x_of_bridge_hangs_up_and_records_nothing(tmp_path: Path) -> None:
    assert "one-touch" not in [rule for rule, _ in rules(tmp_path, "[office]\nexten => 1,1,Bridge(a,x)\n")]


def test_conferences_pages_and_globals(tmp_path: Path) -> None:
    text = "[globals]\nOPTIONS = tX\nDYNAMIC_FEATURES = automon\n[office]\nexten => 1,1,Dial(PJSIP/a,20,${OPTIONS})\n"
    assert [each for each in rules(tmp_path, text) if each[0] == "one-touch"] == [("one-touch", 3), ("one-touch", 5)]
    text = "[office]\nexten => 1,1,MeetMe(1,r)\nexten => 2,1,Page(PJSIP/a,r)\n"
    assert [each.place.line for each in found(tmp_path, text) if each.rule == "recorder"] == [2, 3]


def test_a_recorder_is_a_blocker_that_names_its_line(tmp_path: Path) -> None:
    (one,) = found(tmp_path, "[office]\n\nexten => 1,1,MixMonitor(a.wav)\n")
    assert (one.severity, one.place.line, one.place.file) == ("blocker", 3, str(tmp_path / "extensions.conf"))
    assert "callguard" in one.fix
