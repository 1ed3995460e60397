"""The files of finished recordings: joined, measured against the log, or destroyed with a receipt.

What belongs here: from an effect to the fact that answers it. What does not: how audio is measured (audio/).
Runs in a thread: nothing here touches the loop.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from callguard.audio.blank import Spans, blank, within
from callguard.audio.digit import find_digits
from callguard.audio.riff import HEADER, pcm_header, repair_header
from callguard.audio.shred import shred
from callguard.audio.verify import AT_ONCE_S, BLANK, AudioVerdict, Expectation, verify
from callguard.audio.wav import WavReader, join_legs
from callguard.core.effects import DiscardRecording, MeasureRecording
from callguard.core.events import (
    Event,
    RecordingBlanked,
    RecordingDamaged,
    RecordingDiscarded,
    RecordingLost,
    RecordingVerified,
)
from callguard.engine.clock import read
from callguard.errors import BadAudio
from callguard.ports import Playable

RATE = 8000
"""Samples per second of a recorder's files."""
NO_MEDIA = "no media"
"""Why a recording is lost, or discarded where its call ended at once: not one sample is in its files."""
REPAIRED = "header repaired"
"""The finding of a file whose recorder died: its length is what was on the disk."""
CLOCK_SLACK = 1600
"""Samples (0.2 s) by which our clock and the recorder's may differ: it counts packets, and starts with the first."""


@dataclass(frozen=True, slots=True)
class _Ids:
    """What every fact about one recording carries."""

    at: datetime
    channel_id: str
    recording_id: str

    def lost(self, reason: str, lost_ms: int) -> RecordingLost:
        return RecordingLost(
            at=self.at,
            channel_id=self.channel_id,
            recording_id=self.recording_id,
            reason=reason,
            lost_ms=lost_ms,
        )

    def damaged(self, findings: tuple[str, ...], lost_ms: int = 0, **measured: Any) -> RecordingDamaged:
        return RecordingDamaged(
            at=self.at,
            channel_id=self.channel_id,
            recording_id=self.recording_id,
            findings=findings,
            lost_ms=lost_ms,
            **measured,
        )

    def blanked(self, spans: Spans, digits: int, before: str, sha256: str) -> RecordingBlanked:
        return RecordingBlanked(
            at=self.at,
            channel_id=self.channel_id,
            recording_id=self.recording_id,
            spans=tuple(f"{start}-{end}" for start, end in spans),
            digits=digits,
            sha256_before=before,
            sha256=sha256,
        )

    def verified(self, line_offset: int, **measured: Any) -> RecordingVerified:
        return RecordingVerified(
            at=self.at,
            channel_id=self.channel_id,
            recording_id=self.recording_id,
            line_offset=line_offset,
            **measured,
        )


@dataclass(frozen=True)
class Archive:
    """Recordings by id under one directory. A stored recording is `ID.wav`: left the far party, right the agent."""

    directory: Path

    def legs(self, recording_id: str) -> tuple[Path, Path]:
        """Where the recorder writes: the far party's leg, the agent's."""
        return self.directory / f"{recording_id}-left.wav", self.directory / f"{recording_id}-right.wav"

    def stored(self, recording_id: str) -> Path:
        """Where the finished recording lies."""
        return self.directory / f"{recording_id}.wav"

    def files(self, recording_id: str) -> list[Path]:
        """Everything that exists of a recording."""
        return [path for path in (*self.legs(recording_id), self.stored(recording_id)) if _is_file(path)]

    def measure(self, effect: MeasureRecording, line: Playable | None) -> tuple[Event, ...]:
        """Join the legs, take out what has to go, hold the file against what EFFECT says of it. The verdict is the last
        of the facts."""
        left, right = self.legs(effect.recording_id)
        stored = self.stored(effect.recording_id)
        ids = _Ids(read().wall, effect.channel_id, effect.recording_id)
        legs = _is_file(left) and _is_file(right)
        if not legs and not _is_file(stored):
            return (ids.lost("no file", _lost_ms(effect, 0)),)
        written = (left, right) if legs else (stored,)
        if all(path.stat().st_size <= HEADER for path in written):
            return (self._without_media(effect, ids),)
        try:
            repaired = any([_repaired(path) for path in written])
            samples, shorter = _joined(left, right, stored) if legs else (_length(stored),) * 2
            keys = find_digits(stored) if effect.digits else ()
            spans = within((*effect.blanks, *keys), samples)
            before = file_sha256(stored) if spans else ""
            if spans:
                blank(stored, spans)
            verdict = verify(stored, _expectation(effect, line, spans))
        except BadAudio:
            lost_ms = _lost_ms(effect, _readable(written))
            return (ids.damaged(("unreadable", *(BLANK for _ in effect.blanks[:1])), lost_ms),)
        for leg in (left, right):
            shred(leg)
        measured = _measured(verdict, file_sha256(stored), samples)
        blanked = (ids.blanked(spans, len(keys), before, measured["sha256"]),) if spans else ()
        if verdict.ok and not repaired:
            return *blanked, ids.verified(verdict.line_offset, **measured)
        mended = ((REPAIRED, shorter),) if repaired else ()
        findings, places = zip(*mended, *zip(verdict.findings, verdict.places, strict=True), strict=True)
        measured["places"] = tuple(map(str, places))
        return *blanked, ids.damaged(findings, _lost_ms(effect, shorter), **measured)

    def _without_media(self, effect: MeasureRecording, ids: _Ids) -> Event:
        """Only headers, if that: nothing is kept. Where the call ended at once nothing is missing either."""
        gone = self._destroyed(ids, reason=NO_MEDIA)
        return gone if 0 <= effect.seconds < AT_ONCE_S else ids.lost(NO_MEDIA, _lost_ms(effect, 0))

    def discard(self, effect: DiscardRecording) -> RecordingDiscarded:
        """Overwrite and remove every file of a recording; the receipt names what was destroyed by hash and size."""
        return self._destroyed(_Ids(read().wall, effect.channel_id, effect.recording_id))

    def _destroyed(self, ids: _Ids, reason: str = "") -> RecordingDiscarded:
        receipt = hashlib.sha256()
        size = 0
        for path in self.files(ids.recording_id):
            receipt.update(bytes.fromhex(file_sha256(path)))
            size += path.stat().st_size
        for path in (*self.legs(ids.recording_id), self.stored(ids.recording_id)):
            shred(path)  # what is no file in the place of one goes too, or the failure is told
        return RecordingDiscarded(
            at=read().wall,
            channel_id=ids.channel_id,
            recording_id=ids.recording_id,
            sha256=receipt.hexdigest(),
            size_bytes=size,
            reason=reason,
        )


def _is_file(path: Path) -> bool:
    """Whether a file lies here: what a link leads to is none of ours."""
    return path.is_file() and not path.is_symlink()


def _repaired(path: Path) -> bool:
    """Whether the header at PATH had to be mended. A leg of which not even the header reached the disk gets one."""
    if path.stat().st_size:
        return repair_header(path)
    path.write_bytes(pcm_header(RATE, 1, 0))
    return True


def _joined(left: Path, right: Path, stored: Path) -> tuple[int, int]:
    """Samples of the stereo file that the legs become, and of the shorter leg."""
    joined = join_legs(left, right, stored)
    return joined.samples, min(joined.left, joined.right)


def _measured(verdict: AudioVerdict, sha256: str, samples: int) -> dict[str, Any]:
    left, right = verdict.levels
    return {"offset_samples": samples, "sha256": sha256, "left_db": left, "right_db": right}


def _lost_ms(effect: MeasureRecording, samples: int) -> int:
    """What a file of so many SAMPLES lacks of what the log says, in milliseconds."""
    return max(0, round((effect.seconds - samples / RATE) * 1000)) if effect.seconds >= 0 else 0


def _length(stored: Path) -> int:
    """Samples of a recording that was joined before: its verdict was lost with a controller."""
    with WavReader(stored) as reader:
        return reader.frames


def _readable(written: tuple[Path, ...]) -> int:
    """Samples of the shorter of what is kept as it is, because it could not be joined: for a full disk, for instance. 0
    where one of them is no sound."""
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(WavReader(path, lenient=True)) for path in written]
            return min(file.frames * RATE // file.rate for file in files)
    except BadAudio:
        return 0


def _expectation(effect: MeasureRecording, line: Playable | None, spans: Spans) -> Expectation:
    return Expectation(
        seconds=effect.seconds,
        masks=effect.masks,
        line=line.path if line and effect.line_seconds >= 0 else None,
        line_seconds=effect.line_seconds,
        slack=CLOCK_SLACK,
        blanks=spans,
    )


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, read in blocks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
