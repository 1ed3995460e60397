from __future__ import annotations

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from callguard.errors import BadInput, LinkDown, PbxRefused, Unreachable
from callguard.lab.asterisk import Asterisk
from callguard.pbx.asterisk import pausing
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.site import HEARD, AmiAddress
from tests.pbx.rig import SITE

FILTERS = len((*HEARD, *pausing.FILTERS))
"""Requests between the login and what is asked for."""


def address(asterisk: Asterisk) -> AmiAddress:
    return AmiAddress(
        host=asterisk.ami_host, port=asterisk.ami_port, user=asterisk.ami_user, secret=asterisk.ami_secret
    )


@asynccontextmanager
async def connected(to: AmiAddress) -> AsyncIterator[Ami]:
    ami = await Ami.connect(to, lambda _: None)
    try:
        yield ami
    finally:
        await ami.close()


@asynccontextmanager
async def stranger(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A server that is no Asterisk."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_answers_find_their_actions(asterisk: Asterisk) -> None:
    async with connected(address(asterisk)) as ami:
        sent = [ami.send("Ping") for _ in range(20)] + [ami.send("Getvar", Variable="EPOCH") for _ in range(20)]
        answers = await asyncio.gather(*sent)
        assert [bool(answer.get("Variable")) for answer in answers] == [False] * 20 + [True] * 20
        assert all(answer.succeeded for answer in answers)


async def test_a_refused_action_says_so(asterisk: Asterisk) -> None:
    async with connected(address(asterisk)) as ami:
        with pytest.raises(PbxRefused, match="AMI StopMixMonitor"):
            await ami.action("StopMixMonitor", Channel="nobody")


async def test_a_line_break_is_refused_before_anything_is_sent(asterisk: Asterisk) -> None:
    async with connected(address(asterisk)) as ami:
        with pytest.raises(BadInput):
            ami.send("Getvar", Variable="x\r\nAction: Logoff")
        assert (await ami.action("Ping")).succeeded


@pytest.mark.requirement("S126")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"secret": "wrong"}, "wrong secret"),
        ({"user": "nobody"}, "user nobody"),
        ({"port": 1}, "not reachable"),
        ({"host": "host.invalid"}, "not reachable"),
        ({"tls": ssl.create_default_context()}, "TLS"),
    ],
)
async def test_what_is_wrong_is_said_in_a_sentence(asterisk: Asterisk, change: dict[str, object], says: str) -> None:
    with pytest.raises(Unreachable, match=says) as wrong:
        await Ami.connect(replace(address(asterisk), **change), lambda _: None)  # type: ignore[arg-type]
    assert asterisk.ami_secret not in str(wrong.value) and "wrong" not in str(wrong.value).replace("wrong secret", "")


async def test_a_server_that_is_no_ami_is_named(asterisk: Asterisk) -> None:
    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>")

    async with stranger(http) as port:
        with pytest.raises(Unreachable, match="does not speak AMI"):
            await Ami.connect(replace(address(asterisk), host="127.0.0.1", port=port), lambda _: None)


async def test_odd_replies_do_not_end_the_connection() -> None:
    replies = [
        b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nActionID: cg1\r\n\r\n",
        b"Response: Error\r\nActionID: cg2\r\n\r\n"
        b"garbage\xff\r\n\r\nResponse: Success\r\nActionID: unknown\r\n\r\n: \r\n\r\n",
        *(b"Response: Error\r\nActionID: cg%d\r\n\r\n" % number for number in range(3, 2 + FILTERS)),
        b"Event: X\r\nCallerIDName: \xff\r\n\r\nResponse: Success\r\nActionID: cg%d\r\nValue: 1\r\n\r\n"
        % (2 + FILTERS),
    ]

    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
        await reader.read()

    events: list[Message] = []
    async with stranger(odd) as port:
        ami = await Ami.connect(AmiAddress(host="127.0.0.1", port=port, user="u", secret="s"), events.append, 60)
        assert (await ami.action("Getvar")).get("Value") == "1"
        assert [event.get("Event") for event in events] == ["X"]
        await ami.close()


@pytest.mark.parametrize("cut_at", [0, 1, 30, 40])
async def test_a_cut_in_mid_answer_fails_what_waits_and_sends_nothing_again(cut_at: int) -> None:
    received = bytearray()
    answer = b"Response: Success\r\nActionID: cg%d\r\nMixMonitorID: 0x1\r\n\r\n" % (2 + FILTERS)

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        for number in range(1, 2 + FILTERS):
            received.extend(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"Response: Success\r\nActionID: cg%d\r\n\r\n" % number)
        received.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer[:cut_at])
        await writer.drain()

    async with stranger(cut) as port:
        ami = await Ami.connect(AmiAddress(host="127.0.0.1", port=port, user="u", secret="s"), lambda _: None, 60)
        with pytest.raises(LinkDown):
            await ami.action("MixMonitor", Channel="1.1")
        await asyncio.wait_for(ami.closed, 1)
        with pytest.raises(LinkDown):
            await ami.action("Ping")
        await ami.close()
    assert received.count(b"Action: MixMonitor") == 1


@pytest.mark.requirement("S126")
async def test_a_stopped_asterisk_is_noticed(tmp_path: Path) -> None:
    async with Asterisk(tmp_path, dialplan=SITE) as asterisk, connected(address(asterisk)) as ami:
        os.kill(asterisk.pid, signal.SIGSTOP)
        await asyncio.sleep(0.1)  # a stop takes effect a little later in the threads of a process
        try:
            pending = ami.send("Getvar", Variable="EPOCH")
            async with asyncio.timeout(3):
                await ami.closed
            assert isinstance(pending.exception(), LinkDown)
        finally:
            os.kill(asterisk.pid, signal.SIGCONT)
