"""What a caller may wish for while it is told, and what it hears where a recording is needed."""

from __future__ import annotations

import pytest

from tests.e2e.quick import LANGUAGE, OTHER
from tests.e2e.site import Site, at, states, types


@pytest.mark.requirement("S20", "S53")
async def test_more_and_another_language_are_a_key_away(site: Site) -> None:
    async with site.talk("polyglot") as talk:
        await talk.row("notice_started", script="notice", language=LANGUAGE)
        await talk.call.press("3")
        await talk.row("notice_started", script="notice", language=OTHER)
        await talk.call.press("9")
        await talk.row("notice_started", script="long_notice", language=OTHER)
        await talk.row("notice_ended", script="long_notice")
        await talk.row("notice_ended", script="notice")
        await talk.call.press("1")
        await talk.meets()
        await talk.row("recording_opened")
        await talk.says(0.3)
        stored = await talk.ends()
    assert states(stored) == ["verified"] and "incident_opened" not in types(stored)
    granted = next(row.at for row in stored.events if row.type == "consent_granted")
    assert at(stored, "notice_ended", script="notice") < granted
    assert {row.data["digit"] for row in stored.events if row.type == "digit_pressed"} == {"1", "3", "9"}
