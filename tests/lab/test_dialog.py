from __future__ import annotations

import asyncio

import pytest

from callguard.errors import Unreachable
from callguard.lab.dialog import Call, CallState
from callguard.lab.rtp import RtpStream


class Desk:
    """A line that writes down what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def reinvite(self, call: Call, direction: str) -> None:
        self.asked.append(direction)

    async def refer(self, call: Call, extension: str, replaces: str = "") -> None:
        self.asked.append(f"refer {extension}{replaces and f' for {replaces}'}")

    async def inform(self, call: Call, body: str) -> None:
        self.asked.append(body.split()[0])

    async def end(self, call: Call) -> None:
        self.asked.append("end")
        call.move(CallState.ENDED)

    def accept(self, call: Call) -> None:
        self.asked.append("accept")

    def forget(self, call: Call) -> None:
        self.asked.append("forget")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def call(desk: Desk) -> Call:
    return Call(desk, RtpStream(), "id", "<sip:1@pbx>", "sip:1@pbx")


async def test_waiting_ends_when_the_state_is_reached(call: Call) -> None:
    waiting = asyncio.create_task(call.answered())
    await asyncio.sleep(0)
    call.move(CallState.RINGING)
    await asyncio.sleep(0)
    assert not waiting.done()
    call.move(CallState.UP)
    await waiting


async def test_waiting_for_an_answer_fails_when_the_call_ends(call: Call) -> None:
    call.status = 486
    call.move(CallState.ENDED)
    with pytest.raises(Unreachable, match="486"):
        await call.answered()
    await call.ended()


async def test_waiting_has_a_limit(call: Call) -> None:
    with pytest.raises(Unreachable, match="still trying"):
        await call.ended(timeout=0.01)


async def test_an_ended_call_stays_ended(call: Call) -> None:
    call.move(CallState.ENDED)
    call.move(CallState.UP)
    assert call.state is CallState.ENDED


async def test_hold_silences_until_unhold(call: Call, desk: Desk) -> None:
    await call.hold()
    assert call.rtp.muted
    await call.unhold()
    assert not call.rtp.muted and desk.asked == ["sendonly", "sendrecv"]


async def test_a_dropped_call_says_nothing(call: Call, desk: Desk) -> None:
    call.drop()
    assert desk.asked == ["forget"] and call.state is CallState.ENDED


async def test_the_rest_is_left_to_the_line(call: Call, desk: Desk) -> None:
    call.answer()
    await call.refer("600")
    await call.signal("1#")
    consulted = Call(desk, RtpStream(), "other", "<sip:2@pbx>;tag=theirs", "sip:2@pbx")
    await call.hand_over(consulted)
    await call.hangup()
    handed = f"refer x for other;to-tag=theirs;from-tag={consulted.local_tag}"
    assert desk.asked == ["accept", "refer 600", "Signal=1", "Signal=#", handed, "end"]
