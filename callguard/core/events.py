"""Facts, in the past tense: everything that can reach `step`, and the records that it writes down.

What belongs here: one frozen class a fact, of our ids and closed words only: personal data never enters a chained row.
What does not: what to do about it (step.py), the bytes that it came from (pbx/), how it is stored (store/). Those about
recordings are in recorded.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from callguard.core.fact import Event as Event
from callguard.core.recorded import LegSilent as LegSilent
from callguard.core.recorded import MaskAcknowledged as MaskAcknowledged
from callguard.core.recorded import MaskObserved as MaskObserved
from callguard.core.recorded import RecordingAcknowledged as RecordingAcknowledged
from callguard.core.recorded import RecordingBlanked as RecordingBlanked
from callguard.core.recorded import RecordingDamaged as RecordingDamaged
from callguard.core.recorded import RecordingDiscarded as RecordingDiscarded
from callguard.core.recorded import RecordingEvent as RecordingEvent
from callguard.core.recorded import RecordingGrowing as RecordingGrowing
from callguard.core.recorded import RecordingLost as RecordingLost
from callguard.core.recorded import RecordingOpened as RecordingOpened
from callguard.core.recorded import RecordingVerified as RecordingVerified
from callguard.core.recorded import StopAcknowledged as StopAcknowledged
from callguard.core.recorded import StopObserved as StopObserved
from callguard.core.recorded import UnmaskAcknowledged as UnmaskAcknowledged
from callguard.core.recorded import UnmaskObserved as UnmaskObserved
from callguard.core.word import Action as Action
from callguard.core.word import Cause as Cause
from callguard.core.word import Link as Link
from callguard.core.word import Presence as Presence
from callguard.core.word import Reason as Reason
from callguard.core.word import Remembered as Remembered
from callguard.core.word import Role as Role
from callguard.core.word import Script as Script


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(Event):
    """The first channel of a call asked to be told. `answered`: it is up; `waiting`: in our application, not on its way
    into a bridge; `faults`: what was missing then; `head`: digest of the call's head row: the chain covers it too;
    `least_privilege`: we may start no recorder, the dialplan does; `halted`: an operator wants no recording of it;
    `hushes`: a line ends with its recording; calls that do not say so were heard before it did; `dialplan`: the version
    of the dialplan that brought it here, as that says.

    `codes`: where the far party may be (ISO codes), `evidence`: from what; `site`: where the agents of this call are
    taken to be; `pending`: a look-up runs, and `PartyIdentified` tells what came of it; `language`, `chosen`: what is
    spoken, and why; `wrong_end`: it is the agent's own channel, before the far party was dialled.
    """

    type = "call_started"
    answered: bool = True
    waiting: bool = True
    direction: str = "inbound"
    known_call_type: bool = True
    codes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    pending: bool = False
    language: str = ""
    chosen: str = ""
    faults: tuple[Link, ...] = ()
    head: str = ""
    wrong_end: bool = False
    least_privilege: bool = False
    halted: bool = False
    hushes: bool = False
    dialplan: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSeen(Event):
    """A channel of this call exists. `pair`: the other half of a Local channel."""

    type = "channel_seen"
    role: Role = Role.GUEST
    pair: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelEntered(Event):
    """The channel, which is to come into this call, waits in our application: nobody of the call hears it yet."""

    type = "channel_entered"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAnswered(Event):
    """The channel is up."""

    type = "channel_answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLeft(Event):
    """The channel left our application and runs in the dialplan again."""

    type = "channel_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHeld(Event):
    """The party at this channel put the other side on hold."""

    type = "channel_held"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelUnheld(Event):
    """The hold ended."""

    type = "channel_unheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHungUp(Event):
    """The channel is gone. `cause`: Q.850."""

    type = "channel_hung_up"
    cause: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridged(Event):
    """The channel entered a bridge."""

    type = "bridged"
    bridge_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbridged(Event):
    """The channel left a bridge."""

    type = "unbridged"
    bridge_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningStarted(Event):
    """The channel hears another one, `heard_id`, without being in a bridge with it: a supervisor, a spy."""

    type = "listening_started"
    heard_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningEnded(Event):
    """It does not any more."""

    type = "listening_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyIdentified(Event):
    """Who is at the channel became known, or more about it. `party_id` is ours, '' when it was said before.

    `codes`: where the party may be (ISO codes), `evidence`: from what; `answer`: what it said the last time; `known`:
    a customer record names it.
    """

    type = "party_identified"
    party_id: str = ""
    role: Role = Role.GUEST
    codes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    answer: Remembered = Remembered.NOTHING
    known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeStarted(Event):
    """A prompt began to play. `prompt` names the audio: id, language, text version, sha256."""

    type = "notice_started"
    script: Script = Script.NOTICE
    prompt: str = ""
    language: str = ""
    text_version: str = ""
    audio_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeEnded(Event):
    """A prompt was played to its end on a channel that is still up (PlaybackFinished, state done)."""

    type = "notice_ended"
    script: Script = Script.NOTICE
    prompt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFailed(Event):
    """A prompt was not played to its end. `reason` is one of our words."""

    type = "notice_failed"
    script: Script = Script.NOTICE
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitPressed(Event):
    """A key. 'x' stands for every key that means nothing where it was pressed."""

    type = "digit_pressed"
    digit: str = "x"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseSignalled(Event):
    """The dialplan, a payment page or a customer record says that a pause begins, or ends."""

    type = "pause_signalled"
    cause: Cause = Cause.VARIABLE
    on: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RogueRecordingSeen(Event):
    """Somebody else records this channel, or the bridge `bridge_id` that it is in or is about to come into."""

    type = "rogue_recording_seen"
    bridge_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMerged(Event):
    """A channel of another call now talks to this one. `agreed`: its party was told there, under the same call type,
    and has agreed by an answer of its own; `digits`: there the keys that it presses are kept out of files; `typed`:
    keys of a sequence that it has begun there; `codes`: where it sits if it is staff.
    """

    type = "call_merged"
    other_call_id: str = ""
    agreed: bool = False
    digits: bool = False
    typed: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLost(Event):
    """Something that we hang on is gone. `away_ms`: for so long before no controller heard of anybody, `unwatched_ms`:
    and no guard watched its recorders."""

    type = "link_lost"
    link: Link = Link.PBX
    away_ms: int = 0
    unwatched_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRestored(Event):
    """It is back, and what happened meanwhile has been fed in."""

    type = "link_restored"
    link: Link = Link.PBX


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlinePassed(Event):
    """A time that `step` asked to be woken at has come."""

    type = "deadline_passed"
    name: str = ""


LINK_LOST = "link lost"
"""Why a request was not sent."""
OVERTAKEN = "overtaken"
"""Why a start never reached the PBX, or an unmask: a mask or stop came before it was to be sent."""
NOT_RUNNING = "not running"
"""Why a request was not sent: the PBX's side knows no such recorder."""
NO_CHANNEL = "no such channel"
"""Why a start was refused: its channel hung up, and that is on its way to us."""
NOT_THERE = "not there"
"""Why a request about a channel failed: it hung up."""
GONE_ON = "gone on"
"""Why a request to send a party on was refused: it is in our application no more, somebody else led it away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFailed(Event):
    """A request was refused or could not be sent. `effect` is its class name, `reason` one of our words, or of those
    above, from which something follows."""

    type = "effect_failed"
    effect: str = ""
    recording_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActed(Event):
    """A person used the command line or the console. `operator` is an account id of this system.

    `channel_id`: whom it is about, '' the far party, or a visitor of whom its own call heard that; `reason`: why a
    pause ends; `note`: under which id words of their own lie, sealed; `presence`: who is on the line.
    """

    type = "operator_acted"
    action: Action = Action.PAUSE
    operator: str = ""
    reason: Reason = Reason.NOT_SAID
    note: str = ""
    presence: Presence = Presence.NOT_SAID


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentClosed(Event):
    """Somebody answered for an incident."""

    type = "incident_closed"
    incident: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexpected(Event):
    """Something that no table knows: written down, never acted on. `what` is the PBX's own word for its kind."""

    type = "unexpected"
    what: str = ""


def _leaves(kind: type[Event]) -> list[type[Event]]:
    below = [leaf for child in kind.__subclasses__() for leaf in _leaves(child)]
    return below or [kind] * bool(kind.type)  # slots make every class twice: the first make of a group has no leaves


FACTS: Mapping[str, type[Event]] = MappingProxyType({kind.type: kind for kind in _leaves(Event)})
"""Every fact by its type: what a stored row may be turned back into."""


class Outcome(StrEnum):
    """Types of the records that `step` itself writes: they follow from facts and are recomputed by a replay."""

    RULE_RESOLVED = "rule_resolved"
    RULE_REEVALUATED = "rule_reevaluated"
    CONSENT_GRANTED = "consent_granted"
    CONSENT_REFUSED = "consent_refused"
    CONSENT_SILENT = "consent_silent"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_VOID = "consent_void"
    ROSTER_CONFIRMED = "roster_confirmed"
    RECORDING_REQUESTED = "recording_requested"
    RECORDING_CONTINUED = "recording_continued"
    MASK_REQUESTED = "mask_requested"
    UNMASK_REQUESTED = "unmask_requested"
    STOP_REQUESTED = "stop_requested"
    PAUSE_STARTED = "pause_started"
    PAUSE_ENDED = "pause_ended"
    INCIDENT_OPENED = "incident_opened"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Record:
    """One derived row of the event log: an outcome, the channel that it is about, and closed words about it."""

    type: Outcome
    channel_id: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
