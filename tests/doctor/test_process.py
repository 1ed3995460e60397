from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callguard.doctor import process
from tests.doctor.healthy import PBX, healthy, said, severities, with_host, with_pbx


def test_a_healthy_site(tmp_path: Path) -> None:
    site = healthy(tmp_path)
    assert not [*process.controller(site), *process.guard(site), *process.database(site)]


def test_a_controller_that_does_not_run(tmp_path: Path) -> None:
    quiet = replace(with_host(tmp_path, control=None), pbx=replace(PBX, applications=()))
    assert severities(process.controller, quiet) == ["warning"]


def test_an_application_that_somebody_else_holds(tmp_path: Path) -> None:
    [(severity, what)] = said(process.controller, with_host(tmp_path, control=None))
    assert severity == "blocker" and "somebody else holds the ARI application callguard" in what


def test_a_controller_that_lost_a_link(tmp_path: Path) -> None:
    assert said(process.controller, with_host(tmp_path, control={"faults": ["log", "pbx"]})) == [
        ("blocker", "the controller runs, and reports: log"),
        ("blocker", "the controller runs, and reports: pbx"),
    ]
    assert severities(process.controller, with_host(tmp_path, control={"calls": 3})) == ["blocker"]
    assert severities(process.controller, with_pbx(tmp_path, applications=("other",))) == ["blocker"]


@pytest.mark.parametrize(("answer", "expected"), [(None, "blocker"), ({"ready": False}, "blocker"), ({}, "blocker")])
def test_a_controller_without_a_guard(tmp_path: Path, answer: dict[str, object] | None, expected: str) -> None:
    assert severities(process.guard, with_host(tmp_path, heartbeat=answer)) == [expected]


def test_neither_runs_yet(tmp_path: Path) -> None:
    assert severities(process.guard, with_host(tmp_path, heartbeat=None, control=None)) == ["warning"]


def test_what_is_wrong_with_the_database(tmp_path: Path) -> None:
    wrong = (("unreachable", "no answer"), ("partition_missing", "x"), ("revision", "y"))
    found = list(process.database(with_host(tmp_path, database=wrong)))
    assert [one.severity.value for one in found] == ["blocker", "warning", "blocker"]
    assert [one.change for one in found] == ["", "callguard db upgrade", "callguard db upgrade"]


def test_applications_that_have_everything_sent(tmp_path: Path) -> None:
    assert severities(process.eager, healthy(tmp_path)) == []
    other, own = process.eager(with_pbx(tmp_path, eager=("dialer", "callguard")))
    assert "application dialer" in other.what and "#2170" in other.what and other.severity == "warning"
    assert "name of its own" in own.change and "name of its own" not in other.change
