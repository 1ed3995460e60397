"""Templates from folders: an admin's own stand over ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.audio.prompt import shipped_prompts
from callguard.engine.wording import languages_with_wording, load_wordings
from callguard.errors import ConfigError


def own(folder: Path, language: str, text: str) -> Path:
    (folder / language).mkdir(parents=True)
    (folder / language / "script.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.requirement("S78")
def test_an_own_text_stands_over_ours_and_the_rest_stays(tmp_path: Path) -> None:
    folder = own(tmp_path, "en", '[script]\nnotice-brand = "Howdy. {ask}"\n[synonym.role]\nqa = "listeners"\n')
    wording = load_wordings(folder, ["en"])["en"]
    assert wording.scripts["notice-brand"] == "Howdy. {ask}" and "notice-short" in wording.scripts
    assert wording.synonyms["role"]["qa"].search("Listeners") and "agent" in wording.synonyms["role"]


@pytest.mark.requirement("S20")
def test_a_folder_adds_a_language(tmp_path: Path) -> None:
    english = (shipped_prompts() / "en" / "script.toml").read_text(encoding="utf-8")
    folder = own(tmp_path, "pt-BR", english)
    assert "pt-BR" in languages_with_wording(folder) and "pt-BR" not in languages_with_wording(None)
    assert set(load_wordings(folder, ["pt-BR", "fr", "tlh"])) == {"pt-BR", "fr"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[script", "en/script.toml: not TOML"),
        ("x = " + "[" * 5000, "en/script.toml: nested too deep"),
        ('[script]\nx = "{y}"', "en/script.toml: script.x: knows no {y}"),
    ],
)
def test_what_is_wrong_is_told_with_its_file(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_wordings(own(tmp_path, "en", text), ["en", "fr"])
    assert says in caught.value.problems[0]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (own(tmp_path, "en", "") / "en" / "script.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_wordings(tmp_path, ["en"])


def test_a_language_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    own(tmp_path, "en", "[script")
    assert load_wordings(tmp_path / "none", ["../en", ""]) == {}
