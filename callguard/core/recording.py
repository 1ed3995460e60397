"""One recording: its life, and whether it is masked, as two tables.

What belongs here: states of a recording (contract: states of a recording) and what moves them. What does not: whether
there should be one at all (quorum.py), the recorder itself (pbx/), the file (audio/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from callguard.core.recorded import UnmaskObserved


class State(StrEnum):
    """The life of a recording. "The PBX said OK" is `acknowledged`; `growing` is the first proof."""

    REQUESTED = "requested"
    ACKNOWLEDGED = "acknowledged"
    OPENED = "opened"
    GROWING = "growing"
    STOPPING = "stopping"
    STOPPED = "stopped"
    VERIFIED = "verified"
    DAMAGED = "damaged"
    LOST = "lost"
    DISCARDED = "discarded"

    @property
    def runs(self) -> bool:
        """Whether the recorder may still write sound."""
        return self in RUNNING

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected of it."""
        return self in (State.VERIFIED, State.DAMAGED, State.LOST, State.DISCARDED)


RUNNING = (State.REQUESTED, State.ACKNOWLEDGED, State.OPENED, State.GROWING)


class Mask(StrEnum):
    """Whether sound reaches the file. `masking`, `unmasking`: requested, not acknowledged."""

    OFF = "off"
    MASKING = "masking"
    ON = "on"
    UNMASKING = "unmasking"


RECORDER_DIED = "recorder died"
"""The finding of a file that nobody finished: its header states no length."""

FILE_GONE = "file gone"
"""Why a recording is lost whose files were there before. After its end that proves nothing: they are joined then."""


class Sign(StrEnum):
    """What can happen to a recording: types of facts, and our own request to stop. `died`: the recorder did, with a
    file whose header says nothing: what there is of it is repaired and measured."""

    ACKNOWLEDGED = "recording_acknowledged"
    OPENED = "recording_opened"
    GROWING = "recording_growing"
    STOP_REQUESTED = "stop_requested"
    STOP_ACKNOWLEDGED = "stop_acknowledged"
    STOP_OBSERVED = "stop_observed"
    CHANNEL_GONE = "channel_gone"
    VERIFIED = "recording_verified"
    DAMAGED = "recording_damaged"
    LOST = "recording_lost"
    DISCARDED = "recording_discarded"
    OVERTAKEN = "overtaken"
    DIED = "died"


_A, _B = State, Sign

LIFE: Mapping[tuple[State, Sign], State] = MappingProxyType(
    {
        (_A.REQUESTED, _B.ACKNOWLEDGED): _A.ACKNOWLEDGED,
        (_A.REQUESTED, _B.OPENED): _A.OPENED,
        (_A.ACKNOWLEDGED, _B.OPENED): _A.OPENED,
        (_A.OPENED, _B.ACKNOWLEDGED): _A.OPENED,  # the file can be seen before the answer is read
        (_A.OPENED, _B.GROWING): _A.GROWING,
        (_A.GROWING, _B.GROWING): _A.GROWING,
        (_A.STOPPING, _B.GROWING): _A.STOPPING,
        (_A.STOPPING, _B.ACKNOWLEDGED): _A.STOPPING,
        (_A.STOPPING, _B.OPENED): _A.STOPPING,
        (_A.STOPPED, _B.ACKNOWLEDGED): _A.STOPPED,
        (_A.STOPPED, _B.OPENED): _A.STOPPED,
        (_A.STOPPED, _B.GROWING): _A.STOPPED,
        (_A.STOPPED, _B.STOP_ACKNOWLEDGED): _A.STOPPED,
        (_A.STOPPED, _B.STOP_OBSERVED): _A.STOPPED,
        (_A.STOPPED, _B.CHANNEL_GONE): _A.STOPPED,
        (_A.STOPPED, _B.VERIFIED): _A.VERIFIED,
        (_A.STOPPED, _B.DAMAGED): _A.DAMAGED,
        (_A.STOPPED, _B.LOST): _A.LOST,
        (_A.STOPPED, _B.DISCARDED): _A.DISCARDED,
        (_A.REQUESTED, _B.OVERTAKEN): _A.DISCARDED,  # it never started: there is nothing to keep
        (_A.STOPPING, _B.OVERTAKEN): _A.DISCARDED,
        (_A.STOPPED, _B.OVERTAKEN): _A.DISCARDED,
        (_A.STOPPING, _B.STOP_ACKNOWLEDGED): _A.STOPPED,
        (_A.STOPPING, _B.STOP_OBSERVED): _A.STOPPED,
        (_A.STOPPING, _B.CHANNEL_GONE): _A.STOPPED,
        (_A.STOPPING, _B.LOST): _A.LOST,
        (_A.STOPPING, _B.DAMAGED): _A.STOPPING,  # the verdict comes when the file is whole
        (_A.VERIFIED, _B.DISCARDED): _A.DISCARDED,  # a withdrawal takes earlier segments with it
        (_A.DAMAGED, _B.DISCARDED): _A.DISCARDED,
        (_A.LOST, _B.STOP_ACKNOWLEDGED): _A.LOST,
        (_A.LOST, _B.STOP_OBSERVED): _A.LOST,
        (_A.LOST, _B.CHANNEL_GONE): _A.LOST,
        (_A.LOST, _B.LOST): _A.LOST,
    }
    | {(state, _B.DIED): _A.STOPPED for state in (*RUNNING, _A.STOPPING, _A.STOPPED)}
    | {(state, _B.STOP_REQUESTED): _A.STOPPING for state in RUNNING}
    | {(state, _B.STOP_ACKNOWLEDGED): _A.STOPPED for state in RUNNING}  # the guard stopped it
    | {(state, _B.STOP_OBSERVED): _A.STOPPED for state in RUNNING}
    | {(state, _B.CHANNEL_GONE): _A.STOPPED for state in RUNNING}  # a recorder ends with its channel
    | {(state, _B.DAMAGED): state for state in RUNNING}
    | {(state, _B.LOST): _A.LOST for state in RUNNING}
    | {(state, _B.CHANNEL_GONE): state for state in (_A.VERIFIED, _A.DAMAGED, _A.DISCARDED)}
    | {(state, _B.STOP_OBSERVED): state for state in (_A.VERIFIED, _A.DAMAGED)}  # said again after a takeover
)
"""(state, sign) -> state. A pair that is not here changes nothing and is written down as unexpected."""


class Touch(StrEnum):
    """What can happen to a mask."""

    WANT_SILENCE = "want_silence"
    WANT_SOUND = "want_sound"
    MASK_ACKNOWLEDGED = "mask_acknowledged"
    UNMASK_ACKNOWLEDGED = "unmask_acknowledged"


MASKS: Mapping[tuple[Mask, Touch], Mask] = MappingProxyType(
    {
        (Mask.OFF, Touch.WANT_SILENCE): Mask.MASKING,
        (Mask.OFF, Touch.WANT_SOUND): Mask.OFF,
        (Mask.OFF, Touch.UNMASK_ACKNOWLEDGED): Mask.OFF,
        (Mask.MASKING, Touch.WANT_SILENCE): Mask.MASKING,
        (Mask.MASKING, Touch.WANT_SOUND): Mask.MASKING,  # first the answer to the mask, then the unmask
        (Mask.MASKING, Touch.MASK_ACKNOWLEDGED): Mask.ON,
        (Mask.MASKING, Touch.UNMASK_ACKNOWLEDGED): Mask.MASKING,  # of the unmask that this mask overtook
        (Mask.ON, Touch.WANT_SILENCE): Mask.ON,
        (Mask.ON, Touch.WANT_SOUND): Mask.UNMASKING,
        (Mask.ON, Touch.MASK_ACKNOWLEDGED): Mask.ON,
        (Mask.UNMASKING, Touch.WANT_SILENCE): Mask.MASKING,
        (Mask.UNMASKING, Touch.WANT_SOUND): Mask.UNMASKING,
        (Mask.UNMASKING, Touch.UNMASK_ACKNOWLEDGED): Mask.OFF,
    }
)
"""(mask, touch) -> mask."""


RATE = 8000
"""Samples per second of a file."""
WAITS = RATE // 2
"""Samples of sound that Asterisk lets wait for a recorder; what is older it throws away."""
CLOCKS_AGREE = 0.5
"""Seconds by which the wall clock and a steady one may differ about a recording although nobody set either."""
NOTHING = 0.25
"""Seconds by which a masked stretch may be shorter than it lasted, for no reason but that nobody looks all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A masked stretch of a file in samples; `end` -1 while it lasts. Not `sure`: it was placed by the wall clock, and
    may lie before the file's begin or behind its end if that was set."""

    start: int
    end: int = -1
    sure: bool = field(default=True, compare=False)

    @property
    def inside(self) -> Span:
        """What of it does not lie before the file's begin."""
        return replace(self, start=max(0, self.start), end=self.end if self.end == -1 else max(0, self.end))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One segment. `channel_id`: what the recorder hangs on; `requested_mask`: which request waits for its answer;
    `unmasks`: how many of them were to let sound in;
    `ended_alone`: somebody else stopped it, or the PBX did; `preflight`: the verdict under which it was started;
    `company`: who was there when it began; `swapped`: it hangs on a channel of theirs; `handed_on`: it was stopped for
    another segment, `one_sided`: having missed a side for so many milliseconds; `line_owed`: who left in its line;
    `line_on`: at whose channel its line plays, `line_off`: where that was told to end;
    `blanks`: from where on to where a pause was asked for: what has to go with it; `due`: where it had to be
    silent. `defiant`: its stop was refused, and this watch asks again; `whole`: its files are; `unasked`: nobody was
    asked for their verdict yet, for what is heard next may take sound out of them. `masked_at`: when the mask that
    lasts was acknowledged; `stood`: seconds that it stood still under masks, `fallen`: that it is behind the clock at
    all, those included; `set_by`: that the wall clock was set forward; `doubts`: where what was said under a mask may
    have been written behind it; `stopped_after`: so many samples by a clock that nobody sets, -1 where it told none.
    """

    recording_id: str
    segment_no: int
    channel_id: str
    state: State = State.REQUESTED
    mask: Mask = Mask.OFF
    requested_mask: int = 0
    unmasks: int = 0
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    stopped_after: int = -1
    line_at: datetime | None = None
    spans: tuple[Span, ...] = ()
    blanks: tuple[Span, ...] = ()
    due: tuple[Span, ...] = ()
    doubts: tuple[Span, ...] = ()
    condemned: bool = False
    ended_alone: bool = False
    defiant: int = 0
    whole: bool = False
    unasked: bool = False
    preflight: str = ""
    company: tuple[str, ...] = ()
    swapped: bool = False
    handed_on: bool = False
    one_sided: int = 0
    line_owed: str = ""
    line_on: str = ""
    line_off: str = ""
    masked_at: datetime | None = None
    stood: float = 0.0
    fallen: float = 0.0
    set_by: float = 0.0

    @property
    def shown(self) -> str:
        """The state as the contract names it: a running recording whose mask is on is `masked`."""
        return "masked" if self.state.runs and self.mask is Mask.ON else self.state.value

    @property
    def written_side(self) -> str:
        """The file of what is played towards the channel that the recorder hangs on."""
        return "left" if self.swapped else "right"

    @property
    def is_told_to_stop(self) -> bool:
        """Whether it was told to stop and has not said that it did: one whose start failed, too, may run."""
        return self.state is State.STOPPING or (self.state is State.LOST and self.stopped_at is None)

    @property
    def is_unmeasured(self) -> bool:
        """Whether it was told to stop, or was stopped by somebody, and its file is not held against the log yet."""
        return self.state in (State.STOPPING, State.STOPPED) and (self.unasked or not self.whole)

    @property
    def is_doomed(self) -> bool:
        """Whether it is still there, and has to go."""
        return self.condemned and self.state in (State.VERIFIED, State.DAMAGED)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is expected of it, a receipt included."""
        return self.state.is_final and not self.is_doomed

    @property
    def never_heard(self) -> bool:
        """Whether it was silent from its first sample, and still is: an unmask asked for may have been done."""
        return self.mask is Mask.ON and self.spans == (Span(start=0),) and not self.unmasks

    @property
    def never_unmasked(self) -> Recording:
        """Its unmask waited when a stop or its end came, and was never sent."""
        return replace(self, mask=Mask.ON, unmasks=self.unmasks - 1) if self.mask is Mask.UNMASKING else self

    def with_span_open(self, offset: int, at: datetime | None) -> Recording:
        """A masked stretch begins at OFFSET, unless one lasts already or nobody knows where. AT: when, where OFFSET is
        the recorder's own word, so that the file can be held against the clock from there on."""
        if offset < 0 or (self.spans and self.spans[-1].end < 0):
            return self
        return replace(self, spans=(*self.spans, Span(start=offset)), masked_at=at)

    def with_span_closed(self, offset: int, at: datetime | None) -> Recording:
        """The masked stretch that lasts ends at OFFSET; one too short to be told apart is none. AT: as above."""
        if not self.spans or self.spans[-1].end >= 0:
            return self
        last, stood = replace(self.spans[-1], end=offset), self.stood_until(offset, at) if at else self.stood
        return replace(self, spans=(*self.spans[:-1], last) if offset > last.start else self.spans[:-1], stood=stood)

    def place(self, at: datetime) -> int:
        """The sample of a moment by the wall clock, of a recorder that was started."""
        started = self.started_at or at
        return round(((at - started).total_seconds() - self.set_by - max(self.stood, self.fallen)) * RATE)

    def told(self, offset: int, at: datetime) -> Recording:
        """The recorder says which sample it was at that moment, by a clock that nobody sets. Where the wall clock says
        another one it was set, and what it placed since the last such word is placed anew. What a mask's end comes
        short by may be that the file stood still instead."""
        lasts = self.spans[-1:] and self.spans[-1].end < 0
        off = offset - self.place(at) if offset >= 0 and self.started_at else 0
        off = 0 if abs(off) <= CLOCKS_AGREE * RATE or (lasts and off < 0) else off
        return replace(
            self,
            set_by=self.set_by - off / RATE,
            blanks=tuple(_anew(item, item.end, off, offset) for item in self.blanks),
            due=tuple(_anew(item, item.start, off, offset) for item in self.due),
        )

    def fell(self, seconds: float, since: int) -> Recording:
        """It fell behind the clock somewhere behind the sample SINCE: what is known to lie there may lie that much
        sooner. A mask is held to be no longer than it is for sure, and what has to go no shorter. Where a slow disk
        held it up, what waited under a mask was written as if said behind it: nobody knows yet, so that goes too."""
        fallen, samples = max(0.0, self.fallen + seconds), round(seconds * RATE)
        if samples < 0:
            return replace(self._caught_up(-samples, since + samples), fallen=fallen)
        spans = tuple(replace(item, end=_sooner(item.end, since, samples, item.start)) for item in self.spans)
        pairs = zip(spans, self.spans, strict=True)
        return replace(
            self,
            fallen=fallen,
            spans=spans,
            blanks=tuple(replace(item, start=_sooner(item.start, since, samples)) for item in self.blanks),
            due=tuple(replace(item, start=_sooner(item.start, since, samples)) for item in self.due),
            doubts=(*self.doubts, *(Span(start=now.end, end=was.end) for now, was in pairs if now.end < was.end)),
        )

    def observed(self, type: str, place: int) -> Recording:
        """Sound came back at that PLACE of the file: what it fell behind before that is missing under the mask, and
        what had waited under it is over soon."""
        doubt = self.doubts[-1] if type == UnmaskObserved.type and self.doubts else None
        if doubt is None or not doubt.start - WAITS <= place < doubt.end:  # our clock may be late by some of that
            return self
        ends = replace(doubt, end=max(doubt.start, min(doubt.end, place + WAITS)))
        return replace(self, doubts=(*self.doubts[:-1], ends), stood=self.stood + (doubt.end - place) / RATE)

    def _caught_up(self, samples: int, since: int) -> Recording:
        """It had only waited to be written: what was placed behind SINCE meanwhile lies so much later."""
        lasts = self.spans[-1:] and self.spans[-1].end < 0 and self.spans[-1].start > since
        waited = timedelta(seconds=samples / RATE if lasts else 0.0)
        ended = [item.end for item in self.spans if item.end > since]
        return replace(
            self,
            spans=tuple(replace(item, start=_later(item.start, since, samples, item.end)) for item in self.spans),
            blanks=tuple(replace(item, end=_later(item.end, since, samples)) for item in self.blanks),
            due=tuple(replace(item, end=_later(item.end, since, samples)) for item in self.due),
            doubts=(*self.doubts, *(Span(start=end, end=end + samples) for end in ended)),
            masked_at=self.masked_at and self.masked_at + waited,
            stood=max(0.0, self.stood - samples / RATE),
        )

    def stood_at_end(self, length: int, at: datetime) -> float:
        """The same of a file that ended with so many samples. Under an unmask that was not answered yet, what is
        missing may be sound."""
        return self.stood if self.mask is Mask.UNMASKING else self.stood_until(length, at)

    def stood_until(self, offset: int, at: datetime) -> float:
        """Seconds that it stood still under masks, were the one that lasts to end at OFFSET: FreeSWITCH writes nothing
        while a channel is on hold. What is missing there was silence.
        """
        last = self.spans[-1] if self.spans else None
        if self.masked_at is None or last is None or last.end >= 0 or offset < 0:
            return self.stood
        lacks = (at - self.masked_at).total_seconds() - max(0, offset - last.start) / RATE
        return self.stood + lacks if lacks > NOTHING else self.stood


def _anew(span: Span, moment: int, off: int, last: int) -> Span:
    """SPAN, which begins OFF samples later if the clock was set before its MOMENT: one that lies in the file up to LAST
    then. Otherwise it was set behind it."""
    if span.sure:
        return span
    agree = CLOCKS_AGREE * RATE
    off = off if -agree <= moment + off <= last + agree else 0
    return Span(start=span.start + off, end=span.end if span.end == -1 else span.end + off).inside


def _later(place: int, since: int, samples: int, most: int = -1) -> int:
    """PLACE, so many SAMPLES later where it lies behind SINCE, but not after MOST; -1: wherever that is."""
    later = place + samples if place > max(since, -1) else place
    return later if most < 0 else min(later, most)


def _sooner(place: int, since: int, samples: int, least: int = 0) -> int:
    """PLACE, so many SAMPLES sooner where it lies behind SINCE, but not before LEAST."""
    return max(since, least, place - samples) if place > since else place
