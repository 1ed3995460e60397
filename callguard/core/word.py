"""Closed words that facts and effects carry: roles, links, scripts, actions.

What belongs here: enums without behaviour. What does not: the facts themselves (events.py).
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Who or what is at a channel's far end."""

    FAR = "far"  # the party on the other side of the organisation: left channel of a file
    AGENT = "agent"  # staff: exempt, right channel of a file
    GUEST = "guest"  # anybody else who can hear
    PLUMBING = "plumbing"  # Local halves, our own snoops: not a party


class Link(StrEnum):
    """What callguard hangs on; each may be lost and restored."""

    PBX = "pbx"
    LOG = "log"
    SPOOL = "spool"
    GUARD = "guard"
    DISK = "disk"
    VAULT = "vault"


class Script(StrEnum):
    """What a prompt is for."""

    NOTICE = "notice"
    QUESTION = "question"
    REFUSAL = "refusal"
    WITHDRAWAL = "withdrawal"
    RECORDING_ON = "recording_on"
    LONG_NOTICE = "long_notice"
    WITHHELD = "withheld"
    PAUSED = "paused"
    RESUMED = "resumed"
    NOT_RECORDED = "not_recorded"
    BEEP = "beep"  # a tone, and no words


class Status(StrEnum):
    """What an agent has to know about a call."""

    RECORDED = "recorded"
    PAUSED = "paused"
    STILL_PAUSED = "still_paused"  # so long that it may have been forgotten
    NOT_RECORDED = "not_recorded"


class Action(StrEnum):
    """What an operator can do to a live call."""

    PAUSE = "pause"
    RESUME = "resume"
    WITHDRAW = "withdraw"
    CONSENT = "consent"
    PRESENT = "present"
    STOP = "stop"
    DISPUTE = "dispute"


class Presence(StrEnum):
    """What an operator says about who is on the line."""

    NOT_SAID = ""
    ALL = "all"  # nobody but those who were told
    SOMEONE_ELSE = "someone_else"  # a person in the room, a loudspeaker
    CANNOT_CONSENT = "cannot_consent"  # a child, somebody who does not follow


class Cause(StrEnum):
    """What began a pause."""

    KEY = "key"  # the agent's sequence
    OPERATOR = "operator"  # the command line or the console
    DIGITS = "digits"  # the far party types a number
    VARIABLE = "variable"  # a channel variable of the dialplan
    EVENT = "event"  # a payment page or a customer record

    @property
    def is_automatic(self) -> bool:
        """Whether no person of ours chose the moment."""
        return self in (Cause.DIGITS, Cause.VARIABLE, Cause.EVENT)


class Reason(StrEnum):
    """Why a pause ended. The last four are nobody's to say."""

    NOT_SAID = ""
    PAYMENT_DONE = "payment_done"
    PRIVATE_DONE = "private_done"
    MISTAKE = "mistake"
    FORGOTTEN = "forgotten"
    OTHER = "other"
    AGENT_KEY = "agent_key"
    LIMIT = "limit"
    VARIABLE = "variable"
    EVENT = "event"


GIVEN = (Reason.PAYMENT_DONE, Reason.PRIVATE_DONE, Reason.MISTAKE, Reason.FORGOTTEN, Reason.OTHER)
"""What a person may give as the reason of a resume; `other` has words of its own."""


class Remembered(StrEnum):
    """What a party answered the last time, as far as it is still remembered."""

    NOTHING = ""
    REFUSED = "refused"
    GRANTED = "granted"
