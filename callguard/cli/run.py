"""`callguard run`: the controller, composed."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from callguard.cli.option import asterisk_settings, config_option, load, master_key
from callguard.core.policy import Policy
from callguard.engine.alerts import alert, open_alerts
from callguard.engine.archive import Archive
from callguard.engine.control import Control
from callguard.engine.engine import Engine, Site
from callguard.engine.evidence import Evidence
from callguard.engine.heartbeat import Heartbeat
from callguard.engine.script import Scripts
from callguard.errors import BadInput, CallguardError
from callguard.pbx.asterisk.pbx import AsteriskPbx
from callguard.settings import Settings, load_policy
from callguard.store.keys import MasterKey
from callguard.store.postgres import PostgresLog
from callguard.store.spool import Spool


@click.command()
@config_option
def run(config: Path) -> None:
    """Connect to the PBX and govern its recordings, until stopped."""
    settings = load(config)
    policy = load_policy(settings)
    scripts = Scripts.load(policy, settings.path(settings.prompts.directory) if settings.prompts.directory else None)
    key = master_key(settings)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(settings.data / "controller.lock"):
        open_alerts(settings.alerts.syslog)
        asyncio.run(_until_stopped(config, settings, policy, scripts, key))


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One controller a data directory."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(f"{lock}: another controller runs in this data directory") from None
        yield


async def _until_stopped(config: Path, settings: Settings, policy: Policy, scripts: Scripts, key: MasterKey) -> None:
    log = await PostgresLog.open(settings.database.url, key)
    work = asyncio.create_task(_serve(config, settings, policy, scripts, log, key))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await _ended(work)
    finally:
        await log.close()


async def _ended(work: asyncio.Task[None]) -> None:
    """Wait for WORK. Of a group of errors one is enough for an admin; a signal is no error."""
    try:
        await work
    except asyncio.CancelledError:
        click.echo("callguard: stopped", err=True)
    except ExceptionGroup as group:
        ours, others = group.split(CallguardError)
        if ours is None or others is not None:
            raise
        raise _first(ours) from None


def _first(group: BaseExceptionGroup[CallguardError]) -> CallguardError:
    """The error that ended the work: one sentence is enough for an admin."""
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    assert isinstance(inner, CallguardError)
    return inner


async def _serve(
    config: Path, settings: Settings, policy: Policy, scripts: Scripts, log: PostgresLog, key: MasterKey
) -> None:
    recordings = settings.path(settings.recordings.directory)
    evidence = Evidence(
        log=log,
        spool=Spool(settings.data / "spool", key),
        directory=recordings,
        floor=settings.recordings.floor_mb * 1_000_000,
    )
    engine = Engine(
        site=Site(settings.tenant, settings.pbx_id),
        pbx=AsteriskPbx(asterisk_settings(settings)),
        evidence=evidence,
        archive=Archive(recordings),
        policy=policy,
        prompts=scripts.of,
        alert_by=alert,
        data=settings.data,
    )
    evidence.lost, evidence.restored, evidence.refused = engine.lose, engine.restore, engine.refuse
    beat = Heartbeat(settings.data / "guard.sock", _spawn_guard(config), engine.guard_changed, engine.guard_tripped)
    control = Control(settings.data / "control.sock", engine.runners, lambda: sorted(engine.faults))
    try:
        async with asyncio.TaskGroup() as group:
            for task in (engine.run(), beat.run(), control.run()):
                group.create_task(task)
    finally:
        await asyncio.shield(beat.end())


def _spawn_guard(config: Path) -> Callable[[], None]:
    """Starts a guard in a process group of its own: what kills the controller does not kill it."""
    started: list[subprocess.Popen[bytes]] = []

    def spawn() -> None:
        if started and started[-1].poll() is None:
            return
        command = [sys.executable, "-m", "callguard", "guard", "--config", str(config.absolute())]
        started.append(subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, cwd=os.sep))

    return spawn
