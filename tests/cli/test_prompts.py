"""callguard prompts: what callers hear, and whether it is what was agreed."""

from __future__ import annotations

import hashlib
import json
import shutil
import wave
from pathlib import Path

import pytest

from callguard.audio.prompt import shipped_prompts, version_of
from tests.cli.command import callguard, site

SHIPPED = {
    "notice-short", "notice-sensitive", "notice-announce", "question", "refusal", "withdrawal", "recording-on",
    "paused", "resumed",
}  # fmt: skip


def own_prompts(folder: Path) -> tuple[Path, Path]:
    """A site with a copy of the prompts, ready to be spoilt: its configuration and the folder of its English ones."""
    config = site(folder)
    shutil.copytree(shipped_prompts(), folder / "words")
    config.write_text(config.read_text() + '[prompts]\ndirectory = "words"\n')
    return config, folder / "words" / "en"


def test_without_a_configuration_the_shipped_ones_are_listed(tmp_path: Path) -> None:
    done = callguard("prompts", "list", "--config", tmp_path / "none.toml", "--json")
    listed = json.loads(done.out)["prompts"]
    assert done.status == 0 and {item["id"] for item in listed} == SHIPPED
    for item in listed:
        assert item["text_version"] == version_of(item["text"]) and item["language"] == "en"
        assert len(item["sha256"]) == 64 and 0.3 < item["seconds"] < 10


def test_a_list_for_people_has_a_line_each(tmp_path: Path) -> None:
    done = callguard("prompts", "list", "--config", site(tmp_path))
    lines = done.text.splitlines()
    assert done.status == 0 and {line.split()[1] for line in lines} == SHIPPED
    assert all(line.startswith("en  ") and " s  " in line for line in lines)


@pytest.mark.requirement("S15", "S45")
def test_the_shipped_ones_are_there_unaltered_and_short_enough(tmp_path: Path) -> None:
    config = site(tmp_path)
    done = callguard("prompts", "check", "--config", config)
    assert (done.status, done.text) == (0, "Every prompt is there, unaltered, and short enough.\n")
    document = callguard("prompts", "check", "--config", config, "--json")
    assert json.loads(document.out) == {"ok": True, "findings": []}


@pytest.mark.requirement("S15")
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "refusal.wav").unlink(), "prompt refusal: its wav file cannot be read"),
        (lambda folder: (folder / "question.txt").write_text("Other words."), "prompt question: its text_version"),
        (lambda folder: shutil.copy(folder / "paused.wav", folder / "resumed.wav"), "prompt resumed: its sha256"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "not JSON"),
        (lambda folder: shutil.rmtree(folder), "language en"),
    ],
    ids=["gone", "other words", "other sound", "torn", "no language"],
)
def test_what_is_not_as_agreed_is_a_finding(tmp_path: Path, spoil: object, says: str) -> None:
    config, folder = own_prompts(tmp_path)
    assert callguard("prompts", "check", "--config", config).status == 0
    assert callable(spoil)
    spoil(folder)
    done = callguard("prompts", "check", "--config", config, "--json")
    document = json.loads(done.out)
    assert done.status == 1 and not document["ok"]
    assert any(says in line for line in document["findings"]), document


def test_a_notice_that_takes_too_long_is_a_finding(tmp_path: Path) -> None:
    config, folder = own_prompts(tmp_path)
    make_longer(folder, "notice-short")
    done = callguard("prompts", "check", "--config", config)
    assert done.status == 1 and "en/notice-short: 1" in done.text and "where a notice has 10 s" in done.text


def make_longer(folder: Path, name: str) -> None:
    """Append five seconds of silence, and list it so."""
    with wave.open(str(folder / f"{name}.wav"), "rb") as file:
        form, frames = file.getparams(), file.readframes(file.getnframes())
    with wave.open(str(folder / f"{name}.wav"), "wb") as file:
        file.setparams(form)
        file.writeframes(frames + bytes(2 * 8000 * 5))
    manifest = json.loads((folder / "manifest.json").read_text())
    (row,) = [item for item in manifest["prompts"] if item["id"] == name]
    row["sha256"] = hashlib.sha256((folder / f"{name}.wav").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_call_type_that_is_never_recorded_needs_no_prompt(tmp_path: Path) -> None:
    config = site(tmp_path)
    with (tmp_path / "policy.toml").open("a") as policy:
        policy.write('[call_type.private]\npurpose = "none"\nmode = "never"\nlanguage = "de"\nnotice = "no-such"\n')
    assert callguard("prompts", "check", "--config", config).status == 0


def test_a_broken_policy_is_a_finding_and_a_missing_site_is_bad_input(tmp_path: Path) -> None:
    config = site(tmp_path)
    (tmp_path / "policy.toml").write_text('[call_type.support]\nmode = "maybe"\n')
    done = callguard("prompts", "check", "--config", config)
    assert done.status == 1 and "call_type.support.mode" in done.text
    assert callguard("prompts", "check", "--config", tmp_path / "none.toml").status == 2


def test_a_folder_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    config = site(tmp_path)
    config.write_text(config.read_text() + '[prompts]\ndirectory = "no-such"\n')
    done = callguard("prompts", "list", "--config", config)
    assert done.status == 2 and "no folder of prompts" in done.err
