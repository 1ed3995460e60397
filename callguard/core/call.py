"""A call: its channels, its recording, and who can hear whom. Values and questions about them; nothing changes here.

What belongs here: state and predicates that read as sentences. What does not: what a fact does to a call (step.py),
whether it may be recorded (quorum.py).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from callguard.core.consent import Standing
from callguard.core.events import Link, Role, Script
from callguard.core.jurisdiction import RulePack
from callguard.core.policy import CallType, Mode
from callguard.core.purpose import Trigger
from callguard.core.recording import Recording
from callguard.core.rules import STRICTEST, UNRESOLVED, Rule
from callguard.core.word import Cause, Status

ALWAYS, NOT_YET = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""Before and behind every moment."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """The PBX's connection to one endpoint. `waiting`: in our application; `typed`: keys of a sequence so far;
    `keyed`: when keys that mean nothing here were pressed of late.

    `codes`: where its party may be. `shown`, `shown_in`: what an agent was shown last, in which bridge; `line`: which
    recording it hears of from the line for all.
    `playing`: the prompt that has to be heard to its end, under the watch `watch`; `told`: how often the telling began
    anew; `window`: which one waits for a third party's answer. `withdrew`: it agreed once; `owed`: the sentence about
    that waits for the stop; `visits`: it has a call of its own, `digits`: in which its keys are kept out of files.
    `silent`: refused by silence alone; `attested`: whose word its consent is. `listens`: the channel that it hears
    without being in a bridge with it. `stuck`: it could not be sent on, and this watch asks again. `asked_at`: a 1 from
    before this moment answers nothing: whoever stayed on and then has to be asked hears a question first.
    `retold`: the notice began anew before it had ended, and an end without a new beginning is that of the first one.
    """

    channel_id: str
    role: Role
    standing: Standing = Standing.UNNOTIFIED
    pair: str = ""
    bridge: str = ""
    answered: bool = False
    waiting: bool = False
    held: bool = False
    gone: bool = False
    typed: str = ""
    typed_at: datetime | None = None
    keyed: tuple[datetime, ...] = ()
    codes: tuple[str, ...] = ()
    shown: Status | None = None
    shown_in: str = ""
    line: str = ""
    playing: Script | None = None
    watch: int = 0
    told: int = 0
    window: int = 0
    withdrew: bool = False
    owed: bool = False
    visits: bool = False
    digits: bool = False
    silent: bool = False
    attested: str = ""
    listens: str = ""
    stuck: int = 0
    asked_at: datetime = ALWAYS
    retold: bool = False

    @property
    def is_asked(self) -> bool:
        """Whether its party is one to be told and asked: neither staff nor plumbing."""
        return self.role in (Role.FAR, Role.GUEST)

    @property
    def is_party(self) -> bool:
        """Whether a human or another system may listen here: plumbing is not a party."""
        return self.role is not Role.PLUMBING


class Reach(NamedTuple):
    """Whom the media of one channel reach: every channel, the parties among them, and those whom its party talks to."""

    connected: tuple[Channel, ...]
    hearers: tuple[Channel, ...]
    others: tuple[Channel, ...]


class Channels(dict[str, Channel]):
    """The channels of a call, by id. Never changed once made: what every fact asks of them many times is worked out
    once, and holds until one of them changes."""

    def having(self, channel: Channel) -> Channels:
        """These channels, with CHANNEL as it is now."""
        return Channels({**self, channel.channel_id: channel})

    @cached_property
    def live(self) -> tuple[Channel, ...]:
        """Channels that have not hung up."""
        return tuple(channel for channel in self.values() if not channel.gone)

    def reach(self, channel_id: str) -> Reach:
        """Whom this channel reaches, itself included: bridges, and the two halves of a Local channel."""
        known = self._reached.get(channel_id)
        if known is None:
            known = self._reached[channel_id] = self._reach(channel_id)
        return known

    @cached_property
    def _reached(self) -> dict[str, Reach]:
        return {}

    def _reach(self, channel_id: str) -> Reach:
        found: dict[str, Channel] = {}
        todo = [channel for channel in self.live if channel.channel_id == channel_id]
        while todo:
            here = todo.pop()
            if here.channel_id not in found:
                found[here.channel_id] = here
                todo += [other for other in self.live if _touches(here, other)]
        hearers = tuple(channel for channel in found.values() if channel.is_party)
        others = tuple(channel for channel in hearers if channel.channel_id != channel_id and not channel.listens)
        return Reach(tuple(found.values()), hearers, others)


@dataclass(frozen=True, kw_only=True)
class Call:
    """Channels that belong together, under one joint rule. `anchor`: the far party's channel, where the recorder hangs.

    `barred`: no recording may start in this call any more.
    `blind`: a mask could not be sent because the link to the PBX is gone: the recorder is to stop once it is back.
    `unguarded`: no guard was there for too long: the recorder is to stop, and none starts until one is there.
    `untold`: the far party was bridged at once and is told there; `pending`: its place is being looked up.
    `hushes`: the line that says so ends with its recording.
    `least_privilege`: the dialplan starts the recorder, silent, where the far party goes on; there is no second start.
    `known`: a customer record names the far party, and it agreed the last time: what it is told may be shorter.
    `site`: where the agents are taken to be.
    `causes`: what keeps the pause up; `pauses`: how often one was begun, `paused_at`: when the one that lasts;
    `forgotten`: it lasts so long that somebody was told.
    `preflights`: how many verdicts there were; the newest stands in `rule`. `orders_open`: what must be recorded is;
    `withheld`: the far party has heard that it is not.
    `roster`: who was on the line when that was last confirmed.
    `news`: what agents do not know yet (channel, bridge, status), `news_watch`: which watch times it.
    `beep_watch`: which watch times the next beep; `beepless`: one failed, which was told.
    `disputed`: somebody says that it is, or will be, about a dispute.
    `lost_at`: when the link to the PBX was lost the last time.
    `alerted`: an incident was opened since a link was lost the last time; `unasked`: others sent the far party on.
    `alone_since`: which watch times how long the far party has nobody to talk to; `alone_for_sure`: its grace ended.
    """

    call_id: str
    call_type: CallType
    rule: Rule
    channels: Channels = field(default_factory=Channels)
    anchor: str = ""
    recordings: tuple[Recording, ...] = ()
    causes: frozenset[Cause] = frozenset()
    faults: frozenset[Link] = frozenset()
    log_kept: bool = False
    barred: bool = False
    blind: bool = False
    unguarded: bool = False
    ticks: int = 0
    alone_since: int = 0
    alone_for_sure: bool = False
    internal: bool = False
    untold: bool = False
    pending: bool = False
    site: tuple[str, ...] = ()
    pack: RulePack = STRICTEST
    language: str = ""
    known: bool = False
    preflights: int = 0
    orders_open: bool = False
    withheld: bool = False
    pauses: int = 0
    paused_at: datetime | None = None
    forgotten: bool = False
    news: tuple[tuple[str, str, Status], ...] = ()
    news_watch: int = 0
    beep_watch: int = 0
    beepless: bool = False
    roster: frozenset[str] = frozenset()
    least_privilege: bool = False
    disputed: bool = False
    hushes: bool = False
    lost_at: datetime | None = None
    alerted: bool = False
    unasked: bool = False
    over: bool = False

    @property
    def mode(self) -> Mode:
        """ask, announce or never: the stricter of the call type's and the rule's."""
        return self.rule.mode

    @property
    def paused(self) -> bool:
        """Whether somebody or something wants no sound in the file for a while."""
        return bool(self.causes)

    @property
    def recording(self) -> Recording | None:
        """The newest segment."""
        return self.recordings[-1] if self.recordings else None

    @property
    def running(self) -> Recording | None:
        """The segment that is being recorded, if any."""
        return self.recording if self.recording and self.recording.state.runs else None

    @property
    def is_told_to_stop(self) -> bool:
        """Whether a recorder was told to stop and has not said that it did."""
        newest = self.recording
        return newest is not None and newest.is_told_to_stop

    @property
    def may_still_run(self) -> bool:
        """Whether a recorder runs, or may, although it was told to stop."""
        return self.running is not None or self.is_told_to_stop

    @property
    def is_out_of_reach(self) -> bool:
        """Whether a recorder may run on although it was asked to be silent or to stop."""
        return self.blind or self.is_told_to_stop

    def find(self, recording_id: str) -> Recording | None:
        """The segment with this id."""
        return next((item for item in self.recordings if item.recording_id == recording_id), None)

    @property
    def far(self) -> Channel | None:
        """The far party's channel, once seen."""
        return self.channels.get(self.anchor)

    def live(self) -> tuple[Channel, ...]:
        """Channels that have not hung up."""
        return self.channels.live

    def with_channel(self, channel: Channel) -> Call:
        """This call with CHANNEL as it is now."""
        return _with(self, channels=self.channels.having(channel))

    def change(self, channel_id: str, **values: Any) -> Call:
        """This call with other values on one channel, if it knows that channel."""
        known = self.channels.get(channel_id)
        changes = known is not None and any(getattr(known, name) != value for name, value in values.items())
        return self.with_channel(_with(known, **values)) if known and changes else self

    def with_recording(self, recording: Recording) -> Call:
        """This call with RECORDING as it is now."""
        rest = tuple(recording if item.recording_id == recording.recording_id else item for item in self.recordings)
        return _with(self, recordings=rest if recording in rest else (*rest, recording))

    def connected(self) -> tuple[Channel, ...]:
        """Channels whose media reach the far party, itself included."""
        return self.channels.reach(self.anchor).connected

    def hearers(self) -> tuple[Channel, ...]:
        """Every party, the far one included, that can hear the far one."""
        return self.channels.reach(self.anchor).hearers

    def entering(self) -> tuple[Channel, ...]:
        """Who waits in our application to come into this call: nobody hears it yet."""
        return tuple(channel for channel in self.live() if channel.waiting and channel.channel_id != self.anchor)

    def others(self) -> tuple[Channel, ...]:
        """The parties that the far one talks to: who listens only is none."""
        return self.channels.reach(self.anchor).others

    @property
    def hides_digits(self) -> bool:
        """Whether keys are kept out of this call's files: as its call type says, or that of somebody who came in."""
        return Trigger.DIGITS in self.call_type.pause_on or any(item.digits for item in self.channels.values())

    def segment_id(self) -> str:
        """The id of the next recording, from the call's id and the segment's number: a replay makes the same."""
        return str(uuid.uuid5(uuid.UUID(self.call_id), f"segment/{len(self.recordings)}"))

    def summary(self) -> dict[str, Any]:
        """State of this call as JSON, for the decision row."""
        return {
            "mode": self.mode.value,
            "standings": {channel.channel_id: channel.standing.value for channel in self.channels.values()},
            "recording": self.recording.shown if self.recording else "none",
            "mask": self.recording.mask.value if self.recording else "off",
            "segments": len(self.recordings),
            "paused": self.paused,
            "faults": sorted(self.faults),
            "barred": self.barred,
            "over": self.over,
        }


_T = TypeVar("_T", Call, Channel)


def _with(value: _T, **values: Any) -> _T:
    """As `dataclasses.replace`, in a tenth of the time: nearly every fact changes a channel, and so its call."""
    new = object.__new__(type(value))
    new.__dict__.update(value.__dict__, **values)
    return new


def _touches(one: Channel, other: Channel) -> bool:
    same_bridge = bool(one.bridge) and one.bridge == other.bridge
    listens = other.listens == one.channel_id or one.listens == other.channel_id
    return same_bridge or listens or other.channel_id == one.pair or one.channel_id == other.pair


def open_call(call_id: str, call_type: CallType, pack: RulePack = STRICTEST) -> Call:
    """A call of which nothing has been heard yet. CALL_ID: a UUID; PACK: the rules that it stands under."""
    return Call(call_id=call_id, call_type=call_type, rule=UNRESOLVED, pack=pack)
