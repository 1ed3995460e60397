"""From a recording to what is made of it: a transcript, where call type, notice and consent allow one.

What belongs here: having it transcribed, keeping the words. What does not: whether it may be (core/deriving.py), the
transcriber (audio/transcriber.py), opening and sealing (keep.py).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from callguard.audio.transcriber import Transcriber
from callguard.audio.vault.container import Format
from callguard.audio.vault.plain import plain_of
from callguard.audio.wav import Samples, WavReader
from callguard.core.deriving import refusal
from callguard.core.policy import Policy, stored_call_type
from callguard.core.profile import CallType
from callguard.core.purpose import Output
from callguard.errors import BadAudio
from callguard.jobs.keep import Busy, Room, Source
from callguard.store.artefact import Artefact, Artefacts

KIND = str(Output.TRANSCRIPT)
FORMAT, VERSION = "callguard.transcript", 1
SIDES = {"whole": ("left", "right"), "left": ("left",), "right": ("right",)}


@dataclass(frozen=True)
class Derive:
    """`name`: of the transcriber; `policy`: what is in force, None where nothing is."""

    room: Room
    now: Callable[[], datetime]
    name: str
    transcriber: Callable[[], Transcriber]
    policy: Callable[[], Policy | None]

    def run(self, recording_id: str) -> str:
        """Transcribe what is stored of a recording and has no transcript yet; what came of it, in a word. Done twice,
        or after a kill, it comes to the same. Raises Busy, BadContainer, CannotDecrypt, Unreachable."""
        rows = self.room.artefacts
        with rows.turn(recording_id) as mine:
            if not mine:
                raise Busy(f"recording {recording_id} is being worked on")
            there = rows.find(recording_id=recording_id)
            done = [self._transcribe(row, there) for row in sound_of(there)]
        return ", ".join(dict.fromkeys(done)) or "nothing is stored"

    def _transcribe(self, parent: Artefact, there: tuple[Artefact, ...]) -> str:
        own = [row for row in there if row.kind == KIND and row.part == parent.part]
        if any(row.state != "writing" for row in own):
            return "was transcribed"
        then, policy = call_type_of(self.room.artefacts, parent), self.policy()
        now = policy.find(parent.call_type) if policy else None
        parties = self.room.artefacts.told(parent.call_month, parent.call_id)
        if reason := refusal(Output.TRANSCRIPT, then, now, parties):
            return f"not transcribed: {reason}"
        assert then is not None
        try:
            words = self._words(parent, then.language)
        except BadAudio as error:  # kept as it is; trying again would not change it
            return f"not transcribed: {error}"
        fresh, said = (
            new_derived(parent, Output.TRANSCRIPT, then, self.now()),
            {"transcriber": self.name, "language": then.language},
        )
        self.room.keep(fresh, own[0] if own else None, Source(iter([words])), Format.JSON, said)
        return "transcribed"

    def _words(self, parent: Artefact, language: str) -> bytes:
        container = self.room.opened(parent)
        own, said = self.transcriber(), []
        for number, side in enumerate(SIDES[parent.part]):
            with WavReader(plain_of(container), lenient=True) as sound:
                if number < sound.channels and sound.frames:
                    heard = own.words(_side(sound, number), sound.rate, language)
                    said += [{"side": side, **asdict(word)} for word in heard]
        said.sort(key=lambda word: (word["start_s"], word["side"]))
        return json.dumps({"format": FORMAT, "version": VERSION, "transcriber": self.name, "words": said}).encode()


def sound_of(there: tuple[Artefact, ...]) -> list[Artefact]:
    """What is to be heard of a recording: each original that is stored, else what was trimmed of it."""
    stored = [row for row in there if row.state == "stored"]
    originals = {row.artefact_id for row in stored if row.kind == "audio"}
    trimmed = [row for row in stored if row.kind == "trimmed" and row.parent_id not in originals]
    return [row for row in stored if row.artefact_id in originals] + trimmed


def call_type_of(artefacts: Artefacts, row: Artefact) -> CallType | None:
    """The call type that the call of ROW was under."""
    found = artefacts.stored_policy(row.call_month, row.call_id)
    return stored_call_type(row.call_type, found) if found else None


def new_derived(parent: Artefact, output: Output, kind: CallType, now: datetime) -> Artefact:
    """The row before it is written: its end is its output's, or its parent's where that is sooner."""
    own = parent.began_at + timedelta(days=kind.retention[output])
    return replace(
        parent,
        artefact_id=str(uuid.uuid4()),
        parent_id=parent.artefact_id,
        kind=str(output),
        state="writing",
        created_at=now,
        promised_until=min(own, parent.promised_until),
        expires_at=min(own, parent.expires_at),
    )


def _side(sound: WavReader, number: int) -> Iterator[Samples]:
    for block in sound.blocks():
        yield block[:, number]
