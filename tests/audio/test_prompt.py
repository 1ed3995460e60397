"""The shipped prompts, and prompts that are not what their manifest lists."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from callguard.audio.prompt import Prompt, load_prompts, shipped_prompts, version_of
from callguard.errors import BadAudio
from tests.audio.sound import read, write

SHIPPED = load_prompts(shipped_prompts(), "en")
NOTICES = ["notice-short", "notice-sensitive", "notice-announce"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(shipped_prompts() / "en", tmp_path / "en")
    return tmp_path


def test_every_script_of_a_call_is_there() -> None:
    assert set(SHIPPED) == {*NOTICES, "question", "refusal", "withdrawal", "recording-on", "paused", "resumed"}


@pytest.mark.requirement("S44")
@pytest.mark.requirement("S45")
@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_gives_notice_purpose_and_choice_in_this_order_within_nine_seconds(name: str) -> None:
    prompt = SHIPPED[name]
    text = prompt.text.lower()
    places = [
        max(text.find(word) for word in words) for words in (["record"], ["quality"], ["press 2 to continue without"])
    ]
    assert -1 not in places
    assert places == sorted(places)
    assert "may be" not in text
    assert prompt.duration_s <= 9.0


def test_the_short_ones_are_short() -> None:
    assert SHIPPED["recording-on"].duration_s <= 2.0
    assert max(SHIPPED[name].duration_s for name in ("paused", "resumed")) <= 1.5


@pytest.mark.parametrize("prompt", SHIPPED.values(), ids=list(SHIPPED))
def test_every_prompt_is_as_loud_as_the_others_and_not_clipped(prompt: Prompt) -> None:
    sound = read(prompt.path)[:, 0].astype(float)
    spoken = sound[800:-480]
    assert -21 < 20 * np.log10(np.sqrt(np.mean(spoken**2)) / 32768) < -18
    assert np.abs(sound).max() < 32767
    assert prompt.duration_s == len(sound) / 8000


@pytest.mark.parametrize("suffix", [".wav", ".txt"])
def test_a_missing_or_altered_file_is_an_error_that_names_the_prompt(folder: Path, suffix: str) -> None:
    path = folder / "en" / f"refusal{suffix}"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadAudio, match=r"prompt refusal: its .* changed"):
        load_prompts(folder, "en")
    path.unlink()
    with pytest.raises(BadAudio, match=f"prompt refusal: its {suffix[1:]} file cannot be read"):
        load_prompts(folder, "en")


def test_a_prompt_that_a_pbx_would_play_too_fast_is_refused(folder: Path) -> None:
    wide = write(folder / "en" / "refusal.wav", read(SHIPPED["refusal"].path), rate=16000)
    relist(folder, "refusal", sha256=hashlib.sha256(wide.read_bytes()).hexdigest())
    with pytest.raises(BadAudio, match="prompt refusal: 16000 Hz"):
        load_prompts(folder, "en")


def relist(folder: Path, name: str, **changes: object) -> None:
    path = folder / "en" / "manifest.json"
    manifest = json.loads(path.read_text())
    next(row for row in manifest["prompts"] if row["id"] == name).update(changes)
    path.write_text(json.dumps(manifest))


def test_a_manifest_cannot_lead_out_of_its_folder(folder: Path) -> None:
    relist(folder, "refusal", id="../en/refusal")
    with pytest.raises(BadAudio, match="lower-case words"):
        load_prompts(folder, "en")


@pytest.mark.parametrize("language", ["..", "en/../en", "", "EN", "en\n"])
def test_a_language_cannot_lead_out_either(language: str) -> None:
    with pytest.raises(BadAudio, match="is not a language"):
        load_prompts(shipped_prompts(), language)


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "not JSON"), ("[]", "not of format"), ('{"format":"callguard.prompts","version":2}', "not of format")]
    + [('{"format":"callguard.prompts","version":1}', "lists no prompts")],
)
def test_a_manifest_of_another_kind_is_refused(folder: Path, content: str, reason: str) -> None:
    (folder / "en" / "manifest.json").write_text(content)
    with pytest.raises(BadAudio, match=reason):
        load_prompts(folder, "en")


def test_no_prompts_of_a_language_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadAudio, match=r"manifest.json cannot be read: No such file"):
        load_prompts(tmp_path, "fr")


def test_a_changed_word_is_a_changed_version() -> None:
    assert version_of("a text\n") == version_of("a text") != version_of("a test")
