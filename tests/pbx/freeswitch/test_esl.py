"""One Event Socket connection, against a scripted FreeSWITCH."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from callguard.errors import BadInput, LinkDown, PbxRefused, Unreachable
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.site import EslAddress, password_problem
from tests.pbx.freeswitch.capture import answer_to
from tests.pbx.freeswitch.scripted import PASSWORD
from tests.pbx.freeswitch.session import Exchange


@pytest_asyncio.fixture(loop_scope="session")
async def switch() -> AsyncIterator[Exchange]:
    async with Exchange() as own:
        yield own


def address(switch: Exchange, password: str = PASSWORD) -> EslAddress:
    return EslAddress(host="127.0.0.1", port=switch.port, password=password)


@contextlib.asynccontextmanager
async def linked(
    switch: Exchange, heartbeat: float = 5.0, patience: float = 5.0
) -> AsyncIterator[tuple[Esl, list[Message]]]:
    heard: list[Message] = []
    esl = await Esl.connect(address(switch), heard.append, heartbeat, patience)
    try:
        yield esl, heard
    finally:
        await esl.close()


@contextlib.asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[EslAddress]:
    """Somebody who greets with the first frame of ANSWER and says the rest when spoken to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeting, _, rest = answer.partition(b"\n\n")
        writer.write(greeting + b"\n\n")
        with contextlib.suppress(OSError):
            await reader.read(100)
            writer.write(rest)
            await reader.read()
        writer.close()

    own = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with own:
        yield EslAddress(host="127.0.0.1", port=own.sockets[0].getsockname()[1], password="x")


@contextlib.asynccontextmanager
async def ending(answer: bytes) -> AsyncIterator[EslAddress]:
    """Somebody who greets with the first frame of ANSWER, says the rest when spoken to twice, and is gone."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeting, login, rest = (part + b"\n\n" for part in answer.split(b"\n\n", 2))
        writer.write(greeting)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\n\n")
            writer.write(login)
            await reader.readuntil(b"\n\n")
            writer.write(rest.removesuffix(b"\n\n"))
        writer.close()

    own = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with own:
        yield EslAddress(host="127.0.0.1", port=own.sockets[0].getsockname()[1], password="x")


async def test_answers_come_in_the_order_of_the_commands(switch: Exchange) -> None:
    async with linked(switch) as (esl, _):
        answers = [esl.send(command) for command in ("api uuid_exists a", "api uptime", "event plain all", "nonsense")]
        texts = [(await answer).text.strip() for answer in answers]
    assert texts == ["false", "4711", "+OK event listener enabled plain", "-ERR command not found"]


async def test_a_no_is_refused_in_our_words(switch: Exchange) -> None:
    async with linked(switch) as (esl, _):
        with pytest.raises(PbxRefused) as no:
            await esl.ask("api uuid_record gone stop all")
        assert no.value.reason == "no such channel"
        with pytest.raises(PbxRefused) as no:
            await esl.ask("sendmsg gone", [("call-command", "execute"), ("execute-app-name", "answer")])
        assert no.value.reason == "no such channel"


async def test_events_are_heard(switch: Exchange) -> None:
    async with linked(switch) as (esl, heard):
        await esl.ask("event plain all")
        channel = switch.channel("sofia/lab/caller@127.0.0.1:1")
        await esl.ask("api uptime")
        own = [(item["Event-Name"], item["Unique-ID"]) for item in heard if item["Event-Name"] != "API"]
        assert own == [("CHANNEL_CREATE", channel.uuid)]


@pytest.mark.parametrize("evil", ["x\n\napi system", "x\rb", "x\0"])
async def test_what_a_caller_chose_cannot_become_a_command(switch: Exchange, evil: str) -> None:
    async with linked(switch) as (esl, _):
        with pytest.raises(BadInput):
            esl.send(f"api uuid_getvar {evil}")


# ---------------------------------------------------------------- losing it
async def test_a_command_without_an_answer_is_a_lost_link(switch: Exchange) -> None:
    """A byte that is no UTF-8 kills the reader of other clients, which hang for ever (greenswitch, genesis)."""
    async with linked(switch, heartbeat=60, patience=0.3) as (esl, _):
        switch.mute = True
        with pytest.raises(LinkDown):
            await asyncio.wait_for(esl.ask("api uptime"), 5)
        assert esl.closed.done()


async def test_a_stopped_freeswitch_is_noticed(switch: Exchange) -> None:
    async with linked(switch, heartbeat=0.3) as (esl, _):
        switch.mute = True
        await asyncio.wait_for(asyncio.shield(esl.closed), 5)
        with pytest.raises(LinkDown):
            await esl.ask("api uptime")


async def test_a_quiet_freeswitch_gives_a_sign_of_life(switch: Exchange) -> None:
    async with linked(switch, heartbeat=0.1) as (esl, _):
        await asyncio.sleep(0.6)
        assert not esl.closed.done() and "api uptime" in switch.asked


async def test_a_cut_fails_what_waits(switch: Exchange) -> None:
    async with linked(switch) as (esl, _):
        switch.mute = True
        answers = [esl.send("api uptime") for _ in range(3)]
        switch.cut()
        for answer in answers:
            with pytest.raises(LinkDown):
                await answer


GREETED = b"Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK accepted\n\n"


@pytest.mark.parametrize(
    "wrong", [b"Content-Length: -5\n\n", b"Content-Type: api/response\nContent-Length: 9999999999\n\n"]
)
async def test_a_stream_that_cannot_be_read_on_is_a_lost_link(wrong: bytes) -> None:
    async with server(GREETED + wrong) as own:
        esl = await Esl.connect(own, lambda _: None)
        await asyncio.wait_for(asyncio.shield(esl.closed), 5)
        await esl.close()


@pytest.mark.fault("EvoluxBR/greenswitch#47")
@pytest.mark.parametrize("cut", range(len(GREETED)))
async def test_a_socket_that_ends_anywhere_leaves_nothing_stuck(cut: int) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETED[:cut])
        writer.close()

    own = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with own:
        port = own.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable):
            await asyncio.wait_for(
                Esl.connect(EslAddress(host="127.0.0.1", port=port, password="x"), lambda _: None), 5
            )


RUNNING = (
    b"Content-Type: api/response\nContent-Length: 4\n\n4711Content-Type: text/event-plain\nContent-Length: 27\n\n"
    b"Event-Name: CHANNEL_HANGUP\nContent-Type: api/response\nContent-Length: 5\n\nagain"
)


@pytest.mark.fault("EvoluxBR/greenswitch#57", "EvoluxBR/greenswitch#28", "percipia/eslgo#26")
async def test_a_running_link_that_ends_anywhere_leaves_nobody_waiting() -> None:
    """Every waiter has its answer or LinkDown at once, wherever the stream was cut."""
    for cut in range(len(RUNNING)):
        async with ending(GREETED + RUNNING[:cut]) as own:
            esl = await Esl.connect(own, lambda _: None)
            answers = [esl.send("api uptime") for _ in range(2)]
            done = await asyncio.wait_for(asyncio.gather(*answers, return_exceptions=True), 5)
            assert isinstance(done[1], LinkDown) and esl.closed.done()
            await esl.close()


@pytest.mark.fault("englercj/node-esl#84")
@pytest.mark.parametrize(("how", "lost"), [("linger", False), ("disconnect", True)])
async def test_a_link_that_lingers_is_heard_to_its_end(how: str, lost: bool) -> None:
    """A hang-up is told with `linger` before what belongs to it: CHANNEL_HANGUP_COMPLETE comes afterwards."""
    notice = f"Content-Type: text/disconnect-notice\nContent-Disposition: {how}\nContent-Length: 4\n\nbye\n".encode()
    heard: list[Message] = []
    last = b"Event-Name: CHANNEL_HANGUP_COMPLETE\n"
    event = b"Content-Type: text/event-plain\nContent-Length: %d\n\n%b" % (len(last), last)
    async with server(GREETED + notice + event) as own:
        esl = await Esl.connect(own, heard.append)
        while not (heard or esl.closed.done()):
            await asyncio.sleep(0.005)
        assert esl.closed.done() is lost
        assert lost or [message["Event-Name"] for message in heard] == ["CHANNEL_HANGUP_COMPLETE"]
        await esl.close()


async def test_an_answer_that_nobody_asked_for_is_no_harm() -> None:
    extra = b"Content-Type: command/reply\nReply-Text: +OK what\n\n"
    async with server(GREETED + extra) as own:
        esl = await Esl.connect(own, lambda _: None)
        await asyncio.sleep(0.05)
        assert not esl.closed.done()
        await esl.close()


# ---------------------------------------------------------------- getting in
async def test_a_wrong_password_is_named(switch: Exchange) -> None:
    with pytest.raises(Unreachable, match="refuses the password"):
        await Esl.connect(address(switch, "other"), lambda _: None)


async def test_an_access_list_that_turns_us_away_is_named() -> None:
    async with server(b"Content-Type: text/rude-rejection\n\n") as own:
        with pytest.raises(Unreachable, match="apply-inbound-acl"):
            await Esl.connect(own, lambda _: None)


async def test_nobody_there_is_named(switch: Exchange) -> None:
    await switch.kill()
    with pytest.raises(Unreachable, match="not reachable"):
        await Esl.connect(address(switch), lambda _: None)


@pytest.mark.parametrize("password", ["", "ClueCon"])
async def test_everybodys_password_is_refused_where_everybody_can_come(password: str) -> None:
    with pytest.raises(BadInput, match=r"freeswitch\.password"):
        await Esl.connect(EslAddress(host="192.0.2.1", password=password), lambda _: None)
    assert password_problem("127.0.0.1", password) and not password_problem("192.0.2.1", "another")


def test_the_scripted_one_answers_as_a_real_one_did() -> None:
    assert answer_to("consent.inbound", "auth").startswith("+OK accepted")
    assert answer_to("controller-reattach-close.inbound", "api uuid_record").strip() == "+OK Success"
    assert answer_to("misc.outbound", "api sched_api").startswith("+OK Added:")
    assert answer_to("misc.outbound", "api sched_del") == "+OK Deleted: 1\n"
    assert answer_to("greenswitch-inject.outbound", "exit").startswith("+OK bye")
