"""Redacted copies and tags: sealed, and kept no longer than what they were made of; tags where all agreed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from callguard.audio.vault.plain import plain_of
from callguard.audio.wav import WavReader
from callguard.errors import BadInput
from callguard.jobs.keep import Busy
from callguard.jobs.redact import Redact
from callguard.store.artefact import Artefacts
from tests.jobs.site import Place, now
from tests.jobs.test_derive import TOLD, recording
from tests.store.conftest import Database

OUTPUTS: dict[str, Any] = {"outputs": ["audio", "tags"], "retention": {"audio": 90, "tags": 30}}


def redact(place: Place) -> Redact:
    return Redact(place.room, now, lambda: None)


@pytest.mark.requirement("S25")
def test_a_redacted_copy_is_silent_where_it_was_said_to_be_and_the_same_elsewhere(place: Place) -> None:
    row = recording(place)
    (made,) = redact(place).redact(row.recording_id, [(0.1, 0.2), (0.15, 0.25), (0.4, 9.0)])
    original, copy = place.artefacts.find(recording_id=row.recording_id)
    assert (copy.artefact_id, copy.kind, copy.parent_id) == (made.artefact_id, "redacted", row.artefact_id)
    assert (copy.state, copy.purpose, copy.expires_at) == ("stored", row.purpose, row.expires_at)
    assert copy.key_id != row.key_id
    with WavReader(plain_of(place.opened(original))) as whole, WavReader(plain_of(place.opened(copy))) as cut:
        before, after = whole.read(whole.frames), cut.read(cut.frames)
    gone = np.zeros(len(before), bool)
    gone[800:2000] = gone[3200:] = True
    assert not after[gone].any() and np.array_equal(after[~gone], before[~gone]) and before[gone].any()
    (event,) = place.artefacts.events(row.recording_id)
    assert event.data == {"rate": 8000, "silenced": [[800, 2000], [3200, 4000]]} and event.sha256 == copy.plain_sha256
    place.retention.set_end(row.artefact_id, sooner := now() + timedelta(days=3))
    assert {each.expires_at for each in place.artefacts.find()} == {sooner}
    assert place.deletion.delete_recording(row.recording_id, "discarded") == 2 and place.objects() == set()


@pytest.mark.requirement("S25", "S108")
def test_tags_are_kept_where_the_call_type_lists_them_and_everybody_agreed(place: Place) -> None:
    row = recording(place, **OUTPUTS)
    (made,) = redact(place).tag(row.recording_id, ["complaint", "call-back"])
    assert (made.kind, made.parent_id) == ("tags", row.artefact_id)
    assert made.expires_at - made.began_at == timedelta(days=30)
    said = json.loads(b"".join(place.opened(place.artefacts.find(artefact_id=made.artefact_id)[0]).blocks()))
    assert said == {"format": "callguard.tags", "version": 1, "tags": ["complaint", "call-back"]}
    refused = {
        "did not list tags": recording(place),
        "refused": recording(place, [*TOLD, ("consent_withdrawn", {})], **OUTPUTS),
    }
    for says, other in refused.items():
        with pytest.raises(BadInput, match=says):
            redact(place).tag(other.recording_id, ["complaint"])
        assert place.only(other.recording_id) == other


def test_what_cannot_be_made_is_one_sentence_and_leaves_nothing(place: Place, database: Database) -> None:
    row = recording(place)
    with pytest.raises(BadInput, match="nothing of the recording"):
        redact(place).redact(row.recording_id, [(7.0, 9.0)])
    with pytest.raises(BadInput, match="is stored"):
        redact(place).redact("nobody", [(0.0, 1.0)])
    with Artefacts.open(database.app) as other, other.turn(row.recording_id), pytest.raises(Busy):
        redact(place).redact(row.recording_id, [(0.0, 1.0)])
    assert place.only(row.recording_id) == row
