"""Copies of a recording with parts of it silenced, and tags: made when somebody says so, of what is stored.

What belongs here: making and keeping them. What does not: which parts, and who may say so (cli/artefacts.py), whether
something may be made (core/deriving.py), opening and sealing (keep.py).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from callguard.audio.blank import Spans, silenced, within
from callguard.audio.riff import pcm_header
from callguard.audio.vault.container import Format
from callguard.audio.vault.plain import plain_of
from callguard.audio.wav import WavReader
from callguard.core.deriving import refusal
from callguard.core.policy import Policy
from callguard.core.purpose import Output
from callguard.errors import BadInput
from callguard.jobs.derive import call_type_of, new_derived, sound_of
from callguard.jobs.keep import Busy, Room, Source
from callguard.store.artefact import Artefact

KIND = "redacted"
FORMAT, VERSION = "callguard.tags", 1


@dataclass(frozen=True)
class Redact:
    """`policy`: what is in force, None where nothing is."""

    room: Room
    now: Callable[[], datetime]
    policy: Callable[[], Policy | None]

    def redact(self, recording_id: str, spans: Sequence[tuple[float, float]]) -> list[Artefact]:
        """A copy of what is stored of a recording, silent in SPANS of seconds; it ends with what it was made of.
        Raises BadAudio, BadContainer, BadInput, Busy, CannotDecrypt, Unreachable."""
        with self._stored(recording_id) as rows:
            return [self._redacted(row, spans) for row in rows]

    def tag(self, recording_id: str, tags: Sequence[str]) -> list[Artefact]:
        """TAGS of a recording, under the same rules as a transcript. Raises as `redact`."""
        content = json.dumps({"format": FORMAT, "version": VERSION, "tags": list(tags)}).encode()
        with self._stored(recording_id) as rows:
            return [self._tagged(rows[0], content, len(tags))]

    @contextmanager
    def _stored(self, recording_id: str) -> Iterator[list[Artefact]]:
        with self.room.artefacts.turn(recording_id) as mine:
            if not mine:
                raise Busy(f"recording {recording_id} is being worked on")
            found = sound_of(self.room.artefacts.find(recording_id=recording_id))
            if not found:
                raise BadInput(
                    f"{recording_id}: nothing of a recording with this id is stored; see `callguard vault ls`"
                )
            yield found

    def _redacted(self, row: Artefact, seconds: Sequence[tuple[float, float]]) -> Artefact:
        container = self.room.opened(row)
        with WavReader(plain_of(container)) as sound:
            spans = within([(round(a * sound.rate), round(b * sound.rate)) for a, b in seconds], sound.frames)
            if not spans:
                raise BadInput("--span: nothing of the recording lies in it")
            fresh = replace(row, artefact_id=str(uuid.uuid4()), parent_id=row.artefact_id, kind=KIND, state="writing")
            said = {"rate": sound.rate, "silenced": spans}
            return self.room.keep(
                replace(fresh, created_at=self.now()), None, Source(_silent_in(sound, spans)), Format.WAV, said
            )

    def _tagged(self, row: Artefact, content: bytes, count: int) -> Artefact:
        then, policy = call_type_of(self.room.artefacts, row), self.policy()
        now = policy.find(row.call_type) if policy else None
        parties = self.room.artefacts.told(row.call_month, row.call_id)
        if reason := refusal(Output.TAGS, then, now, parties):
            raise BadInput(f"not tagged: {reason}")
        assert then is not None
        fresh = new_derived(row, Output.TAGS, then, self.now())
        return self.room.keep(fresh, None, Source(iter([content])), Format.JSON, {"tags": count})


def _silent_in(sound: WavReader, spans: Spans) -> Iterator[bytes]:
    at = 0
    yield pcm_header(sound.rate, sound.channels, sound.frames * sound.channels * 2)
    for block in sound.blocks():
        yield silenced(block, at, spans).astype("<i2").tobytes()
        at += len(block)
