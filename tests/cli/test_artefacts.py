"""callguard artefacts: what came from what."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Left
from tests.jobs.test_trim import recording, trim


@pytest.mark.requirement("S108")
def test_the_tree_of_a_recording_shows_what_came_from_it_and_what_was_deleted(left: Left) -> None:
    row = left.place.stored()
    child = left.place.derived(row)
    grandchild = left.place.derived(child, kind="summary")
    (root,) = left.json("artefacts", "tree", row.recording_id)["artefacts"]
    assert (root["artefact_id"], root["kind"], root["purpose"]) == (row.artefact_id, "audio", row.purpose)
    (first,) = root["derived"]
    assert first["artefact_id"] == child.artefact_id and first["derived"][0]["artefact_id"] == grandchild.artefact_id
    left.place.deletion.delete(grandchild, "asked for")
    lines = left.call("artefacts", "tree", row.recording_id).text.splitlines()
    assert [line.split()[0] for line in lines] == ["audio", "transcript", "summary"]
    assert lines[2].startswith("    summary") and "deleted: asked for" in lines[2]


@pytest.mark.requirement("S126")
def test_the_tree_tells_what_was_trimmed_of_what_and_with_which_settings(left: Left) -> None:
    row = recording(left.place, "instead")
    trim(left.place).run(row.recording_id)
    (root,) = left.json("artefacts", "tree", row.recording_id)["artefacts"]
    made, gone = root["derived"][0]["events"]
    assert made["parent_sha256"] == (row.plain_sha256 or b"").hex() and made["data"]["settings"]["profile"] == "safe"
    assert gone["type"] == "original_shredded" and gone["sha256"] == made["sha256"]
    lines = left.call("artefacts", "tree", row.recording_id).text.splitlines()
    assert made["sha256"] in lines[2] and lines[3].endswith("its original's key is destroyed")


def test_a_recording_that_is_not_there_is_one_sentence(left: Left) -> None:
    done = left.call("artefacts", "tree", "nobody")
    assert done.status == 2 and "vault ls" in done.err
