"""One call type: what is promised about a kind of call, as frozen values.

What belongs here: its fields, what they answer, and their JSON. What does not: reading and checking them (field.py,
policy.py), what is still missing (complete.py), what happens on a call (call.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from callguard.core.purpose import (
    Basis,
    Beeping,
    Indicator,
    NumberPolicy,
    Output,
    PauseWarning,
    Purpose,
    Trigger,
    Trim,
    Use,
)


class Mode(StrEnum):
    """How consent is had, weakest first."""

    ANNOUNCE = "announce"
    ASK = "ask"
    NEVER = "never"

    @property
    def strictness(self) -> int:
        """never > ask > announce."""
        return list(Mode).index(self)


class OnWithdrawal(StrEnum):
    """What becomes of the audio from before a withdrawal."""

    DISCARD = "discard"
    KEEP = "keep"


class OnLogLoss(StrEnum):
    """What a recording does when Postgres is lost under it."""

    STOP = "stop"
    KEEP = "keep"


class OnRefusal(StrEnum):
    """What becomes of a third party that refuses."""

    UNRECORDED = "unrecorded"  # nothing is recorded while it is there
    LEAVE_OUT = "leave_out"  # it is not let in, or goes again


class Joins(StrEnum):
    """How third parties come into a call."""

    REACT = "react"  # at once: they are told in it, and masked until then
    GATE = "gate"  # whoever was told and agreed in a call of its own, under the same call type, is told already


class OnRogue(StrEnum):
    """What becomes of a recorder that is not ours."""

    REPORT = "report"
    STOP = "stop"


class Category(StrEnum):
    """What a call is about; everything but general gets a script of its own and never implied consent."""

    GENERAL = "general"
    SENSITIVE = "sensitive"
    PAYMENT = "payment"
    HEALTH = "health"
    HR = "hr"
    DISPUTE = "dispute"


WITHDRAW, PAUSE = "*7", "*8"
"""The shipped sequences: *0 to *4, #, ## and #72 are transfers, parking and recorders already."""
AGENT_KEYS = ("*5", "*6")
"""Those of `someone_else` and `cannot_consent` in the policy that `init` writes: no call type has them unsaid."""
_SEQUENCES = ("withdraw", "pause", "someone_else", "cannot_consent", "all_present")
SHORTEST_DAYS = 1
"""How long audio is kept where nothing says how long."""


@dataclass(frozen=True, slots=True)
class Override:
    """The named decision that allows `announce` although the rule says all-party. `expires`: its last day."""

    reason: str
    author: str
    expires: date

    def __str__(self) -> str:
        """How reasons quote it."""
        return self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class CallType:
    """One kind of call; docs/policy.md tells every field. None, '' and empty mean: not said.

    `agents`: shell patterns over endpoints ("PJSIP/agent*"). `retention`: days by output. `withdraw`, `pause`,
    `someone_else`, `cannot_consent`, `all_present`: key sequences; `notice`, `long_notice`: ids of prompts,
    `ask_notice`: where the mode announces and the law asks. `listeners_covered`: the notice says that staff may listen
    in. `language_keys`: a key during the notice to a language, `language_dids`: a called number, `language_countries`:
    a country. `roll_call`: nothing is recorded before somebody confirms who is on the line. `remember_days`: how long a
    refusal is known. `pause_reasons`: pauses are written down with their causes. `sample_percent`: so many calls of a
    hundred may be recorded. `beep_level_db`: of full scale. `closed_days`: how long something is kept after its last
    case was closed.
    """

    name: str
    purpose: Purpose | None = None
    uses: tuple[Use, ...] = ()
    unique_purpose: bool = False
    basis: Basis | None = None
    assessment: str = ""
    review: date | None = None
    owner: str = ""
    category: Category = Category.GENERAL
    agents: tuple[str, ...] = ()
    mode: Mode = Mode.ASK
    sample_percent: int = 100
    internal: Mode = Mode.NEVER
    override: Override | None = None
    site: str = ""
    hq: str = ""
    number_policy: NumberPolicy = NumberPolicy.HINT
    language: str = "en"
    languages: tuple[str, ...] = ()
    language_keys: Mapping[str, str] = field(default_factory=dict)
    language_dids: Mapping[str, str] = field(default_factory=dict)
    language_countries: Mapping[str, str] = field(default_factory=dict)
    notice: str = "notice-short"
    ask_notice: str = "notice-short"
    long_notice: str = "notice-long"
    outputs: tuple[Output, ...] = (Output.AUDIO,)
    retention: Mapping[str, int] = field(default_factory=dict)
    listen: tuple[str, ...] = ()
    export: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    alternative: str = ""
    must_record: bool = False
    minimum_days: int = 0
    closed_days: int = 0
    trim: Trim = Trim.NO
    pause_limit_s: int = 0
    pause_on: tuple[Trigger, ...] = tuple(Trigger)
    look_back_s: int = 5
    pause_warn_s: int = 90
    pause_warning: PauseWarning = PauseWarning.INCIDENT
    pause_reasons: bool = True
    attested: bool = True
    listeners_covered: bool = False
    remember_days: int = 0
    indicator: Indicator = Indicator.NONE
    beep: Beeping = Beeping.NEVER
    beep_every_s: int = 15
    beep_level_db: int = -20
    on_withdrawal: OnWithdrawal = OnWithdrawal.DISCARD
    on_log_loss: OnLogLoss = OnLogLoss.STOP
    on_refusal: OnRefusal = OnRefusal.UNRECORDED
    on_rogue: OnRogue = OnRogue.REPORT
    joins: Joins = Joins.REACT
    withdraw: str = WITHDRAW
    pause: str = PAUSE
    someone_else: str = ""
    cannot_consent: str = ""
    all_present: str = ""
    roll_call: bool = False

    @property
    def records(self) -> bool:
        """Whether any call of this type may be recorded."""
        return self.mode is not Mode.NEVER or self.internal is not Mode.NEVER

    @property
    def retention_days(self) -> int:
        """Days that audio is kept; the shortest where nothing is said."""
        return self.retention.get(Output.AUDIO, SHORTEST_DAYS)

    @property
    def spoken(self) -> tuple[str, ...]:
        """Every language that a call of this type may hear, the default first, each once."""
        further = (self.language_keys, self.language_dids, self.language_countries)
        chosen = [language for table in further for language in table.values()]
        return tuple(dict.fromkeys((self.language, *self.languages, *chosen)))

    @property
    def notices(self) -> tuple[str, ...]:
        """The ids of the notices that a call of this type may begin with."""
        return (self.notice, self.ask_notice) if self.mode is Mode.ANNOUNCE else (self.notice,)

    @property
    def sequences(self) -> Mapping[str, str]:
        """What people may press on a call, by what it means."""
        every = {key: getattr(self, key) for key in _SEQUENCES}
        return {key: sequence for key, sequence in every.items() if sequence}

    def is_agent(self, endpoint: str) -> bool:
        """Whether ENDPOINT ("PJSIP/agent1") belongs to staff of this call type."""
        return any(fnmatchcase(endpoint, pattern) for pattern in self.agents)

    def override_at(self, day: date) -> bool:
        """Whether an override stands on DAY, its last one included."""
        return self.override is not None and day <= self.override.expires

    def as_data(self) -> dict[str, Any]:
        """This call type as JSON; `stored_call_type` reads it back."""
        return {item.name: _json(getattr(self, item.name)) for item in fields(self)}


UNKNOWN = CallType(name="unknown", purpose=Purpose.NONE, mode=Mode.NEVER)
"""Stands in for a call type that the dialplan names and the policy lacks: the call goes on unrecorded."""


def _json(value: object) -> object:
    match value:
        case tuple():
            return [str(item) for item in value]
        case Mapping():
            return {str(key): item for key, item in value.items()}
        case Override():
            return {**asdict(value), "expires": value.expires.isoformat()}
        case date():
            return value.isoformat()
        case StrEnum():
            return value.value
        case _:
            return value
