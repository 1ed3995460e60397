"""What the law says where people are, on real calls: announced in one, asked in another, grown in a third, never in a
fourth; the explanation is read back from the log."""

from __future__ import annotations

import asyncio

import pytest

from callguard.proof import prove
from callguard.store.pack import shipped_pack
from tests.e2e.site import CALIFORNIAN, ELSEWHERE, Site, Talk, states, types

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def resolved(talk: Talk) -> dict[str, object]:
    return dict((await talk.row("rule_resolved")).data)


@pytest.mark.requirement("S9", "S12", "S46", "S41")
async def test_where_people_are_decides(site: Site) -> None:
    async def announced() -> None:
        async with site.talk("survey") as talk:
            rule = await resolved(talk)
            assert (rule["mode"], rule["jurisdictions"]) == ("announce", ["US-TX"])
            assert rule["rows"] == ["US-TX", "US"] and rule["rule_pack"] == shipped_pack().version
            await talk.meets()
            await talk.row("recording_opened")
            await talk.says(0.5)
            stored = await talk.ends()
        assert states(stored) == ["verified"] and not prove(stored)
        assert stored.recordings[0].preflight_id == rule["preflight"] and stored.rules == shipped_pack()
        assert "5550147" not in repr([(row.data, row.decision) for row in stored.events])

    async def asked() -> None:
        async with site.talk("strict") as talk:
            rule = await resolved(talk)
            assert (rule["mode"], rule["jurisdictions"]) == ("ask", ["US-MD", "US-TX"])
            assert any("US-MD" in str(reason) for reason in list(rule["reasons"]))  # type: ignore[call-overload]
            await talk.told()
            await talk.row("consent_silent")
            await talk.meets()
            stored = await talk.ends()
        assert not stored.recordings and not prove(stored)

    async def grown(agent: int) -> None:
        async with site.talk("survey", agent_number=agent) as talk:
            assert (await resolved(talk))["mode"] == "announce"
            await talk.meets()
            grown = (await talk.row("rule_reevaluated")).data
            assert (grown["old_mode"], grown["mode"]) == ("announce", "ask")
            assert grown["jurisdictions"] == ["US-CA", "US-TX"]
            await talk.row("notice_ended", script="question")
            await talk.call.press("1")
            await talk.row("recording_opened")
            await talk.says(0.5)
            stored = await talk.ends()
        [*_, granted] = [row for row in stored.events if row.type == "consent_granted"]
        assert granted.data["how"] == "express_dtmf" and states(stored) == ["verified"] and not prove(stored)

    async def never() -> None:
        async with site.talk("private") as talk:
            assert (await resolved(talk))["mode"] == "never"
            await talk.meets()
            stored = await talk.ends()
        assert not stored.recordings and "notice_started" not in types(stored)

    await asyncio.gather(announced(), asked(), grown(CALIFORNIAN), grown(ELSEWHERE), never())
