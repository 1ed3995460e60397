"""Prompts made from a policy: whole, and whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from callguard.audio.prompt import load_prompts
from callguard.core.policy import Policy
from callguard.engine.render import Job, jobs, render
from callguard.engine.script import Scripts
from callguard.errors import BadAudio, BadInput, Unreachable
from tests.audio.sound import noise
from tests.core.script_text import WORDINGS, policy, support


def speak(text: str, language: str) -> NDArray[np.int16]:
    """A sound for each text, of its own."""
    return noise(0.3, -20, seed=len(text) + sum(map(ord, language)))


def work(own: Policy, language: str = "en") -> list[Job]:
    return jobs(own, [support(own)], language, WORDINGS)


@pytest.mark.requirement("S15", "S51", "S54")
def test_what_is_made_from_a_policy_passes_its_check(tmp_path: Path) -> None:
    own = policy(purpose="dispute", uses=["ai_inference"], languages=["en", "de"])
    made = render([*work(own), *work(own, "de")], speak, tmp_path)
    scripts = Scripts.load(own, tmp_path)
    assert scripts.findings(own) == []
    assert made == 2 * 10 and {path.name for path in tmp_path.iterdir()} == {"en", "de"}
    assert scripts.known(support(own), "de")["notice-short"].path == tmp_path / "de" / "support" / "notice-short.wav"
    assert scripts.known(support(own), "de")["refusal"].path == tmp_path / "de" / "refusal.wav"


def test_a_changed_policy_is_a_finding_until_it_is_rendered_again(tmp_path: Path) -> None:
    render(work(policy(listen=["qa", "night-shift"])), speak, tmp_path)
    now = policy(listen=["qa"])
    assert [item.prompt for item in Scripts.load(now, tmp_path).findings(now)] == ["notice-long"]
    render(work(now), speak, tmp_path)
    assert Scripts.load(now, tmp_path).findings(now) == []


def test_other_files_stay(tmp_path: Path) -> None:
    render([Job("en", "sales", "notice-short", "Sales.", "1"), Job("en", "", "hello", "Hello.", "")], speak, tmp_path)
    (tmp_path / "en" / "script.toml").write_text("# ours")
    render(work(policy()), speak, tmp_path)
    assert (tmp_path / "en" / "script.toml").read_text() == "# ours"
    assert load_prompts(tmp_path, "en", "sales")["notice-short"].template == "1"
    assert load_prompts(tmp_path, "en")["hello"].text == "Hello."


def test_the_same_words_are_spoken_once(tmp_path: Path) -> None:
    said: list[str] = []

    def listen(text: str, language: str) -> NDArray[np.int16]:
        said.append(text)
        return speak(text, language)

    render([Job("en", name, "question", "Well?", "") for name in ("a", "b")], listen, tmp_path)
    assert said == ["Well?"] and load_prompts(tmp_path, "en", "b")["question"].text == "Well?"


@pytest.mark.parametrize("error", [Unreachable("gone"), BadAudio("silent")])
def test_a_voice_that_fails_changes_nothing_and_the_prompt_is_named(tmp_path: Path, error: Exception) -> None:
    render(work(policy()), speak, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def fail(text: str, language: str) -> NDArray[np.int16]:
        if text.startswith("Is it"):
            raise error
        return speak(text, language)

    with pytest.raises(type(error), match=f"en/support/question: {error}"):
        render(work(policy(uses=[])), fail, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_altered_prompt_is_not_listed_as_if_it_were_agreed(tmp_path: Path) -> None:
    render(work(policy()), speak, tmp_path)
    (tmp_path / "en" / "refusal.wav").write_bytes((tmp_path / "en" / "paused.wav").read_bytes())
    with pytest.raises(BadAudio, match="prompt refusal"):
        render([Job("en", "", "hello", "Hello.", "")], speak, tmp_path)
    assert not (tmp_path / "en" / "hello.wav").exists() and [path.name for path in tmp_path.iterdir()] == ["en"]


def test_a_folder_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be written"):
        render(work(policy()), speak, tmp_path / "file")


def test_a_notice_of_ones_own_that_is_no_template_is_left_to_the_admin() -> None:
    assert {job.prompt for job in work(policy(notice="notice-own")) if job.call_type} == {"notice-long", "question"}
