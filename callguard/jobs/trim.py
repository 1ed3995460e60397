"""A stored recording without its silence: beside it, or in its place, as the call type says.

What belongs here: that order, and going on after a kill anywhere in it. What does not: what is cut (audio/trim.py),
what its log says of it (core/marks.py), opening and sealing (keep.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from callguard.audio.timemap import TimeMap
from callguard.audio.trim import PROFILES, segments_of
from callguard.audio.trimmed import trimmed
from callguard.audio.vault.container import Format
from callguard.audio.vault.plain import plain_of
from callguard.audio.wav import WavReader
from callguard.core.marks import RATE, marks
from callguard.core.purpose import Trim as Wish
from callguard.errors import BadAudio, Held
from callguard.jobs.deletion import Deletion
from callguard.jobs.derive import call_type_of
from callguard.jobs.keep import Busy, Room, Source
from callguard.store.artefact import Artefact

KIND, REASON, PROFILE = "trimmed", "trimmed", "safe"
ORIGINAL = {Wish.BESIDE: "kept", Wish.INSTEAD: "shredded when this is stored"}
"""What becomes of the original, as its event says."""


@dataclass(frozen=True)
class Trim:
    """`deletion`: of originals in whose place what was trimmed is kept."""

    room: Room
    now: Callable[[], datetime]
    deletion: Deletion

    def run(self, recording_id: str) -> str:
        """Trim what is stored of a recording; what came of it, in a word. Done twice, or after a kill, it comes to the
        same. Raises Busy, BadContainer, CannotDecrypt, Unreachable."""
        rows = self.room.artefacts
        with rows.turn(recording_id) as mine:
            if not mine:
                raise Busy(f"recording {recording_id} is being worked on")
            there = rows.find(recording_id=recording_id)
            done = [self._trim(row, there) for row in there if row.kind == "audio" and row.state == "stored"]
        return ", ".join(dict.fromkeys(done)) or "nothing is stored"

    def _trim(self, row: Artefact, there: tuple[Artefact, ...]) -> str:
        kind = call_type_of(self.room.artefacts, row)
        if kind is None or kind.trim is Wish.NO:
            return "not trimmed: the call type does not say so"
        own = _own(row, there)
        begun = own[0] if own else None
        if all(each.state == "writing" for each in own) and (why := self._cut(row, begun, kind.trim)):
            return f"not trimmed: {why}"
        if kind.trim is Wish.BESIDE or not all(each.state in ("writing", "stored") for each in own):
            return "trimmed"
        try:
            self.deletion.replaced(row, REASON)
        except Held:
            rows = self.room.artefacts
            for each in _own(row, rows.find(recording_id=row.recording_id, states=("stored",))):
                rows.tell(each.artefact_id, "original_held", {})
            return "trimmed, and a legal hold keeps the original"
        return "trimmed, in its place"

    def _cut(self, row: Artefact, begun: Artefact | None, wish: Wish) -> str:
        """Keep ROW without its silence; why that is not done, or ''."""
        container, profile = self.room.opened(row), PROFILES[PROFILE]
        known = marks(self.room.artefacts.facts_of(row.call_month, row.call_id), row.recording_id)
        try:
            with WavReader(plain_of(container)) as sound:
                scale = sound.rate / RATE
                protected = [round(at * scale) for at in known.telling]
                idle = [(round(start * scale), round(end * scale)) for start, end in known.idle]
                segments = segments_of(sound, protected=protected, idle=idle, profile=profile)
        except BadAudio as error:  # kept as it is; trying again would not change it
            return str(error)
        if not len(segments):
            return "nobody is heard to speak"
        parts = TimeMap.of(segments)
        with WavReader(plain_of(container)) as sound:
            settings = {"profile": PROFILE, **profile.as_data(), "protected": protected, "idle": idle}
            told = {"rate": sound.rate, "original_samples": sound.frames, "settings": settings}
            behind = {"original_sha256": (row.plain_sha256 or b"").hex(), "map": [*parts.rows()]}
            source = Source(trimmed(sound, segments, told | behind))
            told |= {"trimmed_samples": parts.trimmed_samples, "original": ORIGINAL[wish]}
            self.room.keep(new_trimmed(row, self.now()), begun, source, Format.WAV, told)
        return ""


def _own(row: Artefact, there: Sequence[Artefact]) -> list[Artefact]:
    """What was trimmed of ROW."""
    return [each for each in there if each.kind == KIND and each.parent_id == row.artefact_id]


def new_trimmed(row: Artefact, now: datetime) -> Artefact:
    """The row before it is written: it ends with its original."""
    return replace(
        row, artefact_id=str(uuid.uuid4()), parent_id=row.artefact_id, kind=KIND, state="writing", created_at=now
    )
