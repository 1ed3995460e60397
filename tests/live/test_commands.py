"""The command line on a real FreeSWITCH: demo, doctor, and what may be wrong between it and `callguard run`."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from callguard.errors import Unreachable
from callguard.lab.demo import run_demo
from callguard.lab.stand import Stand
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.site import EslAddress
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio
Change = Callable[[str], str]
LOOPBACK = '<node type="allow" cidr="127.0.0.1/32"/>'


async def _kept(stand: Stand) -> None:
    """The demo is not left up."""


async def said(site: LiveSite, change: Change, *, same: bool = False, verb: str = "run") -> tuple[int, str]:
    """Status and words of a command whose callguard.toml was changed; SAME: it governs the same PBX."""
    name, stand = uuid.uuid4().hex, site.live_stand
    text = stand.config.read_text().replace('data_dir = "data"', f'data_dir = "{name}"')
    text = text.replace(f':{stand.freeswitch.site.listen_port}"', ':1024"')
    if not same:
        text = re.sub('pbx_id = ".*"', f'pbx_id = "{name}"', text)
    own = stand.config.with_name(f"{name}.toml")
    own.write_text(change(text))
    status, out, err = await stand.run(verb, "--config", str(own), check=False)
    assert "Traceback" not in err
    return status, out + err


def with_host(host: str) -> Change:
    return lambda text: text.replace("[freeswitch]\n", f'[freeswitch]\nhost = "{host}"\n')


async def reload(site: LiveSite, host: str = "127.0.0.1") -> str:
    """`reload mod_event_socket`: it takes the connection along that asks for it."""
    own = site.live_stand.freeswitch.site
    with suppress(Unreachable):
        esl = await Esl.connect(EslAddress(host=host, port=own.esl_port, password=own.esl_password), lambda _: None)
        answer = await esl.ask("api reload mod_event_socket")
        await asyncio.sleep(1)
        await esl.close()
        return answer
    return ""


@pytest.mark.requirement("S123")
async def test_the_demo_keeps_every_promise() -> None:
    told = await run_demo(lambda line: None, keep=False, kept=_kept, freeswitch=True)
    assert [item.document() for item in told if not item.ok] == [] and len(told) == 5


@pytest.mark.requirement("S123")
async def test_doctor_and_a_first_try_say_what_is_wrong(own_site: LiveSite) -> None:
    site, own = own_site, own_site.live_stand.freeswitch.site
    _, out = await said(site, str, verb="doctor")
    blockers = set(re.findall("^blocker +([a-z ]+):", out, re.MULTILINE))
    assert blockers == {"dialplan", "socket", "texts"}, out  # this site's are made so, and its prompts are beeps

    async def run(change: Change, *, same: bool = False) -> tuple[int, str]:
        return await said(site, change, same=same)

    wrong, nowhere, six, tls, sip, second = await asyncio.gather(
        run(lambda text: text.replace(own.esl_password, "hunter2hunter2")),
        run(with_host("pbx.invalid")),
        run(with_host("::1")),
        run(lambda text: text.replace("[freeswitch]\n", "[freeswitch]\ntls = true\n")),
        run(lambda text: text.replace(f"port = {own.esl_port}\n", f"port = {own.sip_port}\n")),
        run(with_host("localhost"), same=True),
    )
    assert wrong[0] == 3 and "refuses the password" in wrong[1] and "hunter2" not in wrong[1]
    assert nowhere[0] == 3 and "pbx.invalid" in nowhere[1]
    assert six[0] == 3 and "not reachable" in six[1]
    assert tls[0] == 3 and "TLS fails" in tls[1]
    assert sip[0] == 3 and "does not speak ESL" in sip[1]
    assert second[0] == 2 and "only one may" in second[1]


@pytest.mark.requirement("S123")
async def test_the_module_is_loaded_anew_on_another_address_with_another_list(own_site: LiveSite) -> None:
    site, etc = own_site, own_site.live_stand.freeswitch.work / "etc"
    async with site.talk() as talk:
        await talk.row("notice_started", script="notice")
        await reload(site)  # FreeSWITCH does not: "in use, cannot unload"
        assert (await site.stand.ask({"do": "list"}))["faults"] == []
    await asyncio.sleep(3)
    put(etc / "freeswitch.xml", LOOPBACK, f'{LOOPBACK}<node type="allow" cidr="::1/128"/>')
    put(etc / "event_socket.xml", '"listen-ip" value="127.0.0.1"', '"listen-ip" value="::1"')
    await site.api("reloadacl")  # with the XML
    await reload(site)
    status, _ = await said(site, with_host("::1"), verb="doctor")
    assert status == 1  # of another's controller: it is let in
    put(etc / "event_socket.xml", '"listen-ip" value="::1"', '"listen-ip" value="127.0.0.1"')
    own = site.live_stand.freeswitch.site
    esl = await Esl.connect(EslAddress(host="::1", port=own.esl_port, password=own.esl_password), lambda _: None)
    await esl.ask("api reloadxml")
    await esl.close()
    await reload(site, "::1")
    await site.stand.healthy()
    async with site.talk() as talk:
        await talk.recorded()
    await asyncio.sleep(3)
    put(etc / "event_socket.xml", '"loopback.auto"', '"10.0.0.0/8"')
    await site.api("reloadxml")
    await reload(site)
    status, err = await said(site, str)
    assert status == 3 and "turns us away" in err


def put(path: Path, old: str, new: str) -> None:
    """A changed file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.requirement("S1", "S123")
async def test_who_comes_to_a_controller_that_hangs_is_put_through(own_site: LiveSite) -> None:
    """Its port takes the connection, and nobody says `connect`."""
    site = own_site
    assert site.stand.controller is not None
    site.stand.controller.send_signal(signal.SIGSTOP)
    await asyncio.sleep(2)
    began = time.monotonic()
    async with site.talk() as talk:
        await talk.meets()
        print(f"put through after {time.monotonic() - began:.2f} s")
        assert time.monotonic() - began < 3 and await talk.hears_each_other()
    site.stand.controller.send_signal(signal.SIGCONT)
    await site.stand.healthy()
    assert json.loads((await site.stand.run("calls", "list", "--json", "--config", str(site.stand.config)))[1])
