from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import aiohttp
import pytest

from callguard.errors import Unreachable
from callguard.lab import asterisk as lab
from callguard.lab.asterisk import Asterisk
from callguard.lab.probe import server_name


async def ari_status(asterisk: Asterisk, password: str) -> int:
    query = {"api_key": f"{asterisk.ari_user}:{password}"}
    async with aiohttp.ClientSession() as session, session.get(f"{asterisk.ari_url}/asterisk/info", params=query) as it:
        return it.status


async def test_it_serves_sip_ari_ami_and_its_command_line(asterisk: Asterisk) -> None:
    assert await server_name(asterisk.server) == asterisk.site.user_agent
    assert await ari_status(asterisk, asterisk.ari_password) == 200
    assert await ari_status(asterisk, "wrong") == 401
    reader, writer = await asyncio.open_connection(asterisk.ami_host, asterisk.ami_port)
    assert (await reader.readline()).startswith(b"Asterisk Call Manager/")
    writer.close()
    assert "0 active channels" in await asterisk.cli("core show channels")
    assert "bridge_native_rtp" not in await asterisk.cli("module show like bridge")


async def test_its_log_holds_no_error(asterisk: Asterisk) -> None:
    assert [line for line in asterisk.log.read_text().splitlines() if " ERROR[" in line] == []


async def test_two_run_side_by_side(tmp_path: Path, asterisk: Asterisk) -> None:
    async with Asterisk(tmp_path / "second") as other:
        assert await server_name(other.server) == other.site.user_agent != asterisk.site.user_agent
        assert other.sip_port != asterisk.sip_port and other.ari_password != asterisk.ari_password


async def test_killed_and_started_again_it_keeps_ports_and_secrets(asterisk: Asterisk) -> None:
    before = asterisk.site
    await asterisk.kill()
    with pytest.raises(Unreachable):
        await asterisk.cli("core show channels")
    await asterisk.restart()
    assert asterisk.site == before
    assert await ari_status(asterisk, asterisk.ari_password) == 200


async def test_after_stop_nothing_is_left_running(tmp_path: Path) -> None:
    one = Asterisk(tmp_path)
    await one.start()
    pid, run = one.pid, one.site.run
    await one.stop()
    assert not run.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await one.stop()


async def test_before_start_its_ports_are_not_known(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="not started"):
        _ = Asterisk(tmp_path).sip_port


def test_a_free_range_is_free_and_in_a_row() -> None:
    first, last = lab.free_range(100)
    assert last - first == 99 and first % 2 == 0
    for port in (first, last):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(("127.0.0.1", port))


def test_the_snippets_are_found() -> None:
    assert {"callguard.conf", "example-inbound.conf"} <= {path.name for path in lab.dialplan_dir().iterdir()}
