"""One channel's consent, as a table that a lawyer can read.

What belongs here: standings, the signals that move them, and what each move means. What does not: recordings
(recording.py), the joint rule over all channels of a call (quorum.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from callguard.core.policy import Mode


class Standing(StrEnum):
    """Where a channel's party stands."""

    UNNOTIFIED = "unnotified"
    NOTIFYING = "notifying"
    AWAITING = "awaiting"
    GRANTED = "granted"
    REFUSED = "refused"
    EXEMPT = "exempt"

    @property
    def allows(self) -> bool:
        """Whether this party may be recorded."""
        return self in (Standing.GRANTED, Standing.EXEMPT)

    @property
    def is_open(self) -> bool:
        """Whether this party is being told or asked."""
        return self in (Standing.NOTIFYING, Standing.AWAITING)


class Signal(StrEnum):
    """What can happen to a standing."""

    STAFF = "staff"  # the party is an agent
    NOTICE_STARTED = "notice_started"
    NOTICE_ENDED = "notice_ended"
    NOTICE_FAILED = "notice_failed"
    QUESTION_ENDED = "question_ended"
    QUESTION_FAILED = "question_failed"
    YES = "yes"  # key 1
    NO = "no"  # key 2
    WITHDRAW = "withdraw"  # the withdrawal sequence, or an operator on the party's behalf
    WINDOW_CLOSED = "window_closed"  # the first window, without an answer
    LAST_WINDOW_CLOSED = "last_window_closed"
    MORE = "more"  # key 9: the long notice
    EXPLAINED = "explained"  # the long notice is over
    LANGUAGE = "language"  # a key that stands for another language
    RULE_GREW = "rule_grew"  # staying on was enough until now
    POINTLESS = "pointless"  # nothing of this call can be recorded any more, whatever it answers
    COMPANY = "company"  # somebody is with it who was never told
    REFUSED_BEFORE = "refused_before"  # a refusal that is still remembered
    AGREED_BEFORE = "agreed_before"  # in a call of its own, before it came into this one
    ATTESTED = "attested"  # it told the agent that it agrees, who says so
    ATTESTED_LATE = "attested_late"  # the same, after it had given no answer


class Turn(StrEnum):
    """What a move means for the call."""

    NOTHING = "nothing"
    OPEN_WINDOW = "open_window"
    ASK_AGAIN = "ask_again"
    OPEN_LAST_WINDOW = "open_last_window"
    GRANT_EXPRESS = "express_dtmf"
    GRANT_IMPLIED = "implied"
    GRANT_PRIOR = "express_prior"
    GRANT_ATTESTED = "express_agent_attested"
    REFUSE = "refuse"
    SILENCE = "silence"
    WITHDRAW = "withdraw"
    UNTOLD = "untold"
    EXPLAIN = "explain"
    TELL_AGAIN = "tell_again"
    LET_BE = "let_be"
    HONOUR = "remembered"


Key = tuple[Mode, Standing, Signal]
Move = tuple[Standing, Turn]

_S, _G, _T = Standing, Signal, Turn

_BOTH: dict[tuple[Standing, Signal], Move] = {
    (_S.UNNOTIFIED, _G.STAFF): (_S.EXEMPT, _T.NOTHING),
    (_S.UNNOTIFIED, _G.NOTICE_STARTED): (_S.NOTIFYING, _T.NOTHING),
    (_S.UNNOTIFIED, _G.NOTICE_ENDED): (_S.UNNOTIFIED, _T.UNTOLD),  # an end without a beginning proves nothing
    (_S.UNNOTIFIED, _G.NOTICE_FAILED): (_S.UNNOTIFIED, _T.UNTOLD),
    (_S.UNNOTIFIED, _G.WITHDRAW): (_S.REFUSED, _T.REFUSE),
    (_S.UNNOTIFIED, _G.REFUSED_BEFORE): (_S.REFUSED, _T.HONOUR),  # nobody is asked twice in vain
    (_S.NOTIFYING, _G.NOTICE_STARTED): (_S.NOTIFYING, _T.NOTHING),  # told once more
    (_S.NOTIFYING, _G.NOTICE_ENDED): (_S.AWAITING, _T.OPEN_WINDOW),
    (_S.NOTIFYING, _G.NOTICE_FAILED): (_S.UNNOTIFIED, _T.UNTOLD),
    (_S.NOTIFYING, _G.YES): (_S.NOTIFYING, _T.NOTHING),  # 1 counts only after the notice played to its end
    (_S.NOTIFYING, _G.NO): (_S.REFUSED, _T.REFUSE),  # 2 counts from its first moment
    (_S.NOTIFYING, _G.WITHDRAW): (_S.REFUSED, _T.REFUSE),
    (_S.UNNOTIFIED, _G.POINTLESS): (_S.UNNOTIFIED, _T.LET_BE),
    (_S.NOTIFYING, _G.POINTLESS): (_S.UNNOTIFIED, _T.LET_BE),
    (_S.AWAITING, _G.POINTLESS): (_S.UNNOTIFIED, _T.LET_BE),
    (_S.UNNOTIFIED, _G.COMPANY): (_S.UNNOTIFIED, _T.NOTHING),  # both will be told
    (_S.NOTIFYING, _G.COMPANY): (_S.NOTIFYING, _T.TELL_AGAIN),
    (_S.AWAITING, _G.COMPANY): (_S.NOTIFYING, _T.TELL_AGAIN),
    (_S.GRANTED, _G.COMPANY): (_S.NOTIFYING, _T.TELL_AGAIN),
    (_S.REFUSED, _G.COMPANY): (_S.REFUSED, _T.NOTHING),
    (_S.NOTIFYING, _G.MORE): (_S.NOTIFYING, _T.EXPLAIN),
    (_S.NOTIFYING, _G.EXPLAINED): (_S.NOTIFYING, _T.TELL_AGAIN),
    (_S.NOTIFYING, _G.LANGUAGE): (_S.NOTIFYING, _T.TELL_AGAIN),
    (_S.AWAITING, _G.MORE): (_S.NOTIFYING, _T.EXPLAIN),
    (_S.AWAITING, _G.LANGUAGE): (_S.NOTIFYING, _T.TELL_AGAIN),
    (_S.AWAITING, _G.NO): (_S.REFUSED, _T.REFUSE),
    (_S.AWAITING, _G.WITHDRAW): (_S.REFUSED, _T.REFUSE),
    (_S.GRANTED, _G.YES): (_S.GRANTED, _T.NOTHING),  # a key twice is one key
    (_S.GRANTED, _G.WITHDRAW): (_S.REFUSED, _T.WITHDRAW),
    (_S.REFUSED, _G.NO): (_S.REFUSED, _T.NOTHING),
    (_S.REFUSED, _G.WITHDRAW): (_S.REFUSED, _T.NOTHING),
    (_S.REFUSED, _G.NOTICE_FAILED): (_S.REFUSED, _T.NOTHING),  # the refusal itself cut the notice short
    (_S.REFUSED, _G.NOTICE_ENDED): (_S.REFUSED, _T.NOTHING),  # or came with its last word
    (_S.REFUSED, _G.QUESTION_FAILED): (_S.REFUSED, _T.NOTHING),
    (_S.REFUSED, _G.QUESTION_ENDED): (_S.REFUSED, _T.NOTHING),
    (_S.REFUSED, _G.EXPLAINED): (_S.REFUSED, _T.NOTHING),
    (_S.REFUSED, _G.WINDOW_CLOSED): (_S.REFUSED, _T.NOTHING),  # answered before its end
    (_S.REFUSED, _G.LAST_WINDOW_CLOSED): (_S.REFUSED, _T.NOTHING),
    (_S.GRANTED, _G.QUESTION_FAILED): (_S.GRANTED, _T.NOTHING),  # the answer cut the question short
    (_S.GRANTED, _G.QUESTION_ENDED): (_S.GRANTED, _T.NOTHING),
    (_S.GRANTED, _G.WINDOW_CLOSED): (_S.GRANTED, _T.NOTHING),
    (_S.GRANTED, _G.LAST_WINDOW_CLOSED): (_S.GRANTED, _T.NOTHING),
    (_S.EXEMPT, _G.STAFF): (_S.EXEMPT, _T.NOTHING),
}

_ASK: dict[tuple[Standing, Signal], Move] = {
    (_S.UNNOTIFIED, _G.AGREED_BEFORE): (_S.GRANTED, _T.GRANT_PRIOR),  # its own door was the gate to this call
    (_S.AWAITING, _G.YES): (_S.GRANTED, _T.GRANT_EXPRESS),
    (_S.AWAITING, _G.ATTESTED): (_S.GRANTED, _T.GRANT_ATTESTED),
    (_S.REFUSED, _G.ATTESTED_LATE): (_S.GRANTED, _T.GRANT_ATTESTED),  # silence alone can be mended so
    (_S.AWAITING, _G.WINDOW_CLOSED): (_S.AWAITING, _T.ASK_AGAIN),
    (_S.AWAITING, _G.QUESTION_ENDED): (_S.AWAITING, _T.OPEN_LAST_WINDOW),
    (_S.AWAITING, _G.QUESTION_FAILED): (_S.REFUSED, _T.SILENCE),
    (_S.AWAITING, _G.LAST_WINDOW_CLOSED): (_S.REFUSED, _T.SILENCE),  # silence is not consent
    (_S.NOTIFYING, _G.RULE_GREW): (_S.NOTIFYING, _T.TELL_AGAIN),  # it was told, not asked
    (_S.AWAITING, _G.RULE_GREW): (_S.AWAITING, _T.ASK_AGAIN),
    (_S.GRANTED, _G.RULE_GREW): (_S.AWAITING, _T.ASK_AGAIN),  # had stayed on; now it is asked
}

_ANNOUNCE: dict[tuple[Standing, Signal], Move] = {
    (_S.AWAITING, _G.YES): (_S.AWAITING, _T.NOTHING),  # 1 means nothing
    (_S.AWAITING, _G.LAST_WINDOW_CLOSED): (_S.GRANTED, _T.GRANT_IMPLIED),  # stayed on after the notice
}

TABLE: Mapping[Key, Move] = MappingProxyType(
    {(mode, *key): move for mode in Mode for key, move in _BOTH.items()}
    | {(Mode.ASK, *key): move for key, move in _ASK.items()}
    | {(Mode.ANNOUNCE, *key): move for key, move in _ANNOUNCE.items()}
)
"""(mode of the call, standing, signal) -> (standing, what it means). A pair that is not here changes nothing."""


def move(mode: Mode, standing: Standing, signal: Signal) -> Move | None:
    """The row for this pair, or None: then nothing changes and the signal is written down as unexpected."""
    return TABLE.get((mode, standing, signal))
