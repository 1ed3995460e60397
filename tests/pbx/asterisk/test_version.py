"""Which Asterisk is taken: what versions answer, and a run against a scripted one of each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from callguard.pbx.asterisk.pbx import AsteriskPbx
from callguard.pbx.asterisk.site import AmiAddress, AriAddress, AsteriskSettings
from callguard.pbx.asterisk.version import TooOld, major, too_old
from callguard.ports import Heard, Link


@pytest.mark.parametrize(
    ("version", "number", "refused"),
    [
        ("22.10.1~dfsg+~cs6.17", 22, False),
        ("20.0.0", 20, False),
        ("certified/20.7-cert2", 20, False),
        ("certified-18.9-cert10", 18, True),
        ("18.26.4", 18, True),
        ("1.8.32.3", 1, True),
        ("GIT-master-0a46be9", None, False),
        ("", None, False),
    ],
)
def test_versions_as_asterisk_writes_them(version: str, number: int | None, *, refused: bool) -> None:
    assert major(version) == number and bool(too_old(version)) is refused


@dataclass
class Old:
    """An Asterisk that answers what our first requests ask. `opened`: how often its ARI was."""

    version: str
    ari: int = 0
    ami: int = 0
    opened: int = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Old]:
        server = await asyncio.start_server(self._manager, "127.0.0.1", 0)
        self.ami = server.sockets[0].getsockname()[1]
        app = web.Application()
        app.router.add_route("*", "/ari/{rest:.*}", self._rest)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.ari = runner.addresses[0][1]
        try:
            yield self
        finally:
            server.close()
            await runner.cleanup()

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/events"):
            return web.json_response([])
        self.opened += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    async def _manager(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/5.0.2\r\n")
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines if ": " in line)
                core = f"AsteriskVersion: {self.version}\r\n" if headers["Action"] == "CoreSettings" else ""
                answer = f"Response: Success\r\nActionID: {headers.get('ActionID', '')}\r\n{core}\r\n"
                writer.write(answer.encode())
        writer.close()

    def settings(self, work: Path) -> AsteriskSettings:
        (work / "recordings").mkdir()
        return AsteriskSettings(
            ari=AriAddress(url=f"http://127.0.0.1:{self.ari}/ari", user="u", password="p"),
            ami=AmiAddress(host="127.0.0.1", port=self.ami, user="u", secret="p"),
            recordings=work / "recordings",
            register=work / "register.jsonl",
        )


async def test_an_18_is_refused_before_a_call_can_be_handed_over(tmp_path: Path) -> None:
    async with Old("18.26.4").running() as old:
        pbx = AsteriskPbx(old.settings(tmp_path))
        with pytest.raises(TooOld, match=r"Asterisk 18\.26\.4 is too old.*Asterisk 20 or newer") as refusal:
            await asyncio.wait_for(pbx.run(lambda *_: None), 5)
        assert old.opened == 0 and refusal.value.exit_code == 2


@pytest.mark.parametrize(
    ("version", "said"),
    [("20.17.0", ["this is Asterisk 20; callguard was tried with 22"]), ("22.10.1", []), ("GIT-x", ["which Asterisk"])],
)
async def test_others_run_and_the_log_says_what_was_tried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, version: str, said: list[str]
) -> None:
    up = asyncio.Event()

    def hear(heard: Heard, raw: object) -> None:
        if isinstance(heard, Link) and heard.up:
            up.set()

    with caplog.at_level(logging.WARNING, "callguard.pbx.asterisk.version"):
        async with Old(version).running() as old:
            running = asyncio.create_task(AsteriskPbx(old.settings(tmp_path)).run(hear))
            await asyncio.wait_for(up.wait(), 5)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    lines = [each.getMessage() for each in caplog.records if each.name.endswith(".version")]
    assert len(lines) == len(said) and all(part in line for part, line in zip(said, lines, strict=True))
