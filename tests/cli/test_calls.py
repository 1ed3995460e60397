"""callguard calls, replay and verify over a stored call; and acting on a live one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from callguard.core.events import StopAcknowledged, StopObserved
from callguard.core.recording import State
from callguard.engine.control import Control
from callguard.lab.postgres import Postgres
from tests.cli.command import callguard, database, play, site
from tests.engine.stage import Stage
from tests.fake_pbx import START


@dataclass(frozen=True)
class Place:
    """A configuration, its database, and the one call in it."""

    config: Path
    server: Postgres
    call: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("a site")
    with database(folder / "server") as server:
        call = asyncio.run(play(server, folder / "stage"))
        yield Place(site(folder / "site", server.app_dsn), server, call)


def test_list_of_stored_calls(place: Place) -> None:
    done = callguard("calls", "list", "--stored", "--config", place.config, "--json")
    assert [row["call_id"] for row in json.loads(done.out)["calls"]] == [place.call] and done.status == 0
    text = callguard("calls", "list", "--stored", "--config", place.config)
    assert place.call in text.text and text.text.endswith("1 call(s)\n")
    assert callguard("calls", "list", "--stored", "--limit", 0, "--config", place.config).status == 2


@pytest.mark.parametrize("name", ["call", "far", "linked-far"])
def test_show_by_our_id_a_channel_or_the_linkedid(place: Place, name: str) -> None:
    name = place.call if name == "call" else name
    shown = json.loads(callguard("calls", "show", name, "--config", place.config, "--json").out)
    assert shown["call_id"] == place.call and [row["seq"] for row in shown["rows"]][:2] == [1, 2]
    assert shown["recordings"][0]["state"] == "verified"
    text = callguard("calls", "show", name, "--config", place.config)
    assert "> consent_granted" in text.text and text.status == 0


@pytest.mark.requirement("S35")
def test_the_card_answers_who_what_and_how_long(place: Place) -> None:
    card = json.loads(callguard("calls", "card", place.call, "--config", place.config, "--json").out)
    assert [item["role"] for item in card["who"]] == ["far", "agent"]
    assert card["notice"][0]["played to its end"] is True
    (consent,) = card["consent"]
    assert (consent["what"], consent["how"]) == ("consent_granted", "express_dtmf")
    assert consent["rests_on"] == "the party's own answer"
    assert card["stored"][0] | {"recording": ""} == {"recording": "", "state": "verified", "until": "2026-04-02"}
    (pause,) = card["pauses"]
    assert (pause["causes"], pause["reason"], pause["words"]) == (["operator"], "other", "the doctor rang")
    assert pause["from"] <= pause["until"]
    assert card["use"] == {"purpose": "qa", "call type": "support", "category": "general"}
    text = callguard("calls", "card", place.call, "--config", place.config)
    assert [line.split()[0] for line in text.text.splitlines()] == list(card)


@pytest.mark.requirement("S127")
def test_export_and_replay(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "a call.jsonl"
    assert callguard("calls", "export", place.call, "-o", file, "--config", place.config).status == 0
    assert callguard("calls", "export", place.call, "--config", place.config).out == file.read_bytes()
    from_file = callguard("replay", file, "--json")
    from_log = callguard("replay", place.call, "--config", place.config, "--json")
    assert json.loads(from_file.out) == json.loads(from_log.out) and from_file.status == 0
    assert json.loads(from_file.out)["same"] is True
    assert "same decisions" in callguard("replay", file).text
    lines = file.read_bytes().replace(b'"reasons":[]', b'"reasons":["no"]', 1)
    file.write_bytes(lines)
    assert (callguard("replay", file).status, "reasons differ" in callguard("replay", file).text) == (1, True)
    assert json.loads(callguard("replay", file, "--json").out)["difference"]["what"] == "reasons"
    file.write_bytes(lines[:-9])
    done = callguard("replay", file)
    assert done.status == 2 and "truncated" in done.err and done.out == b""


@pytest.mark.requirement("S81")
def test_verify_finds_what_a_superuser_changed(place: Place) -> None:
    whole = callguard("verify", "--all", "--config", place.config, "--json")
    assert (whole.status, json.loads(whole.out)["findings"]) == (0, [])
    assert "1 call(s), 0 finding(s)" in callguard("verify", place.call, "--config", place.config).text
    with psycopg.connect(place.server.admin_dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        try:
            connection.execute("UPDATE callguard.channel_event SET clock_sync = NOT clock_sync WHERE seq = 5")
            broken = callguard("verify", "--all", "--config", place.config, "--json")
        finally:
            connection.execute("UPDATE callguard.channel_event SET clock_sync = NOT clock_sync WHERE seq = 5")
    assert broken.status == 1
    assert json.loads(broken.out)["findings"] == [{"call_id": place.call, "seq": 5, "what": "chain: altered"}]


@pytest.mark.parametrize("command", ["show", "card", "export"])
def test_a_call_that_nobody_knows(place: Place, command: str) -> None:
    done = callguard("calls", command, "no'such\x1b[31m", "--config", place.config)
    assert (done.status, done.out) == (2, b"") and "no call has this id" in done.err
    assert callguard("verify", "nobody", "--config", place.config).status == 2
    assert callguard("replay", "nobody", "--config", place.config).status == 2


@pytest.mark.parametrize("command", [("calls", "show"), ("explain",), ("artefacts", "tree"), ("verify",), ("replay",)])
def test_a_word_that_is_no_utf_8(place: Place, command: tuple[str, ...]) -> None:
    done = callguard(*command, "\udcff", "--config", place.config)
    assert (done.status, done.err) == (2, f"callguard: argument {len(command) + 1}: is not UTF-8\n")


@pytest.mark.parametrize("command", [("rule", "check"), ("rule", "list", "--rules"), ("lint", "dialplan")])
def test_a_path_that_no_file_can_have(command: tuple[str, ...]) -> None:
    done = callguard(*command, "A" * 300)
    assert done.status == 2 and "File name too long" in done.err


def test_a_name_that_would_ring_a_bell() -> None:
    done = callguard("lint", "dialplan", "no\x07\x9bsuch")
    assert done.status == 2 and done.err.startswith("callguard: no??such: ")


def test_an_export_that_cannot_be_written(place: Place, tmp_path: Path) -> None:
    done = callguard("calls", "export", place.call, "-o", tmp_path / "no" / "such", "--config", place.config)
    assert done.status == 2


# ---------------------------------------------------------------- a live call
@pytest.mark.requirement("S82")
async def test_a_live_call_is_listed_paused_resumed_and_withdrawn_without_postgres(tmp_path: Path) -> None:
    config = site(tmp_path)
    async with Stage(tmp_path / "data").running() as stage:
        control = Control(tmp_path / "data" / "control.sock", stage.engine.runners, lambda: sorted(stage.engine.faults))
        serving = asyncio.create_task(control.run())
        await stage.talk()
        listed = await asyncio.to_thread(callguard, "calls", "list", "--config", config, "--json")
        (row,) = json.loads(listed.out)["calls"]
        assert (row["standing"], row["recording"], row["paused"]) == ("granted", "growing", False)
        assert (await asyncio.to_thread(callguard, "calls", "list", "--config", config)).text.endswith("1 call(s)\n")
        for action, shown, paused in (("pause", "masked", True), ("resume", "growing", False)):
            said = ("--reason", "the doctor rang") if action == "resume" else ()
            done = await asyncio.to_thread(
                callguard, "calls", action, "linked-far", *said, "--config", config, "--json"
            )
            await stage.settled()
            answer = json.loads(done.out)
            assert (done.status, answer["action"], answer["paused"]) == (0, action, paused)
            recording = stage.call("far").recording
            assert recording and recording.shown == shown
        present = await asyncio.to_thread(callguard, "calls", "present", "far", "--who", "all", "--config", config)
        assert "present: recording growing" in present.text
        attested = await asyncio.to_thread(callguard, "calls", "consent", "far", "--config", config)
        assert attested.status == 2 and "it has agreed" in attested.err
        unsaid = await asyncio.to_thread(callguard, "calls", "resume", "far", "--config", config)
        assert unsaid.status == 2 and "needs a reason" in unsaid.err
        unknown = await asyncio.to_thread(callguard, "calls", "pause", "nobody", "--config", config)
        assert unknown.status == 2 and "no live call" in unknown.err
        stage.pbx.auto = False
        deaf = await asyncio.to_thread(callguard, "calls", "pause", "far", "--config", config)
        assert deaf.status == 1 and "did not follow" in deaf.err
        stage.pbx.auto = True
        recording = stage.call("far").recording
        assert recording and recording.state is State.STOPPING  # the mask was not acknowledged in time
        for kind in (StopAcknowledged, StopObserved):
            stage.pbx.say(kind(at=START, channel_id="far", recording_id=recording.recording_id))
        gone = await asyncio.to_thread(callguard, "calls", "withdraw", "far", "--config", config)
        assert gone.status == 0 and "withdraw" in gone.text
        serving.cancel()
        stored = await stage.stored("far")
        operators = {row.data["operator"] for row in stored.events if row.type == "operator_acted"}
        assert len(operators) == 1 and operators.pop().startswith(("user:", "uid:"))
