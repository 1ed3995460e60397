"""A call as a play: facts in with advancing time, and questions about what came of them.

What belongs here: builders and assertions in the field's own words, so that a test is a line. What does not: a test.
Every fact that is fed is also held against three promises: restrictive effects come first, the same fact gives the same
step, and a redacted fact gives the step of the original.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from callguard.core.call import Call, open_call
from callguard.core.consent import Standing
from callguard.core.effects import Effect, MeasureRecording, PlayPrompt, SendOn, StartRecording, WakeAt
from callguard.core.events import (
    Action,
    Bridged,
    CallStarted,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeft,
    ChannelSeen,
    ChannelUnheld,
    DeadlinePassed,
    DigitPressed,
    EffectFailed,
    Event,
    Link,
    LinkLost,
    LinkRestored,
    MaskAcknowledged,
    NoticeEnded,
    NoticeFailed,
    NoticeStarted,
    OperatorActed,
    Outcome,
    PartyIdentified,
    PauseSignalled,
    RecordingAcknowledged,
    RecordingDamaged,
    RecordingDiscarded,
    RecordingGrowing,
    RecordingLost,
    RecordingOpened,
    RecordingVerified,
    Role,
    Script,
    StopAcknowledged,
    StopObserved,
    Unbridged,
    UnmaskAcknowledged,
)
from callguard.core.jurisdiction import NOWHERE, RulePack
from callguard.core.outcome import Step
from callguard.core.policy import CallType, Mode, OnLogLoss, OnWithdrawal, Override
from callguard.core.purpose import Purpose
from callguard.core.recording import Mask, Recording, State
from callguard.core.row import Beep, Consent
from callguard.core.rules import STRICTEST
from callguard.core.step import redact, step
from callguard.core.word import Cause, Reason

CALL_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
START = datetime(2024, 5, 6, 9, 0, tzinfo=UTC)
FAR, AGENT, OTHER_AGENT, GUEST = "far", "agent", "agent2", "guest"

BOARD = Override("board decision 7", "the board", date(2099, 12, 31))
ASK = CallType(name="sales", purpose=Purpose.QA, agents=("PJSIP/agent*",))
KEEP = replace(ASK, on_withdrawal=OnWithdrawal.KEEP)
SPOOLED = replace(ASK, on_log_loss=OnLogLoss.KEEP)
ANNOUNCE = replace(ASK, mode=Mode.ANNOUNCE, override=BOARD)
NEVER = replace(ASK, mode=Mode.NEVER)
MILD, FIRM, STRICT = "XA", "XB", "XC"
"""Places: one party's consent is enough; all must agree, and staying on does; all must agree expressly."""
_ROW = STRICTEST.rows[NOWHERE]
PACK = RulePack(
    {
        NOWHERE: _ROW,
        STRICT: replace(_ROW, iso_code=STRICT),
        FIRM: replace(_ROW, iso_code=FIRM, express_required=False),
        MILD: replace(
            _ROW,
            iso_code=MILD,
            consent=Consent.ONE_PARTY,
            express_required=False,
            notice_required=False,
            beep_ok=Beep.NA,
        ),
    },
    {},
)
MODES = {Mode.ASK: ASK, Mode.ANNOUNCE: ANNOUNCE, Mode.NEVER: NEVER}


class Play:
    """One call. `last`: the newest step; `effects`: everything asked of the world so far, `wrote`: all outcomes."""

    def __init__(self, call_type: CallType = ASK, call: Call | None = None) -> None:
        self.call = call or open_call(CALL_ID, call_type, PACK)
        self.now = START
        self.last = Step(self.call)
        self.effects: list[Effect] = []
        self.wrote: list[Outcome] = []
        self.facts: list[Event] = []

    # ------------------------------------------------------------ facts
    def feed(self, kind: type[Event], channel_id: str = FAR, **values: Any) -> Self:
        """A fact, now."""
        return self.take(kind(at=self.now, channel_id=channel_id, **values))

    def take(self, event: Event) -> Self:
        done = step(self.call, event)
        assert done == step(self.call, event), "the same fact gives the same step"
        assert done == step(self.call, redact(self.call, event)), "step treats a redacted fact alike"
        restrictive = [effect.restrictive for effect in done.effects]
        assert restrictive == sorted(restrictive, reverse=True), "restrictive effects come first"
        self.call, self.last = done.call, done
        self.facts.append(event)
        self.effects += done.effects
        self.wrote += [record.type for record in done.records]
        return self

    def wait(self, seconds: float) -> Self:
        self.now += timedelta(seconds=seconds)
        return self

    def passes(self, name: str) -> Self:
        """The newest deadline of that name comes."""
        found = [effect.name for effect in self.effects if isinstance(effect, WakeAt)]
        full = next(item for item in reversed(found) if item.partition(":")[0] == name)
        return self.feed(DeadlinePassed, "", name=full)

    def feed_deadline(self, name: str) -> Self:
        """A deadline of this very name comes, asked for or not."""
        return self.feed(DeadlinePassed, "", name=name)

    def starts(self, **values: Any) -> Self:
        """A call between mild places, unless it says otherwise: with an announcing call type it is announced."""
        return self.feed(CallStarted, **{"codes": (MILD,), "site": (MILD,), "hushes": True, **values})

    def learns(self, channel_id: str = FAR, *codes: str, **values: Any) -> Self:
        """More about a party: where it may be."""
        return self.feed(PartyIdentified, channel_id, codes=codes, **values)

    def hears(self, script: Script = Script.NOTICE) -> Self:
        """The far party hears a prompt from its beginning to its end."""
        return self.begins(script).wait(3).ends(script)

    def begins(self, script: Script = Script.NOTICE, to: str = FAR) -> Self:
        return self.feed(NoticeStarted, to, script=script)

    def ends(self, script: Script = Script.NOTICE, to: str = FAR) -> Self:
        return self.feed(NoticeEnded, to, script=script)

    def fails(self, script: Script = Script.NOTICE, to: str = FAR, reason: str = "media") -> Self:
        return self.feed(NoticeFailed, to, script=script, reason=reason)

    def presses(self, keys: str, by: str = FAR, every: float = 0.5) -> Self:
        for key in keys:
            self.wait(every).feed(DigitPressed, by, digit=key)
        return self

    def answers(self, channel_id: str = FAR) -> Self:
        return self.feed(ChannelAnswered, channel_id)

    def leaves(self) -> Self:
        return self.feed(ChannelLeft)

    def sees(self, channel_id: str, role: Role, pair: str = "") -> Self:
        return self.feed(ChannelSeen, channel_id, role=role, pair=pair)

    def bridges(self, *channel_ids: str, bridge: str = "B1") -> Self:
        for channel_id in channel_ids:
            self.feed(Bridged, channel_id, bridge_id=bridge)
        return self

    def unbridges(self, channel_id: str, bridge: str = "B1") -> Self:
        return self.feed(Unbridged, channel_id, bridge_id=bridge)

    def holds(self, channel_id: str = AGENT) -> Self:
        return self.feed(ChannelHeld, channel_id)

    def unholds(self, channel_id: str = AGENT) -> Self:
        return self.feed(ChannelUnheld, channel_id)

    def hangs_up(self, channel_id: str = FAR) -> Self:
        return self.feed(ChannelHungUp, channel_id)

    def operator(self, action: Action, reason: Reason = Reason.NOT_SAID, about: str = "", **said: Any) -> Self:
        return self.feed(OperatorActed, about, action=action, operator="op1", reason=reason, **said)

    def signals(self, cause: Cause, on: bool = True, by: str = FAR) -> Self:
        """A machine asks for a pause, or for its end."""
        return self.feed(PauseSignalled, by, cause=cause, on=on)

    def loses(self, link: Link) -> Self:
        return self.feed(LinkLost, "", link=link)

    def restores(self, link: Link) -> Self:
        return self.feed(LinkRestored, "", link=link)

    def refused(
        self, effect: type[Effect], channel_id: str = FAR, segment: int | None = None, reason: str = "refused"
    ) -> Self:
        """The PBX says no to a request; SEGMENT: it was about that recording."""
        ids = {} if segment is None else {"recording_id": self.call.recordings[segment].recording_id}
        return self.feed(EffectFailed, channel_id, effect=effect.__name__, reason=reason, **ids)

    def recorder(self, kind: type[Event], segment: int = -1, **values: Any) -> Self:
        """A fact about a recording of this call."""
        return self.feed(kind, recording_id=self.call.recordings[segment].recording_id, **values)

    def acknowledged(self) -> Self:
        return self.recorder(RecordingAcknowledged)

    def opened(self) -> Self:
        return self.recorder(RecordingOpened)

    def growing(self) -> Self:
        """The file grows; by then the line in it was heard to its end."""
        if self.file.line_on:
            self.ends(Script.RECORDING_ON, to=self.file.line_on)
        return self.recorder(RecordingGrowing)

    def masked(self, offset: int = -1) -> Self:
        return self.recorder(MaskAcknowledged, offset_samples=offset)

    def unmasked(self, offset: int = -1) -> Self:
        return self.recorder(UnmaskAcknowledged, offset_samples=offset)

    def stopped(self, segment: int = -1) -> Self:
        return self.recorder(StopAcknowledged, segment)

    def whole(self, segment: int = -1) -> Self:
        return self.recorder(StopObserved, segment)

    def verified(self, segment: int = -1) -> Self:
        return self.recorder(RecordingVerified, segment)

    def damaged(self, segment: int = -1) -> Self:
        return self.recorder(RecordingDamaged, segment)

    def lost(self, segment: int = -1, lost_ms: int = 0) -> Self:
        return self.recorder(RecordingLost, segment, lost_ms=lost_ms)

    def discarded(self, segment: int = -1) -> Self:
        return self.recorder(RecordingDiscarded, segment)

    # ------------------------------------------------------------ the story so far, in one word
    def told(self) -> Self:
        """The notice was heard to its end."""
        return self.starts().hears()

    def granted(self) -> Self:
        """The far party was told and said yes."""
        return self.told().presses("1").leaves()

    def armed(self) -> Self:
        """Least privilege: granted, sent on with a silent recorder."""
        return self.starts(least_privilege=True).hears().presses("1").leaves().acknowledged().opened()

    def talking(self) -> Self:
        """Both are bridged, and a recording is requested."""
        return self.granted().sees(AGENT, Role.AGENT).bridges(FAR, AGENT)

    def recording(self) -> Self:
        """The file grows."""
        return self.talking().acknowledged().wait(0.1).opened().wait(2).growing()

    def joined_by(self, channel_id: str = GUEST, role: Role = Role.GUEST) -> Self:
        return self.sees(channel_id, role).bridges(channel_id)

    # ------------------------------------------------------------ what came of it
    @property
    def file(self) -> Recording:
        assert self.call.recording is not None
        return self.call.recording

    def count(self, kind: type[Effect]) -> int:
        return sum(isinstance(effect, kind) for effect in self.effects)

    def did(self, *kinds: type[Effect]) -> Self:
        """The last fact brought about exactly these effects, watches and alerts aside."""
        quiet = {"WakeAt", "Alert"}
        found = [type(effect).__name__ for effect in self.last.effects if type(effect).__name__ not in quiet]
        assert found == [kind.__name__ for kind in kinds]
        return self

    def said(self, *outcomes: Outcome) -> Self:
        """The last fact brought about exactly these records."""
        assert [record.type for record in self.last.records] == list(outcomes)
        return self

    def plays(self, script: Script, to: str = FAR, whisper: bool = False) -> Self:
        """The last fact asked for this prompt, and for no other."""
        prompts = [effect for effect in self.last.effects if isinstance(effect, PlayPrompt)]
        assert [(item.script, item.channel_id, item.whisper) for item in prompts] == [(script, to, whisper)]
        return self

    def stands(self, standing: Standing, channel_id: str = FAR) -> Self:
        assert self.call.channels[channel_id].standing is standing
        return self

    def is_state(self, state: State, segment: int = -1) -> Self:
        assert self.call.recordings[segment].state is state
        return self

    def is_mask(self, mask: Mask) -> Self:
        assert self.file.mask is mask
        return self

    def incident(self, kind: str) -> Self:
        """The last fact opened this incident, and no other."""
        rows = [record for record in self.last.records if record.type is Outcome.INCIDENT_OPENED]
        assert [row.data["incident"] for row in rows] == [kind]
        return self

    def is_unexpected(self) -> Self:
        assert self.last.records[-1].type is Outcome.UNEXPECTED and not self.last.effects
        return self

    def is_quiet(self) -> Self:
        """The last fact asked for nothing and wrote nothing."""
        assert not self.last.effects and not self.last.records
        return self

    def sent_on(self, times: int = 1) -> Self:
        assert self.count(SendOn) == times
        return self

    def never_recorded(self) -> Self:
        assert not self.count(StartRecording) and not self.call.recordings
        return self

    @property
    def measure(self) -> MeasureRecording:
        return next(effect for effect in reversed(self.effects) if isinstance(effect, MeasureRecording))


def play(call_type: CallType = ASK) -> Play:
    return Play(call_type)


PHASES: dict[str, Callable[[], Play]] = {
    "nothing": lambda: play(),
    "unanswered": lambda: play().starts(answered=False),
    "untold": lambda: play().starts(),
    "notifying": lambda: play().starts().begins(),
    "awaiting": lambda: play().told(),
    "asked again": lambda: play().told().wait(5).passes("answer").begins(Script.QUESTION),
    "last window": lambda: play().told().wait(5).passes("answer").hears(Script.QUESTION),
    "opt-out window": lambda: play(ANNOUNCE).told().leaves(),
    "never": lambda: play(NEVER).starts(),
    "granted": lambda: play().granted(),
    "requested": lambda: play().talking(),
    "growing": lambda: play().recording(),
    "masking": lambda: play().recording().joined_by(),
    "masked": lambda: play().recording().joined_by().masked(9000),
    "unmasking": lambda: play().recording().joined_by().masked(9000).hangs_up(GUEST),
    "paused": lambda: play().recording().presses("*8", by=AGENT).masked(9000),
    "alone": lambda: play().recording().hangs_up(AGENT),
    "log kept": lambda: play(SPOOLED).recording().loses(Link.LOG).masked().passes("spooled").unmasked(),
    "stopping": lambda: play().recording().presses("*7"),
    "stopped": lambda: play().recording().presses("*7").stopped(),
    "second segment": lambda: play().recording().whole().acknowledged().opened(),
    "refused": lambda: play().told().presses("2").hears(Script.REFUSAL).leaves(),
    "lost": lambda: play().recording().lost(),
    "gone": lambda: play().recording().hangs_up(),
    "arming": lambda: play().starts(least_privilege=True).hears().presses("1"),
    "armed": lambda: play().armed(),
    "armed in the opt-out window": lambda: play(ANNOUNCE).starts(least_privilege=True).hears().leaves(),
    "first sound": lambda: play().armed().sees(AGENT, Role.AGENT).bridges(FAR, AGENT),
    "over": lambda: play().recording().hangs_up(AGENT).hangs_up().stopped().whole().verified(),
}
"""A call in every phase that it can be in."""
