"""callguard demo: how the verdict is shown. The whole of it, and the document, are tried in tests/lab/test_demo.py."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from pathlib import Path

import pytest
from rich.console import Console

from callguard.cli.demo import _explain, _interrupted, _show
from callguard.lab.asterisk import Asterisk
from callguard.lab.demo import Told
from callguard.lab.scene import SCENES
from callguard.lab.stand import Stand
from tests.cli.command import callguard

FILE = "0123456789abcdef.wav"


def told(number: int, **checks: bool) -> Told:
    recorded = SCENES[number - 1].recording == "verified"
    figures = {"seconds": 12.5, "silence removed": 3.25} if recorded else {}
    return Told(SCENES[number - 1], "id", checks or {"all": True}, [FILE] if recorded else [], 40, figures)


def shown(*verdicts: Told) -> str:
    console = Console(file=io.StringIO(), width=200)
    _show(console, list(verdicts))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_call_has_a_line_with_what_came_of_it() -> None:
    text = shown(*(told(number) for number in range(1, 6)))
    lines = [line for line in text.splitlines() if "as promised" in line]
    assert len(lines) == 5 and "BROKEN" not in text
    assert "presses 1" in lines[0] and "12.5 s" in lines[0] and "3.25 s" in lines[0] and "01234567…" in lines[0]
    assert "none" in lines[1] and "discarded" in lines[4]
    assert "Every promise was kept" in text and "--keep" in text


def test_a_broken_promise_is_named_and_nothing_is_called_kept() -> None:
    text = shown(told(1), told(2, fine=True, nobody_listened=False))
    assert "BROKEN" in text and "call 2: not so: nobody_listened" in text and "not so: fine" not in text
    assert "Every promise was kept" not in text


async def test_what_is_left_up_is_explained(tmp_path: Path) -> None:
    stand, console = Stand(tmp_path, dialplan="[inbound]\n[agents]\n[internal]\n", agents=1), io.StringIO()
    async with Asterisk(tmp_path / "asterisk", dialplan=stand.dialplan, agents=1) as stand.asterisk:
        _explain(Console(file=console, width=400), stand)
        for part in (stand.asterisk.softphone_password, f"127.0.0.1:{stand.asterisk.sip_port}", str(stand.config)):
            assert part in console.getvalue()
        await stand.asterisk.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_is_left_up_until_a_signal(number: signal.Signals) -> None:
    waiting = asyncio.create_task(_interrupted())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    os.kill(os.getpid(), number)
    await asyncio.wait_for(waiting, 5)
    asyncio.get_running_loop().remove_signal_handler(number)


def test_an_unknown_option_is_bad_usage() -> None:
    assert callguard("demo", "--no-such").status == 2


def test_without_a_freeswitch_it_says_what_is_missing_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREESWITCH", str(tmp_path / "none"))
    done = callguard("demo", "--pbx", "freeswitch")
    assert done.status == 3 and "FREESWITCH names" in done.err and b"starting" not in done.out
