"""The five questions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from callguard.core.policy import CallType, Mode
from callguard.core.preflight import Question, Verdict, judge
from callguard.core.purpose import Purpose
from tests.core.play import ANNOUNCE, ASK, FIRM, MILD, NEVER, PACK, STRICT

DAY = date(2026, 11, 24)
CASUAL = replace(ANNOUNCE, override=None)


@pytest.mark.requirement("S12")
@pytest.mark.parametrize(
    ("call_type", "codes", "verdict"),
    [
        (ASK, [MILD], Verdict.ASK),
        (CASUAL, [MILD], Verdict.ALLOW),
        (CASUAL, [MILD, FIRM], Verdict.ASK),
        (ANNOUNCE, [STRICT], Verdict.ASK),
        (NEVER, [MILD], Verdict.DO_NOT_RECORD),
        (replace(CASUAL, purpose=None), [MILD], Verdict.DO_NOT_RECORD),
        (replace(CASUAL, purpose=Purpose.NONE), [MILD], Verdict.DO_NOT_RECORD),
        (replace(CASUAL, notice=""), [MILD], Verdict.DO_NOT_RECORD),
    ],
)
def test_the_verdict(call_type: CallType, codes: list[str], verdict: Verdict) -> None:
    done = judge(call_type, PACK, codes, DAY)
    assert done.verdict is verdict and [answer.question for answer in done.answers] == list(Question)


@pytest.mark.requirement("S12")
def test_who_takes_no_part_records_nothing() -> None:
    done = judge(CASUAL, PACK, [MILD], DAY, takes_part=False)
    assert done.verdict is Verdict.DO_NOT_RECORD and not done.answers[0].yes
    assert done.rule.mode is Mode.NEVER and "nobody of ours is there" in done.rule.reasons


@pytest.mark.requirement("S13")
def test_who_declined_is_not_recorded_and_not_cut_off() -> None:
    done = judge(CASUAL, PACK, [MILD], DAY, declined=True)
    assert done.verdict is Verdict.DO_NOT_RECORD and "someone declined" in done.rule.reasons
    assert done.answers[3].yes and "the call goes on unrecorded" in done.answers[3].why


@pytest.mark.requirement("S14")
def test_the_answers_say_what_is_governed() -> None:
    kept = replace(ASK, listen=("supervisor",), retention={"audio": 30}, alternative="e-mail")
    *_, decline, governed = judge(kept, PACK, [MILD], DAY).answers
    assert "e-mail" in decline.why and governed.why == "qa; supervisor may listen; audio is kept for 30 day(s)"
    assert "goes on unrecorded" in judge(ASK, PACK, [MILD], DAY).answers[3].why


def test_what_is_never_recorded_needs_no_purpose() -> None:
    assert all(
        answer.yes or answer.question is Question.STRICTEST for answer in judge(NEVER, PACK, [MILD], DAY).answers
    )
    assert judge(replace(NEVER, purpose=None), PACK, [MILD], DAY).answers[4].yes


def test_internal_calls_have_a_mode_of_their_own() -> None:
    assert judge(ASK, PACK, [MILD], DAY, internal=True).verdict is Verdict.DO_NOT_RECORD
