"""The closed vocabularies of a call type: what a recording is for, on which basis, and what may come of it.

What belongs here: words and what each means. What does not: which of them a call type chose (profile.py).
"""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """Why a call is recorded: one a call type. There is no code for personal, other or unknown purposes."""

    QA = "qa"
    TRAINING = "training"
    DISPUTE = "dispute"
    COMPLIANCE = "compliance"
    ORDER_EVIDENCE = "order_evidence"
    SAFETY = "safety"
    INVESTIGATION = "investigation"
    NONE = "none"


class Use(StrEnum):
    """A further use that the notice discloses. What a call type does not list here is denied."""

    QA = "qa"
    TRAINING = "training"
    DISPUTE = "dispute"
    COMPLIANCE = "compliance"
    ORDER_EVIDENCE = "order_evidence"
    SAFETY = "safety"
    INVESTIGATION = "investigation"
    MARKETING = "marketing"
    AI_TRAINING = "ai_training"
    PERFORMANCE_SCORING = "performance_scoring"
    SALES_COACHING = "sales_coaching"
    AI_INFERENCE = "ai_inference"


CREEP = frozenset({Use.MARKETING, Use.AI_TRAINING, Use.PERFORMANCE_SCORING, Use.SALES_COACHING, Use.AI_INFERENCE})
"""Uses that never are a purpose of their own, and that private and sensitive calls are kept from."""


class Basis(StrEnum):
    """The lawful basis of a purpose (GDPR Article 6(1) a, b, c, f, d, e)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    LEGITIMATE_INTEREST = "legitimate_interest"
    VITAL_INTEREST = "vital_interest"
    PUBLIC_TASK = "public_task"


class Output(StrEnum):
    """What may come of a recorded call. What a call type does not list may not exist."""

    AUDIO = "audio"
    TRANSCRIPT = "transcript"
    SUMMARY = "summary"
    TAGS = "tags"


class NumberPolicy(StrEnum):
    """Whether a caller's number is a hint at a place or may be trusted to name it.

    `hint`: an area code is a state only for a landline or beside other evidence. `trust`: it always is.
    """

    HINT = "hint"
    TRUST = "trust"


class Trigger(StrEnum):
    """What pauses a recording without anybody's doing: a number that the far party types, a variable of the dialplan,
    a user event."""

    DIGITS = "digits"
    VARIABLE = "variable"
    EVENT = "event"


class Trim(StrEnum):
    """What becomes of the silence in a recording: nothing, a trimmed copy beside it, or one in its place."""

    NO = "no"
    BESIDE = "beside"
    INSTEAD = "instead"


class PauseWarning(StrEnum):
    """Who is told of a pause that lasts: the agent by the indicator, or somebody by an incident too."""

    AGENT = "agent"
    INCIDENT = "incident"


class Beeping(StrEnum):
    """On which recorded calls a tone says again and again that they are."""

    NEVER = "never"
    RULE = "rule"  # where the rule of the call takes a periodic tone
    ALWAYS = "always"


class Indicator(StrEnum):
    """What an agent is shown while the call is recorded."""

    NONE = "none"
    NAME = "name"
    TONE = "tone"
