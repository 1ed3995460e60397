"""features.conf, queues.conf, confbridge.conf, agents.conf."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.lint.examine import Options, lint
from tests.lint.plan import written


def judged(folder: Path, name: str, text: str, sequences: tuple[str, ...] = ("*7", "*8")) -> list[tuple[str, str, int]]:
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
        ("features.conf", "[applicationmap]\nx => *5,self,MixMonitor,a\n", ("one-touch", "blocker", 2)),
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
