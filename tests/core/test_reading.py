"""What a text says, in codes."""

from __future__ import annotations

import pytest

from callguard.core.reading import Reading, named, plain, read
from tests.core.script_text import WORDINGS, policy, support


def reading(text: str, language: str = "en", **values: object) -> Reading:
    own = policy(**values)
    return read(text, WORDINGS[language], own, support(own))


def test_longer_words_win() -> None:
    assert reading("for sales training").says("purpose") == {"sales_coaching"}
    assert reading("heard by quality reviewers").says("purpose") == set()
    assert reading("Quality Homes <b> & Sons records for training").says("purpose") == {"training"}


def test_whole_words_only() -> None:
    assert reading("straining, equality").says("purpose") == set()


def test_words_that_may_mean_two_things_are_said_but_not_surely() -> None:
    said = reading("Heard by safety.", listen=["safety"])
    assert said.says("purpose") == {"safety"} and said.says("role") == {"safety"}
    assert said.says_surely("purpose") == said.says_surely("role") == set()


def test_a_role_belongs_to_the_right_that_its_sentence_speaks_of() -> None:
    said = reading("It can be heard by supervisors at example.org. Copies can be made by auditors!")
    assert said.says("role", "listens") == {"supervisor"} and said.says("role", "copies") == {"auditor"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We keep the recording for 90 days and the transcript for 30 days.", {"audio": {90}, "transcript": {30}}),
        ("The recording and the transcript are kept for 3 months.", {"audio": {90}, "transcript": {90}}),
        ("Kept are, for 2 weeks, the audio and for 1 year summaries.", {"audio": {14}, "summary": {365}}),
        ("The recording is kept for 90 days. Recordings are stored for 10 days.", {"audio": {90, 10}}),
        ("We keep the recording. It takes 5 days.", {}),
        ("We keep 9 days. We keep tags.", {}),
    ],
)
def test_days_are_told_by_output(text: str, expected: dict[str, set[int]]) -> None:
    assert reading(text).kept() == expected


def test_typographic_apostrophes_and_lines_make_no_difference() -> None:
    assert plain(" d\u2019accord\n bien ") == "d'accord bien"
    assert reading("Êtes-vous d\u2019accord ?", "fr").has("asks")
    assert named("ask  ACME Ltd.\nnow", "Acme  Ltd.") and not named("Acmes", "Acme")


def test_places_are_counted_in_sentences() -> None:
    said = reading("Hi. We record. Press 2!")
    assert [said.sentence_at(place) for place in (0, 4, 15)] == [0, 1, 2]
    assert (said.first("recorded"), said.first("vague")) == (4, -1)


def test_an_expression_that_matches_nothing_at_all_says_nothing() -> None:
    said = reading("word", alternative=" ")
    assert said.spans == ()
