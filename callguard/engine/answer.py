"""What a caller answered the last time: kept with the rows of its call, and asked when the next one begins.

What belongs here: which answer is worth remembering, and for whom. What does not: what comes of it (core/step.py),
where it is kept (store/). Numbers stay in memory: the store keeps a code of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from callguard.core.consent import Turn
from callguard.core.events import Event, Outcome, Record, Remembered
from callguard.core.outcome import Step
from callguard.core.policy import CallType
from callguard.engine import clock
from callguard.errors import StoreDown, StoreRefused
from callguard.ports import AnswerRow, Answers, CallRow, Endpoint, Found

SHORTEST = 6
"""Digits of a number that may be one caller's; shorter ones are extensions, and stand for whoever sits there."""


def has_memory(call_type: CallType, direction: str, number: str) -> bool:
    """Whether what NUMBER says is remembered. Who is called has the number that was dialled, or the trunk's own, which
    is everybody's: only callers are remembered."""
    digits = [sign for sign in number if sign.isdecimal()]
    one_of_many = len(digits) >= SHORTEST and len(set(digits)) > 1  # a withheld number may come as zeros
    return call_type.remember_days > 0 and direction == "inbound" and one_of_many


def answers_in(done: Step, event: Event, head: CallRow, number: str) -> tuple[AnswerRow, ...]:
    """What the far party, whose number is NUMBER, answered in this step: the last word of it."""
    call = done.call
    said = [word for item in done.records if item.channel_id == call.anchor and (word := _word(item))]
    if not said or not has_memory(call.call_type, head.direction, number):
        return ()
    row = AnswerRow(
        call_id=head.call_id,
        call_month=head.call_month,
        tenant=head.tenant,
        number=number,
        call_type=head.call_type,
        answer=said[-1].value,
        at=event.at,
        until=event.at + timedelta(days=call.call_type.remember_days),
    )
    return (row,)


def _word(item: Record) -> Remembered:
    """What ITEM says to the next call. Silence is no answer, nor is staying on; one that was only remembered does not
    renew itself."""
    how = item.data.get("how")
    match item.type:
        case Outcome.CONSENT_GRANTED if how == Turn.GRANT_EXPRESS.value:
            return Remembered.GRANTED
        case Outcome.CONSENT_REFUSED if how != Turn.HONOUR.value:
            return Remembered.REFUSED
        case Outcome.CONSENT_WITHDRAWN:
            return Remembered.REFUSED
        case _:
            return Remembered.NOTHING


@dataclass
class Memory:
    """A look-up: what a caller of TENANT answered the last time."""

    kept: Answers
    tenant: str

    def concerns(self, who: Endpoint, call_type: CallType, direction: str) -> bool:
        """Whether there is anything to ask about WHO."""
        return has_memory(call_type, direction, who.number)

    async def __call__(self, who: Endpoint, call_type: CallType) -> Found:
        """What still stands. Raises OSError where it cannot be read: then the call is asked as strictly as can be."""
        try:
            answer = await self.kept.answer_of(self.tenant, who.number, call_type.name, clock.read().wall)
        except (StoreDown, StoreRefused):
            raise ConnectionError("what is remembered cannot be read") from None
        return Found(answer=answer)
