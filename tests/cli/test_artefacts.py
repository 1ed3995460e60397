"""callguard artefacts: what came from what."""

from __future__ import annotations

import psycopg
import pytest

from callguard.lab.postgres import Postgres
from callguard.store.schema import OWNER
from tests.cli.conftest import Left
from tests.jobs.test_derive import TOLD, policy
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


@pytest.mark.requirement("S25")
def test_a_copy_is_silenced_and_tags_are_kept_by_command(left: Left) -> None:
    kind = policy(outputs=["audio", "tags"], retention={"audio": 90, "tags": 30}).call_types["support"].as_data()
    (left.config.parent / "vault.pub").unlink()
    assert left.call("vault", "keys", "create").status == 0
    recording_id = left.place.ended(told=TOLD, policy=kind)
    assert left.call("worker", "--once").status == 0
    assert left.json("artefacts", "redact", recording_id, "--span", "0.1-0.2")["made"][0]["kind"] == "redacted"
    assert left.call("artefacts", "tag", recording_id, "complaint", "call-back").text.startswith("tags ")
    (root,) = left.json("artefacts", "tree", recording_id)["artefacts"]
    assert [each["kind"] for each in root["derived"]] == ["redacted", "tags"]
    assert left.json("vault", "check", "--open")["differences"] == []
    acts = (left.config.parent / "data" / "operator.jsonl").read_text()
    assert '"act":"redact"' in acts and '"act":"tag"' in acts and "complaint" not in acts


@pytest.mark.parametrize("span", ["1", "2-1", "a-b", "-1-2", "1-1e9", "1-2-3"])
def test_a_span_is_a_start_and_an_end(left: Left, span: str) -> None:
    done = left.call("artefacts", "redact", "r", f"--span={span}")
    assert done.status == 2 and "--span: START-END" in done.err
    done = left.call("artefacts", "tag", "r", "A Name")
    assert done.status == 2 and "TAGS: 1 of them" in done.err and "Name" not in done.err


@pytest.mark.requirement("S28")
def test_every_table_of_the_database_is_of_a_class_and_one_that_is_not_is_a_finding(
    left: Left, left_server: Postgres
) -> None:
    found = left.json("artefacts", "classes")
    assert found["unclassed"] == [] and "party" in found["classes"]["party"]["holders"]
    assert "audio      voice" in left.call("artefacts", "classes").text
    name = left.place.artefacts.connection.info.dbname
    with psycopg.connect(left_server.dsn(OWNER, name), autocommit=True) as connection:
        connection.execute("CREATE TABLE callguard.voiceprint (id int)")
    assert left.json("artefacts", "classes", status=1)["unclassed"] == ["voiceprint"]


def test_a_recording_that_is_not_there_is_one_sentence(left: Left) -> None:
    done = left.call("artefacts", "tree", "nobody")
    assert done.status == 2 and "vault ls" in done.err
