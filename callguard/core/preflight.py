"""The five questions that are answered before anything is recorded, live and on the command line by the same function.

What belongs here: the questions, their answers and the verdict. What does not: the rule (rules.py), when it is asked
(lawful.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from callguard.core.jurisdiction import RulePack
from callguard.core.policy import CallType, Mode
from callguard.core.purpose import Purpose
from callguard.core.rules import Rule, resolve


class Verdict(StrEnum):
    """What comes of the five questions."""

    ALLOW = "ALLOW"
    ASK = "ASK"
    DO_NOT_RECORD = "DO-NOT-RECORD"


class Question(StrEnum):
    """The decision tree of the article, in its order."""

    PARTICIPANT = "Are you a participant in the call?"
    STRICTEST = "What is the strictest consent rule that could apply to anyone on the call?"
    NOTICE = "Is recording announced clearly at the beginning?"
    DECLINE = "If someone declines, can the call go on without recording, or by another channel?"
    GOVERNED = "Is there a clear purpose, access limits, and a retention timeline?"


@dataclass(frozen=True, slots=True)
class Answer:
    """`yes`: recording may go on as far as this question is concerned; `why`: in words."""

    question: Question
    yes: bool
    why: str


DECLINED = "someone declined"
VERDICTS = {Mode.ANNOUNCE: Verdict.ALLOW, Mode.ASK: Verdict.ASK, Mode.NEVER: Verdict.DO_NOT_RECORD}


@dataclass(frozen=True, slots=True)
class Preflight:
    """The answers, the rule that they lead to, and the verdict."""

    answers: tuple[Answer, ...]
    rule: Rule

    @property
    def verdict(self) -> Verdict:
        """The rule's mode in the words of the decision tree."""
        return VERDICTS[self.rule.mode]


def judge(
    call_type: CallType,
    pack: RulePack,
    codes: Iterable[str],
    on: date,
    *,
    internal: bool = False,
    takes_part: bool = True,
    declined: bool = False,
) -> Preflight:
    """All five questions for people at CODES on a day. One no, and nothing is recorded.

    INTERNAL: between our own people; TAKES_PART: somebody of the organisation is on the line; DECLINED: somebody there
    said no already.
    """
    rule = resolve(call_type, pack, codes, on, internal=internal)
    answers = (
        Answer(
            Question.PARTICIPANT, takes_part, "the organisation takes part" if takes_part else "nobody of ours is there"
        ),
        Answer(Question.STRICTEST, rule.mode is not Mode.NEVER, f"{rule.mode.value}: {'; '.join(rule.reasons[-2:])}"),
        _notice(call_type, rule.mode),
        Answer(Question.DECLINE, True, _alternative(call_type, declined)),
        _governed(call_type),
    )
    noes = tuple(answer.why for answer in answers if not answer.yes and answer.question is not Question.STRICTEST)
    noes += (DECLINED,) if declined else ()
    if noes and rule.mode is not Mode.NEVER:
        rule = replace(rule, mode=Mode.NEVER, reasons=rule.reasons + noes)
    return Preflight(answers, rule)


def _notice(call_type: CallType, mode: Mode) -> Answer:
    if mode is Mode.NEVER:
        return Answer(Question.NOTICE, True, "nothing is recorded, and nothing is announced")
    return Answer(Question.NOTICE, bool(call_type.notice), f"{call_type.notice} is played to its end before anything")


def _alternative(call_type: CallType, declined: bool) -> str:
    goes_on = f"{DECLINED}: the call goes on unrecorded" if declined else "the call goes on unrecorded"
    return f"{goes_on}; also offered: {call_type.alternative}" if call_type.alternative else goes_on


def _governed(call_type: CallType) -> Answer:
    if call_type.purpose in (None, Purpose.NONE):
        return Answer(Question.GOVERNED, not call_type.records, "no purpose: nothing is recorded")
    who = ", ".join(call_type.listen) or "nobody"
    why = f"{call_type.purpose}; {who} may listen; audio is kept for {call_type.retention_days} day(s)"
    return Answer(Question.GOVERNED, True, why)
