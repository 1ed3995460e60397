"""A whole site: it comes up as an admin would bring it up, says why when it does not, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import tomllib
from pathlib import Path

import pytest

from callguard.errors import Unreachable
from callguard.lab.stand import Stand
from callguard.settings import load_policy, load_settings
from tests.lab.left import processes


async def until(holds: object, seconds: float = 10) -> None:
    assert callable(holds)
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.05)


async def test_a_site_comes_up_obeys_and_goes(folder: Path) -> None:
    async with Stand(folder) as stand:
        assert await stand.ask({"do": "list"}) == {"calls": [], "faults": []}
        for secret in (stand.config, folder / "master.key"):
            assert secret.stat().st_mode & 0o077 == 0
        settings = load_settings(stand.config)
        assert settings.path(settings.recordings.directory) == stand.recordings and stand.recordings.is_dir()
        assert set(load_policy(settings).call_types) == {"support", "payment", "survey", "kept", "private"}
        await a_command_that_nobody_waits_for_ends(stand)
        with pytest.raises(Unreachable, match="callguard calls failed: "):
            await stand.run("calls", "show", "none", "--config", str(stand.config))
        await a_policy_that_is_put_into_force_is_read_at_once(stand)
        await a_controller_that_does_not_start_says_why(stand)
    await until(lambda: not processes(folder))


async def a_command_that_nobody_waits_for_ends(stand: Stand) -> None:
    other = stand.work / "other.toml"
    other.write_text(stand.config.read_text().replace('data_dir = "data"', 'data_dir = "other data"'))
    other.chmod(0o600)
    before = processes(stand.work)
    waiting = asyncio.create_task(stand.run("guard", "--config", str(other)))
    await until(lambda: processes(stand.work) - before)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not processes(stand.work) - before


async def a_policy_that_is_put_into_force_is_read_at_once(stand: Stand) -> None:
    new = stand.work / "new.toml"
    new.write_text(stand.policy.replace("Example Ltd", "Other Ltd"))
    _, said, _ = await stand.run("policy", "activate", str(new), "--reason", "new name", "--config", str(stand.config))
    assert "entered as number 3; the controller uses it" in said  # after the policy and the rules of the start
    _, said, _ = await stand.run("verify", "--all", "--config", str(stand.config))
    assert said.startswith("3 activation(s), 0 call(s), 0 finding(s)")


async def a_controller_that_does_not_start_says_why(stand: Stand) -> None:
    await stand.stop_controller()
    assert stand.controller is None
    policy = stand.work / "policy.toml"
    policy.write_text('[call_type.support]\nmode = "maybe"\n')
    with pytest.raises(Unreachable, match=r"callguard run ended: .*call_type"):
        await stand.start_controller()


def test_what_a_site_is_told_of_its_recordings_stands_in_its_file(tmp_path: Path) -> None:
    """The default floor is small: a lab's disk may be."""
    assert os.fspath(Stand(tmp_path).data) == str(tmp_path / "data")
    policy = tomllib.loads(Stand(tmp_path).policy)
    assert policy["call_type"]["private"]["mode"] == "never"
