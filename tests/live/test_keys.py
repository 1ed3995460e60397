"""Keys on a real FreeSWITCH: by RTP, by SIP INFO, in the sound; and those that a program makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from callguard.lab.dialog import Call
from callguard.lab.media import PACKET, RATE, Samples, WavSource
from callguard.lab.sip import Phone
from tests.e2e.site import states, types
from tests.live.site import LiveSite

TONES = {"1": (697, 1209), "2": (697, 1336)}
HEAR = '        <action application="spandsp_start_dtmf"/>\n'


def tone(key: str, seconds: float = 0.2) -> Samples:
    """The two tones of a key."""
    at = np.arange(int(RATE * seconds) // PACKET * PACKET) / RATE
    low, high = (6000 * np.sin(2 * np.pi * hertz * at) for hertz in TONES[key])
    both: Samples = (low + high).astype(np.int16)
    return both


async def press_by_info(phone: Phone, call: Call, key: str) -> int:
    """A key in the signalling: the status of the answer."""
    call.sequence += 1
    draft = phone._request(call, "INFO", call.sequence, f"z9hG4bK{call.sequence}{call.local_tag}")
    draft.body = f"Signal={key}\r\nDuration=160\r\n"
    data = draft.encode().replace(b"application/sdp", b"application/dtmf-relay")
    return (await phone._transact(call, "INFO", call.sequence, data)).status


@pytest.mark.requirement("S123", "S44")
@pytest.mark.asyncio(loop_scope="session")
async def test_a_key_by_sip_info_counts(site: LiveSite) -> None:
    async with site.talk() as talk:
        await talk.told()
        assert await press_by_info(talk.caller, talk.call, "1") == 200
        await talk.meets()
        await talk.row("recording_opened")
        await talk.says(0.5)
        stored = await talk.ends()
    assert types(stored).count("digit_pressed") == 1 and states(stored) == ["verified"]


@pytest.mark.requirement("S123", "S126")
@pytest.mark.asyncio(loop_scope="session")
async def test_a_key_that_a_program_made_is_silence(site: LiveSite) -> None:
    async with site.talk() as talk:
        await talk.told()
        said = await site.api(f"uuid_recv_dtmf {site.far(talk)} 1@800")
        assert said.startswith("+OK"), said
        await talk.row("unexpected", what="DTMF")
        await talk.row("consent_silent")
        await talk.meets()
        stored = await talk.ends()
    assert not stored.recordings and "digit_pressed" not in types(stored)


@pytest.mark.requirement("S123", "S126")
@pytest.mark.asyncio
async def test_a_key_in_the_sound_counts_where_callguard_toml_says_so_and_nowhere_else(folder: Path) -> None:
    async with await LiveSite.raise_on(folder, before=HEAR) as site:
        async with site.talk() as talk:
            await talk.told()
            talk.call.rtp.source = WavSource(tone("1"), loop=False)
            await talk.row("unexpected", what="DTMF")
            await talk.row("consent_silent")
            await talk.meets()
            assert not (await talk.ends()).recordings
        await site.stand.stop_controller()
        text = site.stand.config.read_text()
        site.stand.config.write_text(text.replace("[freeswitch]\n", "[freeswitch]\nin_band_digits = true\n"))
        await site.stand.start_controller()
        async with site.talk() as talk:
            await talk.told()
            talk.call.rtp.source = WavSource(tone("1"), loop=False)
            await talk.meets()
            await talk.row("recording_opened")
            await talk.says(0.5)
            stored = await talk.ends()
        assert types(stored).count("consent_granted") == 1 and states(stored) == ["verified"]
