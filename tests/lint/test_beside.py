"""features.conf, queues.conf, confbridge.conf, agents.conf."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.examine import Options, lint
from tests.lint.plan import written

OURS = Options().sequences


def judged(folder: Path, name: str, text: str, sequences: tuple[str, ...] = OURS) -> list[tuple[str, str, int]]:
    report = lint([written(folder, text, name)], Options(sequences=sequences))
    return [(each.rule, each.severity, each.place.line) for each in report.findings]


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("features.conf", "[featuremap]\nautomon => *1\n", ("one-touch", "warning", 2)),
        ("features.conf", "[featuremap]\nautomixmon => *3\n", ("one-touch", "warning", 2)),
        ("features.conf", "[featuremap]\nblindxfer => *8\n", ("key-collision", "blocker", 2)),
        ("features.conf", "[featuremap]\natxfer => *\n", ("key-collision", "blocker", 2)),
        ("features.conf", "[applicationmap]\nx => *78,self,Playback,a\n", ("key-collision", "blocker", 2)),
        ("features.conf", "[applicationmap]\nx => *5,self,Playback,a\n", ("key-collision", "blocker", 2)),
        ("features.conf", "[featuremap]\nparkcall => *66\n", ("key-collision", "blocker", 2)),
        ("features.conf", "[applicationmap]\nx => *1,self,MixMonitor,a\n", ("one-touch", "blocker", 2)),
        ("features.conf", "[applicationmap]\nx => 2,self,Playback,a\n", ("key-collision", "blocker", 2)),
        ("features.conf", "[featuremap]\natxfer => 95\n", ("key-collision", "blocker", 2)),
        ("confbridge.conf", "[menu]\ntype=menu\n*=toggle_mute\n", ("key-collision", "warning", 3)),
        ("queues.conf", "[support]\nmonitor-format = wav\n", ("queue-records", "blocker", 2)),
        ("queues.conf", "[support]\nmonitor-type = MixMonitor\n", ("queue-records", "warning", 2)),
        ("confbridge.conf", "[room]\nrecord_conference = yes\n", ("recorder", "blocker", 2)),
        ("agents.conf", "[agents]\nrecordagentcalls=yes\n", ("recorder", "blocker", 2)),
    ],
)
def test_each_rule(tmp_path: Path, name: str, text: str, rule: tuple[str, str, int]) -> None:
    assert judged(tmp_path, name, text) == [rule]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("features.conf", "[general]\npickupexten = *8\n[featuremap]\nblindxfer => #1\nautomon =>\n"),
        ("queues.conf", "[support]\nmonitor-format =\nstrategy = ringall\n"),
        ("confbridge.conf", "[room]\nrecord_conference = no\n"),
        ("agents.conf", "[agents]\nrecordagentcalls=no\n"),
    ],
)
def test_what_is_fine(tmp_path: Path, name: str, text: str) -> None:
    assert judged(tmp_path, name, text) == []


def test_other_keys_of_ours_collide_elsewhere(tmp_path: Path) -> None:
    text = "[featuremap]\nblindxfer => *8\natxfer => *2\n"
    assert judged(tmp_path, "features.conf", text, ("*2", "*9")) == [("key-collision", "blocker", 3)]


@pytest.mark.parametrize(
    ("features", "app", "found"),
    [
        ("", "Dial(PJSIP/a,20,HT)", True),
        ("", "Queue(a,h)", True),
        ("", "ExecIf($[1]?Dial(PJSIP/a,20,H))", True),
        ("", "Dial(PJSIP/a,20,T)", False),
        ("[featuremap]\ndisconnect => **\n", "Dial(PJSIP/a,20,HT)", False),
        (None, "Dial(PJSIP/a,20,HT)", False),
    ],
)
def test_the_key_that_hangs_up_where_features_conf_says_nothing(
    tmp_path: Path, features: str | None, app: str, found: bool
) -> None:
    written(tmp_path, f"[from-internal]\nexten => 1,1,{app}\n")
    if features is not None:
        written(tmp_path, features, "features.conf")
    report = lint([tmp_path])
    assert [(each.rule, each.place.line) for each in report.findings] == ([("key-collision", 2)] if found else [])
    assert lint([tmp_path], Options(sequences=("#7",))).findings == ()
