"""What the engine asks of a PBX and of an event log: Protocols and the values that cross them.

What belongs here: shapes. What does not: behaviour of any one PBX or store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

from callguard.core.effects import Effect
from callguard.core.events import Event, Remembered, Script
from callguard.core.jurisdiction import RulePack


# ---------------------------------------------------------------- from a PBX
@dataclass(frozen=True, slots=True)
class Endpoint:
    """A channel as the PBX names it. Personal: never leaves memory, except encrypted (number, name).

    `name`: the PBX's channel name ("PJSIP/agent1-00000002"); `endpoint`: technology and account ("PJSIP/agent1");
    `number`, `display`: what the caller claims to be, hostile text; `words`: what the dialplan says about it (site,
    place, line, language, dialled, known)."""

    channel_id: str
    name: str
    endpoint: str
    answered: bool = False
    number: str = ""
    display: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up told about a party. `place`: an ISO code; `line`: landline, mobile or voip; `known`: a customer
    record names it; `answer`: what it said the last time."""

    place: str = ""
    line: str = ""
    known: bool = False
    answer: Remembered = Remembered.NOTHING


@dataclass(frozen=True, slots=True)
class Sighted:
    """A channel exists (created, or found while resyncing)."""

    at: datetime
    channel: Endpoint


@dataclass(frozen=True, slots=True)
class Entered:
    """A channel asks to be told. `args`: what the dialplan passed, unchecked; `waiting`: it waits in our application,
    else it is on its way into a bridge and is told there."""

    at: datetime
    channel: Endpoint
    args: tuple[str, ...] = ()
    waiting: bool = True


@dataclass(frozen=True, slots=True)
class Dialled:
    """A channel dials another: they belong to one call. `caller_id`: "" where nobody knows which one."""

    at: datetime
    caller_id: str
    peer_id: str


@dataclass(frozen=True, slots=True)
class Said:
    """A fact about a channel that needs no more knowledge than itself."""

    event: Event


@dataclass(frozen=True, slots=True)
class Link:
    """The connection to the PBX came up (`up`) or went down; nothing in between was heard, nor for `silent_ms` before,
    where it may have hung."""

    at: datetime
    up: bool
    silent_ms: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is true on the PBX now: all channels, all bridges (id -> channel ids), channels waiting in our application,
    who may listen to whom (id -> ids)."""

    at: datetime
    channels: tuple[Endpoint, ...]
    bridges: Mapping[str, tuple[str, ...]]
    waiting: frozenset[str]
    listeners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


Heard = Sighted | Entered | Dialled | Said | Link


class Playable(Protocol):
    """A prompt that a PBX can play. `path`: the audio as the PBX sees it; `sha256`: of its bytes, hex."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def language(self) -> str: ...  # noqa: D102
    @property
    def text_version(self) -> str: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def path(self) -> Path: ...  # noqa: D102


class Pbx(Protocol):
    """One PBX. Everything heard goes to the sink given to `run`, in the order in which the PBX said it."""

    async def run(self, sink: Callable[[Heard, Mapping[str, Any]], None]) -> None:
        """Keep the links up until cancelled. The second argument is the raw message ({} for our own outcomes)."""

    def set_prompts(self, channel_id: str, prompts: Mapping[Script, Playable]) -> None:
        """What to play on this channel for each script, until it hangs up."""

    def perform(self, effect: Effect) -> None:
        """Carry out EFFECT; never blocks. The outcome reaches the sink as a fact (`Said`).

        Requests about recordings reach the PBX in the order of the calls.
        """

    async def snapshot(self) -> Snapshot:
        """Ask the PBX what is there. Raises LinkDown."""


class Rescue(Protocol):
    """The guard's own link to a PBX: what it needs when the controller is gone, and nothing else."""

    @property
    def closed(self) -> Awaitable[None]:
        """Done when the link is lost."""

    async def stop(self, recording_id: str, channel_id: str, mark: str) -> bool | None:
        """Stop a recorder of ours; MARK: what the register keeps of it. Whether it is stopped; None: there is none."""

    async def waiting(self) -> tuple[str, ...]:
        """Channels that wait for the controller now, whether or not it ever heard of them."""

    async def send_on(self, channel_id: str) -> bool:
        """Send a waiting channel on, unrecorded. Whether it waits no more."""

    async def close(self) -> None:
        """Let go."""


# ---------------------------------------------------------------- to the event log
@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """The head of one call. `call_month`: first day of the month of its start; `rules`: policy embedded for replay."""

    call_id: str
    call_month: date
    tenant: str
    pbx_id: str
    direction: str
    call_type: str
    policy_version: str
    rule_pack: str
    policy: Mapping[str, Any]
    started_at: datetime
    linked_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One chained row of a call. `at`: the source's time; `recorded_at`, `monotonic_ns`: ours, when written.

    `derived`: computed by `step` from facts (a replay recomputes it). `data`: closed words and ids only.
    `decision`: state, effects and reasons of the step that a fact caused, covered by the same hash; None on derived
    rows.
    """

    call_id: str
    call_month: date
    seq: int
    event_id: str
    channel_id: str
    type: str
    derived: bool
    at: datetime
    recorded_at: datetime
    monotonic_ns: int
    clock_sync: bool
    offset_samples: int | None
    data: Mapping[str, Any]
    dedup: str
    decision: Mapping[str, Any] | None
    prev_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyRow:
    """A party and its personal values, in the clear only inside this process: the store encrypts under a key of the
    party."""

    call_id: str
    call_month: date
    party_id: str
    channel_id: str
    role: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """A raw PBX message, digits removed; the store encrypts it. Kept for days, not years."""

    call_id: str
    call_month: date
    seq: int
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow:
    """A recording as it stands now (upserted). `preflight_id`: the verdict under which it was started."""

    recording_id: str
    call_id: str
    call_month: date
    segment_no: int
    state: str
    expires_at: datetime
    preflight_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """Something that a human must look at. `closed_at` None while open; `call_id` '' where it is of no call."""

    incident_id: str
    call_id: str
    call_month: date
    kind: str
    opened_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """What the party with this NUMBER said to a call type. `answer`: refused or granted; `until`: when it is forgotten.

    The number is in the clear only inside this process: the store keeps a code that finds it again. The newest answer
    stands.
    """

    call_id: str
    call_month: date
    tenant: str
    number: str
    call_type: str
    answer: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer read back. `pseudonym`: the code of the number, 32 bytes; `call_id`: the call it was given in."""

    pseudonym: bytes
    call_type: str
    answer: Remembered
    at: datetime
    until: datetime
    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """All rows of one step: durable together or not at all. Appending the same batch twice adds nothing."""

    call: CallRow | None = None
    events: tuple[EventRow, ...] = ()
    parties: tuple[PartyRow, ...] = ()
    raw: tuple[RawRow, ...] = ()
    recordings: tuple[RecordingRow, ...] = ()
    incidents: tuple[IncidentRow, ...] = ()
    answers: tuple[AnswerRow, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call read back: its head, its rows in order of seq, its recordings and incidents, and the rules that it stood
    under; None where these are not in the log."""

    call: CallRow
    events: tuple[EventRow, ...]
    recordings: tuple[RecordingRow, ...] = ()
    incidents: tuple[IncidentRow, ...] = field(default=())
    rules: RulePack | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationRow:
    """One chained entry of the register: what a TENANT put into force, or what became of an incident. `kind`: "policy",
    "rules", "incident_closed", or "incident_opened" for one that is of no call.

    `version`: sha256 of the content, hex; `previous`: the one of the same kind before it, '' for the first. `content`:
    the policy as JSON, the ids of the incident; empty for rules, which the log keeps by version. `said`: "author" (an
    account or a name), "reason" and "salt" (hex), sealed under the key `key_id`, outside the chain; empty once that key
    was destroyed. `said_digest`: its sha256, in the chain.
    """

    tenant: str
    seq: int
    at: datetime
    kind: str
    version: str
    previous: str
    key_id: str
    said_digest: bytes
    said: Mapping[str, str]
    content: Mapping[str, Any]
    prev_hash: bytes
    hash: bytes


class Register(Protocol):
    """Where it stands what was in force when. Every method raises StoreDown when the store is away."""

    async def activate(self, row: ActivationRow, incident: IncidentRow | None = None) -> None:
        """Durable on return, with the INCIDENT that it opens or closes: both or neither. One that is there changes
        nothing; one that does not continue the register is StoreRefused."""

    async def activations(self, tenant: str) -> tuple[ActivationRow, ...]:
        """The whole register of TENANT in order of seq."""


class Answers(Protocol):
    """What callers said before, as far as it is remembered. Every method raises StoreDown when the store is away.

    NUMBER is the caller's as the PBX says it: a code of it is looked for, and it is written nowhere.
    """

    async def answer_of(self, tenant: str, number: str, call_type: str, at: datetime) -> Remembered:
        """What still stands of NUMBER's answer at AT."""

    async def answers(self, tenant: str) -> tuple[KeptAnswer, ...]:
        """All answers, expired ones too, the newest first."""

    async def answers_of(self, tenant: str, number: str) -> tuple[KeptAnswer, ...]:
        """The answers of one number, the newest first."""

    async def forget_answers(self, tenant: str, number: str) -> int:
        """Forget all answers of NUMBER. How many there were."""

    async def forget_expired(self, tenant: str, at: datetime) -> int:
        """Forget all answers that do not stand any more at AT. How many there were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which incidents are asked for: opened at `since` or later, open ones only, of one kind, of one call (our id)."""

    since: datetime | None = None
    open_only: bool = False
    kind: str = ""
    call_id: str | None = None


class EventLog(Protocol):
    """Where the evidence goes. Every method raises StoreDown when the store is not there or too slow."""

    async def append(self, batches: Sequence[Batch]) -> None:
        """Durable on return. A batch that is there already changes nothing."""

    async def keep_rules(self, pack: RulePack) -> None:
        """Durable on return: the rules that calls refer to by their version."""

    async def load(self, call_id: str) -> StoredCall | None:
        """The call with this id (or this PBX unique id or linkedid), or None."""

    def calls(self) -> AsyncIterator[CallRow]:
        """The heads of all calls, newest first."""

    async def known(self, recording_ids: Sequence[str]) -> frozenset[str]:
        """Which of RECORDING_IDS are recordings of ours."""

    async def wait_lost(self) -> None:
        """Return when the store has gone away."""

    async def close(self) -> None:
        """Let go."""
