"""callguard lint dialplan, as an admin runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import callguard
from tests.lint.plan import ASK, SNIPPET, written

CLEAN = f"[from-trunk]\nexten => 1,1,{ASK}\n same => n,Queue(support)\n"
POLICY = '[call_type.{}]\npurpose = "qa"\nagents = ["PJSIP/agent*"]\n'


def test_clean_is_0(tmp_path: Path) -> None:
    done = callguard("lint", "dialplan", SNIPPET, written(tmp_path, CLEAN))
    assert (done.status, done.err) == (0, "") and "nothing found" in done.text


def test_a_finding_is_1_with_file_line_and_what_to_write(tmp_path: Path) -> None:
    path = written(tmp_path, CLEAN + "exten => 2,1,MixMonitor(a)\n")
    done = callguard("lint", "dialplan", SNIPPET, path)
    assert done.status == 1 and f"{path}:4: blocker [recorder]" in done.text
    assert "instead: " in done.text and "1 blocker(s), 0 warning(s)" in done.text


def test_one_json_document(tmp_path: Path) -> None:
    path = written(tmp_path, CLEAN + "exten => 2,1,Queue(a)\n")
    done = callguard("lint", "dialplan", "--json", SNIPPET, path)
    document = json.loads(done.out)
    assert done.status == 1 and (document["files"], document["contexts"]) == (2, 3)
    (finding,) = document["findings"]
    assert set(finding) == {"file", "line", "severity", "rule", "text", "fix"}
    assert (finding["file"], finding["line"], finding["rule"]) == (str(path), 4, "bypass")
    clean = callguard("lint", "dialplan", "--json", SNIPPET, written(tmp_path, CLEAN))
    assert clean.status == 0 and json.loads(clean.out) == {"findings": [], "files": 2, "contexts": 3}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[x\n", "extensions.conf:1: no ]"),
        ("#include extensions.conf\n", "include loop"),
        ("a => 1\n", ":1: a line before"),
    ],
)
def test_what_cannot_be_read_is_2_with_file_and_line(tmp_path: Path, text: str, part: str) -> None:
    done = callguard("lint", "dialplan", written(tmp_path, text))
    assert (done.status, done.out) == (2, b"") and part in done.err


def test_no_path_and_no_such_path_are_2(tmp_path: Path) -> None:
    assert callguard("lint", "dialplan").status == 2
    done = callguard("lint", "dialplan", tmp_path / "none.conf")
    assert done.status == 2 and "none.conf: cannot be read" in done.err


def test_call_types_are_held_against_the_policy(tmp_path: Path) -> None:
    path, policy = written(tmp_path, CLEAN), tmp_path / "policy.toml"
    policy.write_text(POLICY.format("support"))
    assert callguard("lint", "dialplan", SNIPPET, path, "--policy", policy).status == 0
    policy.write_text(POLICY.format("sales"))
    done = callguard("lint", "dialplan", SNIPPET, path, "--policy", policy)
    assert done.status == 1 and "[call-type]" in done.text
    policy.write_text("what = ")
    assert callguard("lint", "dialplan", SNIPPET, path, "--policy", policy).status == 2


def test_keys_of_the_agent_are_the_shipped_ones_or_those_of_the_policy(tmp_path: Path) -> None:
    path, policy = written(tmp_path, CLEAN), tmp_path / "policy.toml"
    mapped = "[applicationmap]\nx => *5,self,Playback,a\ny => *44,self,Playback,a\n"
    features = written(tmp_path, mapped, "features.conf")
    sites = (SNIPPET, path, features)
    assert features.exists() and "callguard's *5" in callguard("lint", "dialplan", *sites).text
    assert "callguard's *44" in callguard("lint", "dialplan", *sites, "--key", "*44").text
    policy.write_text(POLICY.format("support") + 'all_present = "*4"\n')
    done = callguard("lint", "dialplan", *sites, "--policy", policy)
    assert "callguard's *4:" in done.text and "*5" not in done.text


def test_keys_entries_and_the_folder_for_includes(tmp_path: Path) -> None:
    written(tmp_path, "[featuremap]\nblindxfer => *2\n", "features.conf")
    written(tmp_path / "etc", SNIPPET.read_text(), "callguard.conf")
    written(tmp_path, "#include callguard.conf\n[mine]\nexten => 1,1,Queue(a)\n")
    etc = ("--etc-dir", tmp_path / "etc")
    assert "[missing-include]" in callguard("lint", "dialplan", tmp_path).text
    assert ": warning [bypass]" in callguard("lint", "dialplan", tmp_path, *etc).text
    assert ": blocker [bypass]" in callguard("lint", "dialplan", tmp_path, *etc, "--entry", "mine").text
    assert "[key-collision]" in callguard("lint", "dialplan", tmp_path, *etc, "--pause", "*2").text
    assert callguard("lint", "dialplan", tmp_path, *etc, "--entry", "other").status == 2


def test_what_would_move_a_cursor_is_not_printed(tmp_path: Path) -> None:
    done = callguard("lint", "dialplan", written(tmp_path, "[from-trunk\x1b[2J]\nexten => 1,1,Queue(a)\n"))
    assert done.status == 1 and "\x1b" not in done.text
