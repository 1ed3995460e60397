"""What a caller may call himself on a real FreeSWITCH: the call is recorded like any other, and nobody is fooled."""

from __future__ import annotations

import asyncio

import pytest

from callguard.lab.media import CounterTone
from callguard.lab.sip import Phone
from callguard.ports import StoredCall
from tests.e2e.site import incidents, states
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio(loop_scope="session")
NAMES = [
    (b"O'Brien \\\"; DROP TABLE call;--", b"15125550147"),
    (b"${system(touch pwned)} ${uuid} $1", b"15125550147"),
    (b"Jos\xe9 \xff", b"15125550147"),
    (b"=cmd|' /C calc'!A0 <script>alert(1)</script>", b"15125550147"),
    (b"x", b"12%0AInjected-Header: evil%0Ax"),
    (b"x", b"12%0AEvent-Name:evil"),
    (b"x", b"12%0a%0aapi%20uptime"),
    (b"x" * 900, b"1" * 300),
    (b"a\tb\x07c", b"anonymous"),
    ("\u202etxt".encode(), "é".encode()),
]


async def newest(site: LiveSite, known: set[str]) -> str:
    """The call that came since."""
    async with asyncio.timeout(5):
        while not (new := {head.call_id async for head in site.log.calls()} - known):
            await asyncio.sleep(0.05)
    return new.pop()


async def until(site: LiveSite, call_id: str, type: str) -> StoredCall:
    async with asyncio.timeout(20):
        while True:
            stored = await site.log.load(call_id)
            if stored is not None and any(row.type == type for row in stored.events):
                return stored
            await asyncio.sleep(0.05)


@pytest.mark.requirement("S123")
@pytest.mark.parametrize(("name", "user"), NAMES)
async def test_a_callers_words_change_nothing(site: LiveSite, name: bytes, user: bytes) -> None:
    known = {head.call_id async for head in site.log.calls()}
    server, ports = site.stand.server, site.stand.agent_ports
    async with (
        await Phone.open("caller", server) as phone,
        await Phone.open("agent4", server, port=ports["agent4"], answer_after=0.05, media=CounterTone(20000)) as agent,
    ):
        call = await phone.dial("support_4", media=CounterTone(), display=name, user=user)
        call_id = await newest(site, known)
        await until(site, call_id, "notice_ended")
        await call.press("1")
        await (await agent.incoming()).answered()
        await until(site, call_id, "recording_growing")
        await asyncio.sleep(1)
        await call.hangup()
        stored = await until(site, call_id, "recording_verified")
    assert states(stored) == ["verified"] and incidents(stored) == set()
    config = ("--config", str(site.stand.config))
    for words in (("calls", "show"), ("calls", "card"), ("verify",), ("replay",), ("explain",)):
        about = stored.recordings[0].recording_id if words == ("explain",) else call_id
        status, out, err = await site.stand.run(*words, about, *config, check=False)
        assert status == 0 and "Traceback" not in err and not {"\x07", "\x1b", "\u202e"} & set(out), (out, err)
    assert not {"DROP", "Injected", "alert", "pwned"} & set(site.printed().replace("=", " ").split())
    assert not list(site.stand.work.rglob("pwned"))
