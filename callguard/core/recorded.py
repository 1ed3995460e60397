"""Facts about one recording, in the past tense.

What belongs here: what a PBX, a file or a verdict says of it. What does not: what comes of that (recorder.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from callguard.core.fact import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEvent(Event):
    """A fact about one recording. `offset_samples`: position in its file, -1 when not known."""

    recording_id: str = ""
    offset_samples: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingAcknowledged(RecordingEvent):
    """The PBX said that it records. No proof."""

    type = "recording_acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingOpened(RecordingEvent):
    """The files exist under our id."""

    type = "recording_opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingGrowing(RecordingEvent):
    """The files' size moved with the clock. `fell_ms`: by how much less than that, which is missing behind the sample
    `fell_since`; below 0 where they caught up."""

    type = "recording_growing"
    fell_ms: int = 0
    fell_since: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSilent(RecordingEvent):
    """One file holds nothing while the other one has sound. `side`: left or right; `milliseconds`: how long by now."""

    type = "leg_silent"
    side: str = "right"
    milliseconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskAcknowledged(RecordingEvent):
    """The PBX said that the recording is silent from here."""

    type = "mask_acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskObserved(RecordingEvent):
    """The file shows digital silence from this offset."""

    type = "mask_observed"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmaskAcknowledged(RecordingEvent):
    """The PBX said that the recording has sound again."""

    type = "unmask_acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmaskObserved(RecordingEvent):
    """The file has sound again from this offset."""

    type = "unmask_observed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAcknowledged(RecordingEvent):
    """The PBX said that it stopped recording."""

    type = "stop_acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopObserved(RecordingEvent):
    """The files' headers are final; `offset_samples` is their length."""

    type = "stop_observed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingBlanked(RecordingEvent):
    """Sound was taken out of a finished file, whose length stays: what came before a pause, and keys that sounded.

    `spans`: "start-end" in samples; `digits`: in how many stretches keys sounded; both hashes are of the
    whole file.
    """

    type = "recording_blanked"
    spans: tuple[str, ...] = ()
    digits: int = 0
    sha256_before: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingDiscarded(RecordingEvent):
    """The receipt of a destruction: what was destroyed, by its hash and size. `reason`: where nobody asked for it."""

    type = "recording_discarded"
    sha256: str = ""
    size_bytes: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingVerified(RecordingEvent):
    """The audio agrees with the log. `left_db`, `right_db`: the level of each side, in whole dBFS; -100 is silence."""

    type = "recording_verified"
    sha256: str = ""
    line_offset: int = -1
    left_db: int = 0
    right_db: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingDamaged(RecordingEvent):
    """The audio disagrees with the log, or stopped growing. `findings` are our words, `places` the sample of each;
    `lost_ms`: what the file lacks of what the log says; the levels as in RecordingVerified."""

    type = "recording_damaged"
    findings: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    sha256: str = ""
    lost_ms: int = 0
    left_db: int = 0
    right_db: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingLost(RecordingEvent):
    """There is no file, or none with sound in it, whatever the PBX said. `lost_ms`: what the log says of its length."""

    type = "recording_lost"
    reason: str = ""
    lost_ms: int = 0
