"""The shipped prompts, and prompts that are not what their manifest lists."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from callguard.audio.prompt import (
    Prompt,
    languages_in,
    list_prompts,
    load_prompts,
    shipped_prompts,
    version_of,
    write_prompt,
)
from callguard.errors import BadAudio, BadInput
from tests.audio.sound import read, write

SHIPPED = load_prompts(shipped_prompts(), "en")
SPANISH = load_prompts(shipped_prompts(), "es")
ALL = [*SHIPPED.values(), *SPANISH.values()]
NOTICES = [prompt for prompt in ALL if prompt.id.startswith("notice-") and prompt.id != "notice-long"]
PURPOSES = {"en": ("quality", "training"), "es": ("calidad", "formación")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(shipped_prompts() / "en", tmp_path / "en")
    return tmp_path


def ids(prompt: Prompt) -> str:
    return f"{prompt.language}-{prompt.id}"


@pytest.mark.requirement("S15", "S45")
def test_every_script_of_a_call_is_there_in_two_languages() -> None:
    others = ["short", "soft", "announce", "sensitive", "payment", "health", "hr", "dispute", "long"]
    assert set(SHIPPED) == set(SPANISH) == {
        *(f"notice-{name}" for name in others), "question", "refusal", "withdrawal", "withheld", "recording-on",
        "paused", "resumed", "not-recorded",
    }  # fmt: skip
    assert languages_in(shipped_prompts()) == ["en", "es"]


@pytest.mark.requirement("S7", "S44")
@pytest.mark.parametrize("prompt", NOTICES, ids=ids)
def test_a_notice_with_its_keys_ends_within_ten_seconds(prompt: Prompt) -> None:
    assert prompt.duration_s < 9.5
    assert all(word in prompt.text for word in (*PURPOSES[prompt.language], "2"))


def test_the_short_ones_are_short() -> None:
    for known in (SHIPPED, SPANISH):
        assert known["recording-on"].duration_s <= 2.0
        assert max(known[name].duration_s for name in ("paused", "resumed", "not-recorded")) <= 1.5


@pytest.mark.parametrize("prompt", ALL, ids=ids)
def test_every_prompt_is_as_loud_as_the_others_and_not_clipped(prompt: Prompt) -> None:
    sound = read(prompt.path)[:, 0].astype(float)
    spoken = sound[800:-480]
    assert -21 < 20 * np.log10(np.sqrt(np.mean(spoken**2)) / 32768) < -18
    assert np.abs(sound).max() < 32767
    assert prompt.duration_s == len(sound) / 8000


def test_a_call_type_may_have_prompts_for_itself(folder: Path) -> None:
    assert load_prompts(folder, "en", "support") == {}
    (folder / "en" / "support").mkdir()
    write_prompt(folder / "en" / "support", "hello", "Hello.", read(SHIPPED["paused"].path)[:, 0])
    with pytest.raises(BadAudio, match=r"manifest\.json cannot be read"):
        load_prompts(folder, "en", "support")
    assert list_prompts(folder / "en" / "support", "en", {"hello": "0123456789ab"}) == 1
    own = load_prompts(folder, "en", "support")["hello"]
    assert (own.text, own.template, own.language) == ("Hello.", "0123456789ab", "en")


def test_listing_what_is_there_changes_nothing(folder: Path) -> None:
    before = (folder / "en" / "manifest.json").read_bytes()
    assert list_prompts(folder / "en", "en") == len(SHIPPED)
    assert (folder / "en" / "manifest.json").read_bytes() == before


def test_a_folder_that_is_not_there_has_no_languages(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder of prompts"):
        languages_in(tmp_path / "none")


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
