"""Who is led away by a panel while it waits in our application has gone on: nobody asks for that again."""

from __future__ import annotations

import pytest

from tests.e2e.matrix import changing
from tests.e2e.site import Site, incidents, types

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.requirement("S123")
async def test_a_redirect_during_the_question_ends_the_wait(site: Site) -> None:
    async with changing(site, 7, 8, "moved") as change:
        talk = change.talk
        await talk.row("notice_started", script="notice")
        await change.redirects("to_8", "caller")
        await change.rings()
        await talk.says(2.5)  # it was asked for again every second
        assert change.coming
        await change.coming.hangup()
        stored = await talk.ends()
        assert "send_on_failed" not in incidents(stored) and types(stored).count("effect_failed") <= 1
        assert stored.recordings == ()
