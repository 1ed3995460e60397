from __future__ import annotations

from callguard.core import events, word


def test_facts_carry_these_words() -> None:
    for name in ("Role", "Link", "Script", "Action", "Remembered"):
        assert getattr(events, name) is getattr(word, name)


def test_a_word_is_its_text_and_nothing_is_remembered_by_default() -> None:
    assert f"{word.Script.RECORDING_ON}" == "recording_on" and not word.Remembered.NOTHING
