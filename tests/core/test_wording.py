"""Templates become texts, and a file that cannot be one is refused with all that is wrong."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from callguard.audio.prompt import shipped_prompts
from callguard.core.wording import kept, parse_wording, purposes, spoken_keys, text_of
from callguard.errors import ConfigError
from tests.core.script_text import LANGUAGES, USUAL, WORDINGS, policy, support, text


def document(language: str = "en") -> dict[str, Any]:
    return tomllib.loads((shipped_prompts() / language / "script.toml").read_text(encoding="utf-8"))


@pytest.mark.requirement("S15")
def test_four_languages_have_the_same_scripts() -> None:
    assert LANGUAGES == ["de", "en", "es", "fr"]
    assert {frozenset(wording.scripts) for wording in WORDINGS.values()} == {frozenset(WORDINGS["en"].scripts)}


@pytest.mark.requirement("S51", "S53", "S54", "S55")
def test_the_long_notice_tells_everything_that_the_policy_promises() -> None:
    assert text(policy(alternative="chat\nor e-mail"), "notice-long", "en") == (
        "Quality Homes <b> & Sons records this call. If you have questions, ask privacy@example.org. We record for "
        "quality and training. We do so only with your consent. It can be heard by supervisors and quality reviewers. "
        "Copies can be made by our privacy office. We keep the recording for 90 days and the transcript for 30 days, "
        "not longer. We share it with acme transcripts. To stop the recording at any time, press star 7. "
        "What was recorded until then is destroyed. You get the same service without recording. Instead of calling, "
        "you can use chat or e-mail."
    )


def test_a_name_is_never_taken_for_a_template() -> None:
    own = policy(alternative="{kept} {nothing} {who}")
    assert text(own, "notice-long", "en").endswith("you can use {kept} {nothing} {who}.")


def test_three_things_are_listed_and_one_is_said_alone() -> None:
    three = policy(uses=["training", "dispute"])
    assert "for quality, training and resolving disputes." in text(three, "notice-short", "en")
    assert "for quality. Press" in text(policy(uses=[]), "notice-short", "en")


def test_keys_to_other_languages_are_told_in_these() -> None:
    own = policy(languages=["en", "es", "fr"], language_keys={"3": "es", "4": "fr", "5": "en"})
    said = text(own, "notice-short", "en")
    assert "Para español, pulse 3. Pour le français, tapez 4. Press 9" in said and "English" not in said
    assert "For English, press 5." in text(own, "notice-short", "es")


def test_what_nothing_is_said_about_is_left_out() -> None:
    bare = policy(basis=None, purpose=None, uses=[])
    assert "consent" not in text(bare, "notice-long", "en") and "Press 1 to agree" in text(bare, "notice-short", "en")
    assert purposes(support(bare)) == ()


def test_days_and_keys() -> None:
    assert kept(support(policy(outputs=["audio", "summary"], retention={"audio": 9}))) == {"audio": 9, "summary": 9}
    assert spoken_keys(WORDINGS["en"], "*#7") == "star hash 7"
    one = policy(outputs=["audio"], retention={"audio": 1})
    assert "the recording for 1 day," in text(one, "notice-long", "en")


def test_what_differs_by_call_type_is_known() -> None:
    assert WORDINGS["en"].depends("question") and not WORDINGS["en"].depends("refusal")
    assert WORDINGS["en"].phrase("role", "night-shift_2") == "night shift 2"


@pytest.mark.parametrize(
    ("table", "key", "value", "says"),
    [
        ("script", "notice-short", "for {purpose}", "script.notice-short: knows no {purpose}"),
        ("script", "Notice", "x", "script.Notice: an id is lower-case words joined by '-'"),
        ("part", "who-named", "{contact}", "part.who-named: knows no {contact}"),
        ("part", "and", "", "part.and: must be text"),
        ("part", "no-such", "x", "part.no-such: unknown key"),
        ("part", "kept", None, "part.kept: is missing"),
        ("purpose", "qa", None, "purpose.qa: is missing"),
        ("purpose", "fun", "fun", "purpose.fun: unknown key"),
        ("output", "audio", 7, "output.audio: must be text"),
        ("words", "vague", "(", "words.vague: is no regular expression"),
        ("words", "asks", None, "words.asks: is missing"),
        ("synonym", "matter", {}, "synonym.matter.payment: is missing"),
        ("synonym", "fun", {}, "synonym.fun: unknown table"),
        ("synonym", "role", 7, "synonym.role: must be a table of texts"),
    ],
)
def test_what_cannot_stand_there_is_named(table: str, key: str, value: object, says: str) -> None:
    broken = document()
    broken[table][key] = value
    if value is None:
        del broken[table][key]
    with pytest.raises(ConfigError) as caught:
        parse_wording("en", broken, "en/script.toml")
    assert any(says in problem for problem in caught.value.problems), caught.value.problems


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_wording("en", {"fun": 1, "script": 2, "synonym": 3}, "en/script.toml")
    assert {problem.split(":")[0] for problem in caught.value.problems} >= {
        "fun", "part", "purpose", "output", "role", "words", "synonym.purpose", "script",
    }  # fmt: skip


def test_a_rendered_text_is_one_line() -> None:
    own = policy(**USUAL)
    for language in LANGUAGES:
        for prompt in WORDINGS[language].scripts:
            said = text_of(prompt, support(own), own, WORDINGS, language)
            assert said == " ".join(said.split()) and "{" not in said and said.strip()
