"""callguard run: what it refuses to start on, how it is drained and what it reads anew. Real calls: tests/e2e."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callguard.cli.run import THREAD_TURN, _be_prompt, _ended, _Force
from callguard.core.call import open_call
from callguard.engine.registrar import Registrar
from callguard.errors import LinkDown, StoreDown, Unreachable
from callguard.lab.stand import COMPLETE
from callguard.store.memory import MemoryLog
from tests.cli.command import callguard, site
from tests.core.play import CALL_ID
from tests.engine.stage import Stage


@pytest.mark.parametrize(
    ("policy", "part"),
    [
        ("", "call_type"),
        ('[call_type.support]\npurpose = "qa"\nnotice = "none"\n', "no prompt none"),
        ('[call_type.support]\nmode = "maybe"\n', "call_type.support.mode"),
        ("[call_type.support\n", "line 1"),
        ('[call_type.support]\nmode = "ask"\n', "call_type.support.retention.audio: is missing"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--replace",)])
def test_a_policy_that_cannot_be_used(tmp_path: Path, policy: str, part: str, options: tuple[str, ...]) -> None:
    """With --replace the controller that runs is not even asked: it has a policy that can be used."""
    config = site(tmp_path)
    (tmp_path / "policy.toml").write_text(policy)
    done = callguard("run", *options, "--config", config)
    assert (done.status, done.out) == (2, b"") and part in done.err


def test_one_controller_a_data_directory(tmp_path: Path) -> None:
    config = site(tmp_path)
    with (tmp_path / "data" / "controller.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = callguard("run", "--config", config)
    assert done.status == 2 and "another controller" in done.err


def test_a_beep_is_made_for_either_pbx(tmp_path: Path) -> None:
    config = site(tmp_path)
    text = config.read_text()
    start, end = text.index("[asterisk]"), text.index("[recordings]")
    freeswitch = '[pbx]\nkind = "freeswitch"\n[freeswitch]\npassword = "not-a-password"\n'
    config.write_text(text[:start] + freeswitch + text[end:])
    (tmp_path / "policy.toml").write_text(f'{COMPLETE}[call_type.support]\nbeep = "rule"\n')
    done = callguard("run", "--config", config)
    assert done.status == 3 and "beep" not in done.err


def test_a_folder_of_prompts_that_is_not_there(tmp_path: Path) -> None:
    config = site(tmp_path)
    config.write_text(config.read_text() + '[prompts]\ndirectory = "no-such"\n')
    done = callguard("run", "--config", config)
    assert done.status == 2 and "language en" in done.err


# ---------------------------------------------------------------- --drain, --replace
@contextlib.contextmanager
def controller(folder: Path, ends_after: float) -> Iterator[list[object]]:
    """Holds the lock in FOLDER and answers its socket; lets go so long after it was asked. What it was asked."""
    asked: list[object] = []
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        handle = os.open(folder / "controller.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(handle, fcntl.LOCK_EX)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(json.loads(await reader.readline()))
            writer.write(b'{"calls": 3}\n')
            writer.close()
            await asyncio.sleep(ends_after)
            over.set()

        server = await asyncio.start_unix_server(answer, str(folder / "control.sock"))
        ready.set()
        while not over.is_set():
            await asyncio.sleep(0.01)
        server.close()
        os.close(handle)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(5)
    try:
        yield asked
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("option", ["--drain", "--replace"])
def test_nobody_to_hand_over_is_said(tmp_path: Path, option: str) -> None:
    done = callguard("run", option, "--config", site(tmp_path))
    assert done.status == 3 and "no controller answers" in done.err


def test_it_returns_when_the_controller_is_gone(tmp_path: Path) -> None:
    config, began = site(tmp_path), time.monotonic()
    with controller(tmp_path / "data", ends_after=0.4) as asked:
        done = callguard("run", "--drain", "--config", config)
    assert (done.status, done.out) == (0, b"") and "handed over 3 live call(s)" in done.err
    assert asked == [{"do": "drain"}] and time.monotonic() - began > 0.4


def test_a_controller_that_does_not_end_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    config = site(tmp_path)
    with controller(tmp_path / "data", ends_after=60) as asked:
        done = callguard("run", "--replace", "--config", config)
    assert done.status == 3 and "did not end within" in done.err and len(asked) == 1


# ---------------------------------------------------------------- SIGHUP
OTHER = COMPLETE + '[call_type.support]\npurpose = "safety"\n[call_type.sales]\n'


async def test_policy_and_prompts_are_read_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, engine = site(tmp_path), Stage(tmp_path / "engine").engine
    before = engine.entrance.policy.version
    (tmp_path / "policy.toml").write_text(OTHER)
    registrar = Registrar(MemoryLog(), "acme", lambda incident, call_id: None)
    assert _Force(config, engine, registrar).reload() == {"policy": engine.entrance.policy.version}
    assert [registrar.waiting.get_nowait().kind for _ in range(2)] == ["policy", "rules"]
    assert set(engine.entrance.policy.call_types) == {"support", "sales"} and engine.entrance.policy.version != before
    kind = engine.entrance.policy.find("sales")
    assert kind is not None
    assert {item.id for item in engine.prompts(open_call(CALL_ID, kind), "").values()} >= {"notice-short", "question"}
    assert f"reloaded, policy {engine.entrance.policy.version[:12]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("policy.toml", '[call_type.support]\nmode = "maybe"\n', "call_type.support.mode"),
        ("policy.toml", "[call_type.support\n", "line 1"),
        ("policy.toml", '[call_type.support]\npurpose = "qa"\nnotice = "none"\n', "no prompt none"),
        ("policy.toml", '[call_type.support]\npurpose = "qa"\n', "call_type.support.owner: is missing"),
        ("policy.toml", None, "policy.toml"),
        ("callguard.toml", "pbx = 1\n", "pbx"),
        ("callguard.toml", None, "callguard.toml"),
    ],
)
async def test_what_is_broken_changes_nothing_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, text: str | None, says: str
) -> None:
    config, engine = site(tmp_path), Stage(tmp_path / "engine").engine
    policy, prompts = engine.entrance.policy, engine.prompts
    (tmp_path / file).unlink() if text is None else (tmp_path / file).write_text(text)
    registrar = Registrar(MemoryLog(), "acme", lambda incident, call_id: None)
    answer = _Force(config, engine, registrar).reload()
    assert "nothing changed" in answer["error"] and registrar.waiting.empty()
    said = capsys.readouterr().err
    assert "not reloaded, nothing changed" in said and says in said
    assert engine.entrance.policy is policy and engine.prompts is prompts


# ---------------------------------------------------------------- its end
async def raises(error: BaseException) -> None:
    raise error


async def test_a_signal_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    work = asyncio.create_task(asyncio.sleep(60))
    asyncio.get_running_loop().call_later(0.01, work.cancel)
    await _ended(work)
    assert capsys.readouterr().err == "callguard: stopped\n"


async def test_of_many_errors_one_is_told_and_no_defect_is_hidden() -> None:
    ours = ExceptionGroup("", [ExceptionGroup("", [LinkDown("the link"), StoreDown("the store")])])
    with pytest.raises(Unreachable, match="the link"):
        await _ended(asyncio.create_task(raises(ours)))
    mixed = ExceptionGroup("", [LinkDown("the link"), KeyError("a defect")])
    with pytest.raises(ExceptionGroup):
        await _ended(asyncio.create_task(raises(mixed)))


def test_no_thread_and_no_collection_keeps_a_mask_waiting() -> None:
    before = sys.getswitchinterval()
    try:
        _be_prompt()
        assert sys.getswitchinterval() == pytest.approx(THREAD_TURN)
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)
