"""What every command does about a user's mistakes and about what is not there: one sentence, and the exit status."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.command import callguard, site

READS_CONFIG = [
    ("calls", "list"),
    ("calls", "list", "--stored"),
    ("calls", "show", "x"),
    ("calls", "card", "x"),
    ("calls", "export", "x"),
    ("calls", "pause", "x"),
    ("calls", "resume", "x"),
    ("calls", "withdraw", "x"),
    ("replay", "x"),
    ("verify", "--all"),
    ("run",),
    ("guard",),
    ("db", "upgrade"),
]
NEEDS_POSTGRES = [
    ("calls", "list", "--stored"), ("calls", "show", "x"), ("calls", "card", "x"), ("calls", "export", "x"),
    ("replay", "x"), ("verify", "--all"), ("verify", "x"), ("run",),
]  # fmt: skip
NEEDS_CONTROLLER = [("calls", "list"), ("calls", "pause", "x"), ("calls", "resume", "x"), ("calls", "withdraw", "x")]


@pytest.mark.parametrize("command", READS_CONFIG, ids=" ".join)
def test_a_configuration_that_is_missing_or_wrong(tmp_path: Path, command: tuple[str, ...]) -> None:
    missing = callguard(*command, "--config", tmp_path / "none.toml")
    assert (missing.status, missing.out) == (2, b"") and "no such file" in missing.err
    config = site(tmp_path)
    config.write_text(config.read_text() + '[shoe]\nsize = "s3cret"\n')
    wrong = callguard(*command, "--config", config)
    assert (wrong.status, wrong.out) == (2, b"") and "shoe: unknown key" in wrong.err


@pytest.mark.parametrize("command", NEEDS_POSTGRES, ids=" ".join)
def test_a_postgres_that_is_not_reachable(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = callguard(*command, "--config", site(tmp_path))
    assert (done.status, done.out) == (3, b"") and len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize("command", NEEDS_CONTROLLER, ids=" ".join)
def test_a_controller_that_does_not_run(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = callguard(*command, "--config", site(tmp_path))
    assert (done.status, done.out) == (3, b"") and "is `callguard run` running" in done.err


@pytest.mark.parametrize("reply", [b"", b"not json\n"])
async def test_a_controller_that_talks_nonsense(tmp_path: Path, reply: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        writer.close()

    config = site(tmp_path)
    async with await asyncio.start_unix_server(answer, str(tmp_path / "data" / "control.sock")):
        done = await asyncio.to_thread(callguard, "calls", "list", "--config", config)
    assert done.status == 3 and "does not answer" in done.err


@pytest.mark.parametrize(
    "command",
    [("nothing",), ("calls",), ("calls", "pause"), ("verify",), ("verify", "x", "--all"), ("replay",), ("run", "--x")],
    ids=" ".join,
)
def test_bad_usage(command: tuple[str, ...]) -> None:
    assert callguard(*command).status == 2


@pytest.mark.parametrize("command", ["", "calls", "db", "demo", "guard", "replay", "run", "trim", "verify"])
def test_help_is_no_mistake(command: str) -> None:
    done = callguard(*command.split(), "--help")
    assert done.status == 0 and done.text.startswith("Usage:")


@pytest.mark.parametrize("problem", ["missing", "open", "no base64"])
def test_a_master_key_that_cannot_be_used(tmp_path: Path, problem: str) -> None:
    config = site(tmp_path)
    key = tmp_path / "master.key"
    match problem:
        case "missing":
            key.unlink()
        case "open":
            key.chmod(0o644)
        case _:
            key.write_text("s3cret !")
    done = callguard("verify", "--all", "--config", config)
    assert done.status == 2 and "aster" in done.err
