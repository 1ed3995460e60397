"""The strictest of several rows, and the floor that it sets for a recording: two tables.

What belongs here: merging rows, and what may be done at which occasion. What does not: where the parties are
(place.py), what a call type adds (policy.py). This is the legal floor: even at `record` the shipped policy tells
everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from callguard.core.row import Beep, Confidence, Consent, Disputed, Row


class Occasion(StrEnum):
    """What happens on the call, for which the floor is asked."""

    START = "start"
    START_WITH_BEEP_ONLY = "start_with_beep_only"
    START_TELEMARKETING = "start_telemarketing"
    JOIN = "join"
    LEAVE = "leave"
    TRANSFER = "transfer"
    CONSULT = "consult"
    ROOM_GUEST_DETECTED = "room_guest_detected"
    SILENCE = "silence"
    UNCLEAR = "unclear"
    REFUSAL = "refusal"
    WITHDRAW = "withdraw"
    LATE_NOTICE = "late_notice"


class Measure(StrEnum):
    """What the floor allows or demands."""

    RECORD = "record"
    ANNOUNCE = "announce_then_record"
    ASK = "ask_consent_then_record"
    BEEP = "beep_while_recording"
    DO_NOT = "do_not_record"
    STOP = "stop_recording_continue_call"
    PAUSE_ANNOUNCE = "pause_announce_to_all_then_resume"
    PAUSE_ASK = "pause_ask_all_then_resume"
    KEEP = "keep_strictest_until_new_recording"
    AFTER = "record_only_after_announcement"


@dataclass(frozen=True, slots=True)
class Demand:
    """What all rows of a call come to. `special`: what single rows ask besides; `disputes`: codes whose sources
    disagree; `confidence`: of the least sure row; `reasons`: a sentence for each row.
    """

    consent: Consent
    express: bool
    notice: bool
    beep_ok: Beep
    announcement_in_recording: bool
    purpose_stated: bool
    special: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()
    disputes: tuple[str, ...] = ()
    confidence: Confidence = Confidence.LOW

    @property
    def strictness(self) -> tuple[int, ...]:
        """As Row.strictness: what is asked for, as numbers of which more is stricter."""
        beep = list(Beep).index(self.beep_ok)
        flags = (self.express, self.notice, beep, self.announcement_in_recording, self.purpose_stated)
        return (list(Consent).index(self.consent), *map(int, flags))

    def covers(self, other: Demand) -> bool:
        """Whether who was told and asked under this demand need not be again under OTHER."""
        levels = zip(self.strictness, other.strictness, strict=True)
        return all(mine >= theirs for mine, theirs in levels) and self.special >= other.special

    def as_data(self) -> dict[str, Any]:
        """The merged flags as JSON."""
        return {
            "consent": self.consent.value,
            "express": self.express,
            "notice": self.notice,
            "beep_ok": self.beep_ok.value,
            "announcement_in_recording": self.announcement_in_recording,
            "purpose_stated": self.purpose_stated,
        }


NOBODY = Demand(Consent.ALL_PARTY, True, True, Beep.NO, True, True, reasons=("nobody's place is known",))
"""What no row at all comes to: everything."""


def merge(rows: tuple[Row, ...]) -> Demand:
    """The strictest of ROWS in each respect; of none: everything there is to demand."""
    if not rows:
        return NOBODY
    consent, express, notice, beep, announce, purpose = map(max, zip(*(row.strictness for row in rows), strict=True))
    return Demand(
        consent=list(Consent)[consent],
        express=bool(express),
        notice=bool(notice),
        beep_ok=list(Beep)[beep],
        announcement_in_recording=bool(announce),
        purpose_stated=bool(purpose),
        special=frozenset(word for row in rows for word in row.special),
        reasons=tuple(map(sentence, rows)),
        disputes=tuple(sorted(row.iso_code for row in rows if row.disputed is not Disputed.NO)),
        confidence=max((row.confidence for row in rows), key=list(Confidence).index),
    )


def asked(row: Row) -> str:
    """What ROW asks for, in words."""
    parts = [
        "consent of all" if row.consent is Consent.ALL_PARTY else "consent of one party",
        "express" * row.express_required,
        "notice" if row.notice_required else "no notice",
        "a tone is enough" * (row.beep_ok is Beep.YES),
        "announcement inside the recording" * row.announce_recorded,
        "purpose stated" * row.purpose_required,
        *row.special,
    ]
    return ", ".join(part for part in parts if part)


def sentence(row: Row) -> str:
    """What ROW asks for, where that is written, and how sure that is."""
    doubt = "" if row.disputed is Disputed.NO else "; sources disagree, this is the stricter reading"
    return f"{row.iso_code} {row.name}: {asked(row)} [{row.citation}; confidence {row.confidence.value}{doubt}]"


# ---------------------------------------------------------------- what may be done
@dataclass(frozen=True, slots=True)
class Scene:
    """What is true of the call besides its rule. `refused`: somebody who is there has refused; `only_systems`: who
    comes is an IVR or voicemail of ours; `telemarketing`: a sales call; `in_room`: others hear through a loudspeaker.
    """

    refused: bool = False
    only_systems: bool = False
    telemarketing: bool = False
    in_room: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: what may be done where express consent is demanded, where a notice is, and else."""

    express: Measure
    notice: Measure
    neither: Measure = field(default=Measure.RECORD)


_START = Line(Measure.ASK, Measure.ANNOUNCE)
_COMES = Line(Measure.PAUSE_ASK, Measure.PAUSE_ANNOUNCE)
_STOP = Line(Measure.STOP, Measure.STOP, Measure.STOP)
_NO_ANSWER = Line(Measure.DO_NOT, Measure.RECORD)

FLOOR: Mapping[Occasion, Line] = MappingProxyType(
    {
        Occasion.START: _START,
        Occasion.START_WITH_BEEP_ONLY: _START,
        Occasion.START_TELEMARKETING: _START,
        Occasion.JOIN: _COMES,
        Occasion.TRANSFER: _COMES,
        Occasion.CONSULT: _COMES,
        Occasion.ROOM_GUEST_DETECTED: _COMES,
        Occasion.LEAVE: Line(Measure.KEEP, Measure.KEEP, Measure.KEEP),
        Occasion.SILENCE: _NO_ANSWER,
        Occasion.UNCLEAR: _NO_ANSWER,
        Occasion.REFUSAL: _STOP,
        Occasion.WITHDRAW: _STOP,
        Occasion.LATE_NOTICE: Line(Measure.AFTER, Measure.AFTER),
    }
)
TELEMARKETING, IN_ROOM = "telemarketing_notice_required", "in_room=all_party_notice"
"""Words of `special` that ask for a notice in some calls only."""
_ARRIVALS = (Occasion.JOIN, Occasion.TRANSFER, Occasion.CONSULT)


def measure(occasion: Occasion, demand: Demand, scene: Scene = Scene()) -> Measure:
    """What the floor allows at OCCASION under DEMAND."""
    if scene.refused and occasion is not Occasion.LEAVE:
        return Measure.STOP
    told = _special_notice(occasion, demand, scene)
    if occasion is Occasion.START_WITH_BEEP_ONLY and demand.beep_ok is Beep.YES and not told:
        return Measure.BEEP
    line = _START if scene.only_systems and occasion in _ARRIVALS else FLOOR[occasion]
    if demand.express:
        return line.express
    return line.notice if demand.notice or told else line.neither


def _special_notice(occasion: Occasion, demand: Demand, scene: Scene) -> bool:
    sales = scene.telemarketing or occasion is Occasion.START_TELEMARKETING
    room = scene.in_room or occasion is Occasion.ROOM_GUEST_DETECTED
    return (sales and TELEMARKETING in demand.special) or (room and IN_ROOM in demand.special)
