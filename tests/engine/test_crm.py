"""Asking a customer record, of a real HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from callguard.core.policy import UNKNOWN
from callguard.engine.crm import LARGEST, Crm
from callguard.ports import Endpoint, Found

CALLER = Endpoint("c1", "PJSIP/trunk-1", "PJSIP/trunk", number='+1415"; drop table&x=1')


class Record:
    """A customer record: what it answers, and what it was asked."""

    def __init__(self) -> None:
        self.answer: Any = {}
        self.status, self.delay = 200, 0.0
        self.asked: list[web.Request] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        await asyncio.sleep(self.delay)
        if isinstance(self.answer, bytes):
            return web.Response(body=self.answer, status=self.status)
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
async def record() -> AsyncIterator[tuple[Record, Crm]]:
    own = Record()
    app = web.Application()
    app.router.add_get("/where", own.__call__)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    crm = Crm(f"http://127.0.0.1:{port}/where", token="t0ken", seconds=0.3)
    yield own, crm
    await crm.close()
    await runner.cleanup()


async def test_what_the_record_says_is_found(record: tuple[Record, Crm]) -> None:
    own, crm = record
    own.answer = {"place": "US-CA", "line": "mobile", "known": True, "colour": "red"}
    assert await crm(CALLER, UNKNOWN) == Found("US-CA", "mobile", True)
    assert own.asked[0].query["number"] == CALLER.number and list(own.asked[0].query) == ["number"]
    assert crm.concerns(CALLER, UNKNOWN, "outbound")
    assert own.asked[0].headers["Authorization"] == "Bearer t0ken"


async def test_who_is_not_in_the_record_is_nobody_known(record: tuple[Record, Crm]) -> None:
    own, crm = record
    own.status = 404
    assert await crm(CALLER, UNKNOWN) == Found()


def test_nobody_is_asked_about_who_has_no_number() -> None:
    assert not Crm("http://127.0.0.1:9/where").concerns(Endpoint("c2", "x", "x"), UNKNOWN, "inbound")


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, {}),
        (302, {}),
        (200, []),
        (200, b"<html>"),
        (200, b"{" + b" " * (2 * LARGEST) + b"}"),
        (200, {"place": "California"}),
        (200, {"place": 5}),
        (200, {"line": "fax"}),
        (200, {"known": "yes"}),
    ],
)
async def test_an_odd_answer_is_none(record: tuple[Record, Crm], status: int, answer: Any) -> None:
    own, crm = record
    own.status, own.answer = status, answer
    with pytest.raises(ConnectionError):
        await crm(CALLER, UNKNOWN)


async def test_late_is_no_answer(record: tuple[Record, Crm]) -> None:
    own, crm = record
    own.delay = 0.6
    with pytest.raises(TimeoutError):
        await crm(CALLER, UNKNOWN)


async def test_nobody_there_is_no_answer() -> None:
    crm = Crm("http://127.0.0.1:9/where")
    with pytest.raises(ConnectionError):
        await crm(CALLER, UNKNOWN)
    await crm.close()
