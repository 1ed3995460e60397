"""From a recording to what is made of it: a transcript, where call type, notice and consent allow one.

What belongs here: opening, having it transcribed, keeping the words. What does not: whether it may be
(core/deriving.py), the transcriber (audio/transcriber.py), sealing (keep.py).
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import BinaryIO

from callguard.audio.transcriber import Transcriber
from callguard.audio.vault.container import Format, new_key
from callguard.audio.vault.keyring import PublicKey
from callguard.audio.vault.plain import plain_of
from callguard.audio.vault.port import Custody, Shelf
from callguard.audio.vault.reading import open_object
from callguard.audio.wav import Samples, WavReader
from callguard.core.deriving import refusal
from callguard.core.policy import Policy, stored_call_type
from callguard.core.profile import CallType
from callguard.core.purpose import Output
from callguard.errors import BadAudio, CannotDecrypt
from callguard.jobs.ingest import Busy
from callguard.jobs.keep import Source, keep
from callguard.store.artefact import Artefact, Artefacts, Wrapped

KIND = str(Output.TRANSCRIPT)
FORMAT, VERSION = "callguard.transcript", 1
SIDES = {"whole": ("left", "right"), "left": ("left",), "right": ("right",)}


@dataclass(frozen=True)
class Derive:
    """`name`: of the transcriber; `policy`: what is in force, None where nothing is."""

    shelf: Shelf
    custody: Callable[[], Custody]
    public: Callable[[], PublicKey]
    artefacts: Artefacts
    now: Callable[[], datetime]
    name: str
    transcriber: Callable[[], Transcriber]
    policy: Callable[[], Policy | None]

    def run(self, recording_id: str) -> str:
        """Transcribe what is stored of a recording and has no transcript yet; what came of it, in a word. Done twice,
        or after a kill, it comes to the same. Raises Busy, BadAudio, BadContainer, CannotDecrypt, Unreachable."""
        with self.artefacts.turn(recording_id) as mine:
            if not mine:
                raise Busy(f"recording {recording_id} is being worked on")
            rows = self.artefacts.find(recording_id=recording_id)
            done = [self._transcribe(row, rows) for row in rows if row.kind == "audio" and row.state == "stored"]
        return ", ".join(dict.fromkeys(done)) or "nothing is stored"

    def _transcribe(self, parent: Artefact, rows: tuple[Artefact, ...]) -> str:
        own = [row for row in rows if row.parent_id == parent.artefact_id and row.kind == KIND]
        if any(row.state != "writing" for row in own):
            return "was transcribed"
        then = self._call_type(parent)
        policy = self.policy()
        now = policy.find(parent.call_type) if policy else None
        if reason := refusal(Output.TRANSCRIPT, then, now, self.artefacts.told(parent.call_month, parent.call_id)):
            return f"not transcribed: {reason}"
        assert then is not None
        try:
            words = self._words(parent, then.language)
        except BadAudio as error:  # kept as it is; trying again would not change it
            return f"not transcribed: {error}"
        self._keep(parent, own[0] if own else None, then, words)
        return "transcribed"

    def _call_type(self, row: Artefact) -> CallType | None:
        found = self.artefacts.stored_policy(row.call_month, row.call_id)
        return stored_call_type(row.call_type, found) if found else None

    def _words(self, parent: Artefact, language: str) -> bytes:
        wrapped = self.artefacts.key(parent.key_id)
        if wrapped is None:
            raise CannotDecrypt(f"the key of artefact {parent.artefact_id} is gone")
        key = self.custody().unwrap(wrapped.kid, wrapped.wrapped, wrapped.key_id)
        container = open_object(self.shelf, parent.object, key, parent.key_id).container
        own, said = self.transcriber(), []
        for number, side in enumerate(SIDES[parent.part]):
            with WavReader(plain_of(container), lenient=True) as sound:
                if number < sound.channels and sound.frames:
                    heard = own.words(_side(sound, number), sound.rate, language)
                    said += [{"side": side, **asdict(word)} for word in heard]
        said.sort(key=lambda word: (word["start_s"], word["side"]))
        return json.dumps({"format": FORMAT, "version": VERSION, "transcriber": self.name, "words": said}).encode()

    def _keep(self, parent: Artefact, row: Artefact | None, kind: CallType, words: bytes) -> None:
        key, key_id, public = new_key(), uuid.uuid4(), self.public()
        wrapped = Wrapped(key_id, public.kid, public.wrap(key, key_id))
        row = self._begun(parent, row, kind, wrapped)
        file: BinaryIO = io.BytesIO(words)
        found = keep(self.shelf, row, Source(file), Format.JSON, key)
        if not self.artefacts.stored(row.artefact_id, key_id, found):
            raise Busy(f"recording {parent.recording_id} was taken over")

    def _begun(self, parent: Artefact, row: Artefact | None, kind: CallType, key: Wrapped) -> Artefact:
        name = f"{uuid.uuid4().hex}.cgv"
        if row:
            self.shelf.delete(row.object)
            self.artefacts.begin_again(row, name, key)
            return replace(row, object=name, key_id=key.key_id)
        row = new_transcript(parent, kind, name, key.key_id, self.now())
        self.artefacts.begin(row, key)
        return row


def new_transcript(parent: Artefact, kind: CallType, name: str, key_id: uuid.UUID, now: datetime) -> Artefact:
    """The row before it is written: its end is its output's, or its parent's where that is sooner."""
    own = parent.began_at + timedelta(days=kind.retention[Output.TRANSCRIPT])
    return replace(
        parent,
        artefact_id=str(uuid.uuid4()),
        parent_id=parent.artefact_id,
        kind=KIND,
        state="writing",
        object=name,
        key_id=key_id,
        created_at=now,
        promised_until=min(own, parent.promised_until),
        expires_at=min(own, parent.expires_at),
    )


def _side(sound: WavReader, number: int) -> Iterator[Samples]:
    for block in sound.blocks():
        yield block[:, number]
