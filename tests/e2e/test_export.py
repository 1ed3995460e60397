"""What really happened on calls, as files: exported, replayed, and kept as scenarios where a bug was found by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from callguard.core.call import Call, open_call
from callguard.core.step import step
from callguard.replay import fact_of, read_story
from tests.audio.sound import silence, write
from tests.e2e.site import Site

SCENARIOS = Path(__file__).parents[1] / "scenarios"


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.requirement("S123")
async def test_a_real_call_is_exported_and_replayed_to_the_same_decisions(site: Site, tmp_path: Path) -> None:
    async with site.talk() as talk:  # nobody speaks words: what stays, stays for the pause
        await talk.recorded()
        await talk.answered.press("*8")
        await talk.row("mask_acknowledged")
        stored = await talk.ends()
    file, config = tmp_path / "call.jsonl", str(site.stand.config)
    await site.stand.run("calls", "export", stored.call.call_id, "-o", str(file), "--config", config)
    status, out, _ = await site.stand.run("replay", str(file), "--config", config, check=False)
    assert status == 0 and "same decisions" in out
    assert not [word for word in (talk.name, "PJSIP/caller", f"agent{talk.number}") if word in file.read_text()]
    tape = site.stand.recordings / f"{stored.recordings[0].recording_id}.wav"
    for log in (str(file), stored.call.call_id):
        short = [str(tmp_path / "short.wav"), "--log", log, "--json", "--config", config]
        _, out, _ = await site.stand.run("trim", str(tape), *short)
        assert json.loads(out)["segments"] == 1  # the pause: two seconds stay on both sides of it
    _, out, _ = await site.stand.run("explain", stored.recordings[0].recording_id, "--config", config)
    assert "agreed at" in out and "(paused: " in out
    write(tmp_path / "other.wav", silence(9))
    status, _, error = await site.stand.run("trim", str(tmp_path / "other.wav"), *short, check=False)
    assert status == 2 and "no finished recording of this call" in error
    rows = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*rows[:5], rows[5][:-20]]))
    status, _, error = await site.stand.run("replay", str(file), "--config", config, check=False)
    assert status == 2 and "line 6" in error


def retold(name: str) -> tuple[Call, list[str]]:
    """A scenario's facts through today's core: the call as it ends, and the incidents on its way."""
    story = read_story((SCENARIOS / f"{name}.jsonl").read_bytes())
    call, incidents = open_call(story.call_id, story.call_type), []
    for line in story.lines:
        if not line.derived:
            done = step(call, fact_of(line))
            incidents += [str(item.data["incident"]) for item in done.records if item.type.value == "incident_opened"]
            call = done.call
    return call, incidents


@pytest.mark.parametrize(
    ("name", "states", "incidents"),
    [
        ("hangup-in-notice", [], set()),  # was an incident
        ("hangup-in-line", ["verified"], set()),  # was called damaged
        ("stranger-enters-and-leaves", ["verified"], set()),  # was called damaged, and masked 50 ms late
        ("disk-fills-up", ["damaged"], {"recording_damaged"}),  # was noticed late
        ("log-lost-kept", ["verified"], {"log_lost"}),
        ("controller-killed", ["verified", "verified"], {"stopped_by_guard", "pbx_lost"}),
    ],
)
def test_a_call_that_once_went_wrong_goes_right(name: str, states: list[str], incidents: set[str]) -> None:
    call, found = retold(name)
    assert call.over and [item.state.value for item in call.recordings] == states and set(found) == incidents
