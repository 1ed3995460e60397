"""Sites that are set up unlike others: odd names, a clock that is off, folders that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.site import Site, incidents, states

NAME = "HQ 1/PBX#2+50%_\u00e9&b;?x=y"
"""A systemname begins every channel's id: in paths of ARI, in AMI, in the register, in the log."""


@pytest.mark.requirement("S29")
async def test_a_system_name_of_odd_characters_hinders_nothing(folder: Path) -> None:
    async with await Site.open(folder, system_name=NAME.replace(";", "\\;")) as site:
        async with site.talk() as talk, site.talk("spoken") as waiting:
            await talk.recorded()
            await talk.call.press("*8")
            await talk.says(0.3)
            await talk.answered.press("*8")
            await talk.row("mask_acknowledged")
            await talk.answered.press("*8")
            await talk.row("unmask_acknowledged")
            await talk.says(0.5)
            # a guard's own way to the same channels
            await site.stand.stop_controller(9)
            await talk.says(2)
            await waiting.meets()
            await site.stand.start_controller()
            await talk.row("recording_opened", nth=1)
            assert await talk.hears_each_other() and await waiting.hears_each_other()
            await waiting.ends()
            stored = await talk.ends()
        assert stored.events[0].channel_id.startswith(NAME)
        assert states(stored) == ["verified", "verified"] and incidents(stored) <= {"stopped_by_guard", "pbx_lost"}
        for command in (("calls", "show", stored.events[0].channel_id), ("verify", stored.call.call_id)):
            status, out, err = await site.stand.run(*command, "--config", str(site.stand.config), check=False)
            assert status == 0, out + err
