"""callguard prompts: what callers hear, and whether it is what was agreed."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import wave
from pathlib import Path

import pytest

from callguard.audio.prompt import load_prompts, shipped_prompts, version_of
from tests.cli.command import callguard, site

SHIPPED = set(load_prompts(shipped_prompts(), "en"))


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
        assert item["text_version"] == version_of(item["text"]) and item["language"] in ("en", "es")
        assert len(item["sha256"]) == 64 and 0.3 < item["seconds"] < 30


def test_a_list_for_people_has_a_line_each(tmp_path: Path) -> None:
    done = callguard("prompts", "list", "--config", site(tmp_path))
    lines = done.text.splitlines()
    assert done.status == 0 and {line.split()[1] for line in lines} == SHIPPED
    assert all(line[:4] in ("en  ", "es  ") and " s  " in line for line in lines)


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


def test_the_notice_of_who_is_asked_by_law_is_measured_too(tmp_path: Path) -> None:
    config, folder = own_prompts(tmp_path)
    with (tmp_path / "policy.toml").open("a") as policy:
        policy.write('[call_type.told]\npurpose = "qa"\nmode = "announce"\n')
        policy.write('notice = "notice-announce"\nask_notice = "notice-soft"\n')
    assert callguard("prompts", "check", "--config", config).status == 0
    make_longer(folder, "notice-soft")
    done = callguard("prompts", "check", "--config", config)
    assert done.status == 1 and "en/notice-soft: 1" in done.text


def test_what_agents_would_not_hear_is_a_finding_where_they_are_to_hear_it(tmp_path: Path) -> None:
    config, folder = own_prompts(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["prompts"] = [row for row in manifest["prompts"] if row["id"] != "not-recorded"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert callguard("prompts", "check", "--config", config).status == 0
    with (tmp_path / "policy.toml").open("a") as policy:
        policy.write('[call_type.toned]\npurpose = "qa"\nindicator = "tone"\n')
    done = callguard("prompts", "check", "--config", config)
    assert done.status == 1 and "call_type.toned: no prompt not-recorded in en: agents" in done.text


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


def espeaker(folder: Path) -> str:
    """A program that speaks for these tests: the same sound whatever it is told."""
    path = folder / "voice.py"
    sound = shipped_prompts() / "en" / "question.wav"
    path.write_text(f"import shutil, sys\nshutil.copy({str(sound)!r}, sys.argv[1])\n")
    return f"{sys.executable} {path} {{wav}} {{text_file}} {{language}}"


@pytest.mark.requirement("S15", "S20", "S27")
def test_prompts_are_rendered_from_the_policy_found_first_and_listed(tmp_path: Path) -> None:
    config = site(tmp_path)
    promise(tmp_path, 'purpose = "dispute"', 'uses = ["qa"]', 'languages = ["en", "fr"]')
    config.write_text(config.read_text() + '[prompts]\ndirectory = "own"\n')
    done = callguard("prompts", "render", "--config", config, "--tts", espeaker(tmp_path), "--out", tmp_path / "own")
    assert (done.status, done.text.split(".")[0]) == (0, "20 prompts in en, fr")
    assert callguard("prompts", "check", "--config", config).status == 0
    listed = json.loads(callguard("prompts", "list", "--config", config, "--json").out)["prompts"]
    (notice,) = [row for row in listed if (row["language"], row["id"]) == ("fr", "notice-short")]
    assert notice["call_type"] == "support"
    assert "enregistré pour le règlement des litiges et la qualité." in notice["text"]
    assert "support/notice-short" in callguard("prompts", "list", "--config", config).text


def promise(folder: Path, *lines: str) -> None:
    """The one call type of the site in FOLDER, of LINES over the usual ones."""
    path = folder / "policy.toml"
    path.write_text(path.read_text().rstrip() + "\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--tts", "false {text} {wav}"], 3, "the program false failed with exit status 1"),
        (["--tts", "no-such-voice {text} {wav}"], 3, "no-such-voice cannot be run"),
        (["--tts", "true {text} {wav}"], 2, "wrote no sound file"),
        (["--tts", "true"], 2, "--tts: it needs {wav}"),
        (["--tts", "true {text} {wav}", "--call-type", "sales"], 2, "there is no call_type.sales; there are support"),
        (["--tts", "true {text} {wav}", "--language", "tlh"], 2, "there are no texts in tlh: add tlh/script.toml"),
        ([], 2, "--tts"),
    ],
)
def test_a_render_that_fails_leaves_nothing(tmp_path: Path, arguments: list[str], status: int, says: str) -> None:
    done = callguard("prompts", "render", "--config", site(tmp_path), "--out", tmp_path / "own", *arguments)
    assert done.status == status and says in done.err
    assert not list(tmp_path.glob("own/*"))


def test_recordings_of_ones_own_are_adopted(tmp_path: Path) -> None:
    config, folder = own_prompts(tmp_path)
    shutil.copy(folder / "paused.wav", folder / "resumed.wav")
    assert callguard("prompts", "check", "--config", config).status == 1
    done = callguard("prompts", "adopt", folder)
    assert (done.status, done.text) == (0, f"{len(SHIPPED)} prompts listed\n")
    assert callguard("prompts", "check", "--config", config).status == 0
    (folder / "resumed.wav").unlink()
    done = callguard("prompts", "adopt", folder)
    assert done.status == 2 and "prompt resumed: cannot be read" in done.err
    (tmp_path / "empty").mkdir()
    assert "holds the words" in callguard("prompts", "adopt", tmp_path / "empty", "--language", "en").err
