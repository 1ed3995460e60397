"""What can be wrong between `callguard run` and FreeSWITCH: one sentence, a status, and nobody kept waiting."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.e2e.switch_site import SwitchSite

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(name="site")
def _site(switched_site: SwitchSite) -> SwitchSite:
    return switched_site


async def run_with(site: SwitchSite, change: Callable[[str], str]) -> tuple[int, str]:
    """Status and words of a second controller, for a PBX of its own, whose callguard.toml was changed."""
    name = uuid.uuid4().hex
    text = site.stand.config.read_text().replace('data_dir = "data"', f'data_dir = "{name}"')
    text = text.replace(f":{site.switch.controller}", ":18084")  # it listens elsewhere
    other = site.stand.config.with_name(f"{name}.toml")
    other.write_text(change(text.replace('pbx_id = "lab"', f'pbx_id = "{name}"')))
    status, _, err = await site.stand.run("run", "--config", str(other), check=False)
    assert "Traceback" not in err
    return status, err


def at(port: int, host: str = "127.0.0.1") -> Callable[[str], str]:
    return lambda text: re.sub(r"\nport = \d+", f'\nhost = "{host}"\nport = {port}', text)


@asynccontextmanager
async def says(greeting: bytes) -> AsyncIterator[int]:
    """Somebody who says GREETING and then nothing: their port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await reader.read()
        writer.close()

    own = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with own:
        yield own.sockets[0].getsockname()[1]


@pytest.mark.requirement("S123")
async def test_a_wrong_password_and_an_access_list_that_turns_us_away(site: SwitchSite) -> None:
    def guessed(text: str) -> str:
        return re.sub('password = ".*"', 'password = "hunter2hunter2"', text, count=1)

    async with says(b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n") as port:
        wrong, turned_away = await asyncio.gather(run_with(site, guessed), run_with(site, at(port)))
    assert wrong[0] == 3 and "refuses the password; see event_socket.conf.xml" in wrong[1]
    assert "hunter2" not in wrong[1]
    assert turned_away[0] == 3 and "turns us away; see apply-inbound-acl" in turned_away[1]


@pytest.mark.requirement("S123")
async def test_a_port_that_is_open_and_silent_and_one_that_speaks_something_else(site: SwitchSite) -> None:
    async with says(b"") as silent, says(b"220 mail.example ESMTP\r\n\r\n") as mail:
        begin = time.monotonic()
        both = await asyncio.gather(run_with(site, at(silent)), run_with(site, at(mail)))
    assert time.monotonic() - begin < 20
    for status, err in both:
        assert status == 3 and "does not speak ESL" in err


@pytest.mark.requirement("S123")
async def test_names_and_addresses(site: SwitchSite) -> None:
    """A name that means nothing; IPv6 loopback where nobody listens; everybody's password on another machine."""

    def clue(text: str) -> str:
        return re.sub('password = ".*"', 'password = "ClueCon"', at(8021, "192.0.2.1")(text), count=1)

    nobody, six, everybody = await asyncio.gather(
        run_with(site, at(8021, "pbx.invalid")), run_with(site, at(site.switch.port, "::1")), run_with(site, clue)
    )
    assert nobody[0] == 3 and "pbx.invalid:8021 is not reachable" in nobody[1]
    assert six[0] == 3 and f"::1:{site.switch.port} is not reachable" in six[1]
    assert everybody[0] == 2 and "freeswitch.password" in everybody[1]
    assert "ClueCon, which everybody knows" in everybody[1]


@pytest.mark.requirement("S123")
async def test_a_name_of_this_machine_is_as_good_as_its_address(site: SwitchSite) -> None:
    """It gets as far as the lock: another controller leads this PBX."""
    status, err = await run_with(
        site, lambda text: re.sub('pbx_id = ".*"', 'pbx_id = "lab"', at(site.switch.port, "localhost")(text))
    )
    assert status == 2 and "another controller leads PBX lab of tenant lab: only one may" in err
    talk = await site.call()  # the first one goes on
    await talk.told()
    site.switch.press(talk.far, "2")
    await talk.met()
    site.switch.hang_up(talk.far)


@pytest.mark.requirement("S123")
async def test_a_module_that_is_loaded_anew_is_a_lost_link_and_a_new_one(site: SwitchSite) -> None:
    """`reload mod_event_socket`: every connection ends, the channels that waited go on, then the port opens again."""
    talk = await site.call()
    await talk.told()
    site.switch.cut()
    await talk.met()
    for link in ("pbx", "guard"):
        await talk.row("link_lost", link=link)
        await talk.row("link_restored", link=link)
    assert not [line for line in site.switch.asked if line.startswith(f"api uuid_record {talk.far.uuid} start")]
    again = await site.call()
    await again.recorded()
    for own in (talk, again):
        site.switch.hang_up(own.far)
    await again.row("channel_hung_up")


@pytest.mark.requirement("S123")
async def test_a_channel_is_answered_at_once_so_that_no_invite_hangs(site: SwitchSite) -> None:
    """A handler that said nothing kept an INVITE for 8 s: ours speaks first, and is done with who does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.switch.controller)
    assert await asyncio.wait_for(reader.readuntil(b"\n\n"), 1) == b"connect\n\n"
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
