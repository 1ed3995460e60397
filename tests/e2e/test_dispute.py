"""What people argue about, and what goes wrong more often than it did: on live calls, by the command line."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from callguard.ports import StoredCall
from tests.e2e.site import Site, at, incidents, sent_between, states

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def command(site: Site, *words: str) -> tuple[int, str, str]:
    return await site.stand.run(*words, "--config", str(site.stand.config), check=False)


@pytest.mark.requirement("S75")
async def test_in_a_call_that_people_argue_about_the_agents_word_does_not_count(site: Site) -> None:
    """Consent was attested; then the call is flagged: silent at once, the caller is asked, and its own key counts."""
    async with site.talk("card") as talk:
        await talk.told()
        assert talk.stored is not None
        assert (await command(site, "calls", "consent", talk.stored.events[0].channel_id))[0] == 0
        await talk.meets()
        await talk.row("recording_opened")
        await talk.row("notice_ended", script="recording_on")
        status, out, error = await command(site, "calls", "dispute", talk.call_id, "--reason", "the price", "--json")
        assert (status, error) == (0, "") and json.loads(out)["disputed"]
        await talk.row("mask_acknowledged")
        await talk.row("notice_ended", script="question")
        again = await command(site, "calls", "consent", talk.call_id)
        assert again[0] == 2 and "dispute" in again[2], "nobody else's word any more"
        assert await talk.hears_each_other()
        await talk.call.press("1")
        await talk.row("unmask_acknowledged")
        await talk.says(0.6)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) == {"dispute"}
    assert [row.data["how"] for row in stored.events if row.type == "consent_granted"] == [
        "express_agent_attested",
        "express_dtmf",
    ]
    silent = sent_between(talk.far, at(stored, "mask_acknowledged"), at(stored, "unmask_requested"))
    left, _ = talk.tape().numbers()
    assert len(silent) > 20 and len(silent & set(left)) <= 3, "a packet may be under way as sound is asked for"
    frozen = await command(site, "calls", "export", talk.call_id)
    assert frozen[0] == 1 and frozen[1] == "" and "in dispute" in frozen[2]
    (flag,) = stored.incidents
    assert (await command(site, "incidents", "close", flag.incident_id, "--reason", "settled"))[0] == 0
    assert (await command(site, "calls", "export", talk.call_id))[0] == 0


async def goes_through(site: Site, call_type: str) -> StoredCall:
    """A call that nobody is asked in."""
    async with site.talk(call_type) as talk:
        await talk.meets()
        return await talk.ends()


@pytest.mark.requirement("S19")
async def test_a_dialplan_that_names_a_wrong_call_type_shows_as_a_rate_that_has_risen(site: Site) -> None:
    for _ in range(3):
        await asyncio.gather(*(goes_through(site, "private") for _ in range(4)))
    changed = datetime.now(UTC).isoformat()
    wrong = await asyncio.gather(*(goes_through(site, "privat") for _ in range(4)))
    assert all(incidents(stored) == {"unknown_call_type"} and not stored.recordings for stored in wrong)
    words = ("drift", "--since", "1d", "--recent", changed, "--by", "pbx", "--json")
    status, out, error = await command(site, *words)
    assert (status, error) == (1, "")
    (risen,) = [one for one in json.loads(out)["series"] if one["kind"] == "unknown_call_type"]
    assert risen["drift"] and risen["now"] == [4, 4] and risen["before"][1] >= 12
    assert risen["since"] == datetime.fromisoformat(changed).date().isoformat()
    assert (risen["change"]["kind"], risen["change"]["version"]) == ("dialplan", "2026-11_26.privat")
