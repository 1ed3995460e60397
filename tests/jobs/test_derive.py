"""From a recording to its transcript: where everybody was told and agreed, once, and never longer than its audio."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from callguard.audio.transcriber import Word, transcriber
from callguard.audio.wav import Samples
from callguard.core.policy import Policy, parse_policy
from callguard.errors import BadInput, ShelfDown
from callguard.jobs.derive import Derive
from callguard.jobs.keep import Busy
from callguard.store.artefact import Artefact, Artefacts
from tests.audio.sound import silence, spoken, stereo, write
from tests.jobs.site import Pair, Place, now
from tests.store.conftest import Database

OUTPUTS = ["audio", "transcript"]
RETENTION = {"audio": 90, "transcript": 30}
TOLD = (("notice_ended", {"script": "notice"}), ("consent_granted", {"how": "express_dtmf"}))


@dataclass
class Listener:
    """Says which sides it heard, and how long they were."""

    heard: list[float] = field(default_factory=list)

    def words(self, sound: Iterator[Samples], rate: int, language: str) -> Iterable[Word]:
        seconds = sum(len(block) for block in sound) / rate
        self.heard.append(seconds)
        yield Word(0.0, seconds, f"{language} hello")


def policy(**values: Any) -> Policy:
    own = {"purpose": "qa", "outputs": OUTPUTS, "retention": RETENTION, **values}
    return parse_policy({"call_type": {"support": own}})


def derive(place: Place, listener: Listener, in_force: Policy | None = None) -> Derive:
    return Derive(place.room, now, "listener", lambda: listener, lambda: in_force)


def recording(
    place: Place, story: Iterable[tuple[str, dict[str, str]]] = TOLD, content: bytes | None = None, **values: Any
) -> Artefact:
    """A recording in the vault of a call with that log, under a call type with those values."""
    kind = policy(**values).call_types["support"].as_data()
    recording_id = place.ended(told=tuple(story), content=content, policy=kind)
    place.ingest.run(recording_id)
    return place.only(recording_id)


@pytest.mark.requirement("S108")
def test_a_transcript_is_kept_sealed_under_its_recording_and_never_longer(place: Place) -> None:
    row, listener = recording(place), Listener()
    assert derive(place, listener, policy()).run(row.recording_id) == "transcribed"
    _, child = place.artefacts.find(recording_id=row.recording_id)
    assert (child.kind, child.parent_id, child.state) == ("transcript", row.artefact_id, "stored")
    assert child.expires_at - child.began_at == timedelta(days=30) and child.purpose == row.purpose
    words = json.loads(b"".join(place.opened(child).blocks()))
    assert words["format"] == "callguard.transcript" and listener.heard == [0.5, 0.5]
    assert [(word["side"], word["text"]) for word in words["words"]] == [("left", "en hello"), ("right", "en hello")]
    assert derive(place, listener).run(row.recording_id) == "was transcribed" and len(listener.heard) == 2
    place.deletion.delete(child, "asked for")
    assert derive(place, listener).run(row.recording_id) == "was transcribed"  # what was deleted does not come back


@pytest.mark.requirement("S25")
def test_the_shipped_transcriber_writes_down_what_each_side_said_and_when(place: Place) -> None:
    said = stereo(np.concatenate([silence(6), spoken("refusal")]), spoken("not-recorded"))
    row = recording(place, content=write(place.folder / "said.wav", said).read_bytes())
    own = Derive(place.room, now, "whisper", lambda: transcriber("whisper"), lambda: policy())
    assert own.run(row.recording_id) == "transcribed"
    _, child = place.artefacts.find(recording_id=row.recording_id)
    words = json.loads(b"".join(place.opened(child).blocks()))["words"]
    left, right = ([word for word in words if word["side"] == side] for side in ("left", "right"))
    assert "will not record this call" in " ".join(word["text"] for word in left) and left[0]["start_s"] > 5.5
    assert "recorded" in " ".join(word["text"] for word in right) and right[-1]["end_s"] < 2
    (event,) = place.artefacts.events(row.recording_id)
    assert (event.parent_sha256, event.data) == (row.plain_sha256, {"transcriber": "whisper", "language": "en"})


def test_an_end_that_came_sooner_is_its_transcripts_too(place: Place) -> None:
    row = recording(place)
    place.retention.set_end(row.artefact_id, sooner := now() + timedelta(days=3))
    derive(place, Listener()).run(row.recording_id)
    assert [each.expires_at for each in place.artefacts.find(recording_id=row.recording_id)] == [sooner] * 2


REFUSED: tuple[tuple[str, dict[str, str]], ...] = (("notice_ended", {"script": "notice"}), ("consent_withdrawn", {}))


@pytest.mark.requirement("S3")
@pytest.mark.parametrize(
    ("story", "values", "in_force", "says"),
    [
        (TOLD, {"outputs": ["audio"], "retention": {"audio": 90}}, policy(), "did not list transcript when"),
        (TOLD, {}, policy(outputs=["audio"], retention={"audio": 90}), "any more"),
        ((), {}, policy(), "nobody who was told"),
        (TOLD[1:], {}, policy(), "not told to the end"),
        (TOLD[:1], {}, policy(), "did not agree"),
        ((*TOLD, *REFUSED), {}, policy(), "withdrew"),
        ((("notice_ended", {"script": "recording_on"}), TOLD[1]), {}, policy(), "not told to the end"),
    ],
)
def test_without_call_type_notice_and_consent_there_is_none(
    place: Place, story: tuple[tuple[str, dict[str, str]], ...], values: dict[str, Any], in_force: Policy, says: str
) -> None:
    row, listener = recording(place, story, **values), Listener()
    assert says in derive(place, listener, in_force).run(row.recording_id)
    assert listener.heard == [] and place.objects() == {row.object}


class Away(Listener):
    def words(self, sound: Iterator[Samples], rate: int, language: str) -> Iterable[Word]:
        raise ShelfDown("The service is away.")


def test_what_was_cut_off_is_done_again(place: Place, database: Database) -> None:
    row = recording(place)
    with pytest.raises(ShelfDown):
        derive(place, Away()).run(row.recording_id)
    assert len(place.artefacts.find(recording_id=row.recording_id)) == 1
    with Artefacts.open(database.app) as other, other.turn(row.recording_id), pytest.raises(Busy):
        derive(place, Listener()).run(row.recording_id)


def test_one_that_was_never_finished_is_written_anew(place: Place) -> None:
    row = recording(place)

    class Killed(type(place.shelf)):  # type: ignore[misc]
        def put(self, name: str, blocks: Iterable[bytes]) -> None:
            raise ShelfDown("killed")

    with pytest.raises(ShelfDown):
        killed = replace(place.room, shelf=Killed(place.folder / "vault"))
        replace(derive(place, Listener()), room=killed).run(row.recording_id)
    assert [each.state for each in place.artefacts.find(recording_id=row.recording_id)] == ["stored", "writing"]
    assert derive(place, Listener()).run(row.recording_id) == "transcribed"
    assert [each.state for each in place.artefacts.find(recording_id=row.recording_id)] == ["stored", "stored"]
    assert place.artefacts.stray_keys() == () and len(place.objects()) == 2


@pytest.mark.parametrize("content", [b"", b"no sound", b"RIFF\xff\xff\xff\xffWAVE"])
def test_what_is_no_sound_has_no_transcript(place: Place, content: bytes) -> None:
    kind = policy().call_types["support"].as_data()
    recording_id = place.ended("damaged", content=content, told=TOLD, policy=kind)
    place.ingest.run(recording_id)
    assert derive(place, Listener()).run(recording_id).startswith("not transcribed: ")


def test_what_is_not_in_the_vault_is_not_transcribed(place: Place) -> None:
    assert derive(place, Listener()).run(str(uuid.uuid4())) == "nothing is stored"


def test_private_keys_that_are_not_here_are_said(place: Place) -> None:
    row = recording(place)

    def none() -> Pair:
        raise BadInput("no private keys")

    with pytest.raises(BadInput):
        replace(derive(place, Listener()), room=replace(place.room, custody=none)).run(row.recording_id)
