"""What is composed for keeping and deleting: the policy in force, and a controller that watches the runs."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import asdict
from datetime import timedelta

import pytest

from callguard.cli.approval import entry_of
from callguard.cli.option import with_log
from callguard.cli.retaining import ends_sooner, policy_in_force, watch_retention
from callguard.engine.registrar import enter
from callguard.settings import load_settings, read_policy
from callguard.store.retention import Run
from tests.cli.conftest import Left
from tests.jobs.site import now


def test_the_policy_in_force_is_the_registers(left: Left) -> None:
    settings = load_settings(left.config)
    assert policy_in_force(settings) is None
    policy = read_policy(settings.path(settings.policy))
    assert with_log(settings, lambda log: enter(log, settings.tenant, entry_of(policy, "the owner", "a start")))
    assert policy_in_force(settings) == policy


@pytest.mark.requirement("S57")
def test_what_would_end_sooner_under_a_policy_is_counted(left: Left) -> None:
    left.place.stored()
    settings = load_settings(left.config)
    file = settings.path(settings.policy)
    shorter = file.with_name("shorter.toml")
    shorter.write_text(file.read_text().replace("audio = 90", "audio = 30"))
    assert [ends_sooner(settings, read_policy(path)) for path in (file, shorter)] == [0, 1]


@pytest.mark.requirement("S85")
async def test_a_controller_tells_that_no_run_came_though_no_worker_is_there(left: Left) -> None:
    settings, long_ago = load_settings(left.config), now() - timedelta(days=2)
    run = Run(str(uuid.uuid4()), long_ago, long_ago, 0, 0, 0, 0, bytes(32))
    left.place.artefacts.ask("insert_run", tenant="acme", **asdict(run))
    watch = asyncio.create_task(watch_retention(settings, every=0.05))
    async with asyncio.timeout(20):
        while left.place.kinds() != ["retention_missed"]:
            await asyncio.sleep(0.05)
    watch.cancel()
