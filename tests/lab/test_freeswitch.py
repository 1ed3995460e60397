"""Which FreeSWITCH is taken, and what is said where there is none. What it does once it runs: tests/live."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.errors import Unreachable
from callguard.lab import freeswitch as lab


def program(folder: Path, text: str = "exit 1") -> Path:
    folder.mkdir(exist_ok=True)
    made = folder / "freeswitch"
    made.write_text(f"#!/bin/sh\n{text}\n")
    made.chmod(0o755)
    return made


def test_the_one_that_is_named_is_taken_then_the_one_on_the_path(tmp_path: Path) -> None:
    named, found = program(tmp_path / "a"), program(tmp_path / "b")
    both = {"FREESWITCH": str(named), "PATH": str(found.parent)}
    assert lab.find_freeswitch(both) == named
    assert lab.find_freeswitch({"PATH": str(found.parent)}) == found


def test_a_name_that_is_no_program_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="which is no program"):
        lab.find_freeswitch({"FREESWITCH": str(tmp_path)})


def test_where_there_is_none_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "PLACES", ())
    with pytest.raises(Unreachable, match="no FreeSWITCH on this machine: install one"):
        lab.find_freeswitch({"PATH": str(tmp_path)})


async def test_one_that_ends_at_once_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FREESWITCH", str(program(tmp_path / "bin")))
    own = lab.FreeSwitch(tmp_path / "work")
    with pytest.raises(Unreachable, match="was not started"):
        _ = own.server
    with pytest.raises(Unreachable, match="did not come up: no log"):
        await own.start()
    own.log.write_text("1 [ERR] mod_sofia.c:1 Profile lab\n2 [NOTICE] bye\n")
    with pytest.raises(Unreachable, match=r"did not come up: 1 .*Profile lab"):
        await own.start()
    with pytest.raises(Unreachable, match="not running"):
        _ = own.pid
    assert set(own.agent_ports) == {"agent1", "agent2", "agent3", "agent4"}
    assert own.trunk_port not in own.agent_ports.values()
    assert (own.work / "etc" / "callguard.xml").read_text() == (lab.dialplan_dir() / "callguard.xml").read_text()
