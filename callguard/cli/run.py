"""`callguard run`: the controller, composed."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from callguard.audio.tone import make_beep
from callguard.cli.alone import alone
from callguard.cli.approval import approved, entry_of
from callguard.cli.children import keep, worker_command
from callguard.cli.drift import watch_drift
from callguard.cli.keeper import sealable
from callguard.cli.option import account, ask_controller, config_option, load, master_key
from callguard.cli.pbx import pbx_of
from callguard.cli.place import load_places
from callguard.cli.retaining import watch_retention
from callguard.cli.scripts import own_prompts
from callguard.core.call import Call
from callguard.core.events import Link, Script
from callguard.core.policy import Policy
from callguard.core.purpose import Beeping
from callguard.engine import clock
from callguard.engine.absence import Absence
from callguard.engine.alerts import alert, close_alerts, open_alerts
from callguard.engine.answer import Memory
from callguard.engine.archive import Archive
from callguard.engine.control import Control
from callguard.engine.crm import Crm
from callguard.engine.engine import Engine
from callguard.engine.entrance import Entrance, LookUp, Site
from callguard.engine.evidence import Evidence
from callguard.engine.halt import Halting, Halts
from callguard.engine.heartbeat import Heartbeat
from callguard.engine.incident import opened
from callguard.engine.place import Places
from callguard.engine.purge import purge_daily
from callguard.engine.recovery import Away
from callguard.engine.registrar import Registrar, each_day
from callguard.engine.script import Scripts
from callguard.errors import BadInput, CallguardError, Unreachable
from callguard.ports import Playable
from callguard.settings import Settings
from callguard.store.keys import MasterKey
from callguard.store.lead import Lead
from callguard.store.postgres import PostgresLog
from callguard.store.spool import Spool

THREAD_TURN = 0.0005
"""Seconds that a thread, which holds a finished file against the log say, may keep the loop waiting. Python's own 5 ms
would be added to a mask, several times."""
DRAIN_SECONDS = 5.0
"""How long a controller may take to write down what it knows."""


@click.command()
@click.option(
    "--drain", is_flag=True, help="Have the running controller hand its calls over and end; start the next at once."
)
@click.option("--replace", is_flag=True, help="Take the calls over from the running controller, which ends.")
@config_option
def run(drain: bool, replace: bool, config: Path) -> None:
    """Connect to the PBX and govern its recordings, until stopped. SIGHUP reads policy and prompts anew."""
    settings = load(config)
    if drain:
        _drain(settings)
        return
    files, key = _read(settings), master_key(settings)
    if replace:  # only now: recorders run without a controller for as short as can be
        _drain(settings)
    try:
        with alone(settings.data / "controller.lock") as first:
            if not first:
                raise BadInput(f"{settings.data}: another controller runs in this data directory")
            open_alerts(**settings.alerts.model_dump())
            asyncio.run(_leading(config, settings, files, key))
    finally:
        close_alerts()  # after the lock: who takes over does not wait for a slow webhook


def _drain(settings: Settings) -> None:
    """Ask, and wait until the lock is free: whoever starts next takes the calls over."""
    calls = ask_controller(settings, {"do": "drain"})["calls"]
    lock, end = settings.data / "controller.lock", time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < end:
        with alone(lock) as free:
            if free:
                click.echo(f"callguard: handed over {calls} live call(s)", err=True)
                return
        time.sleep(0.01)
    raise Unreachable(f"the controller did not end within {DRAIN_SECONDS:g} s")


async def _leading(config: Path, settings: Settings, files: _Files, key: MasterKey) -> None:
    """One controller a PBX, wherever its data directory lies."""
    lead = Lead(settings.database.url, settings.tenant, settings.pbx_id)
    try:
        await lead.take()
        await _until_stopped(config, settings, files, key, lead)
    finally:
        await lead.close()


async def _until_stopped(config: Path, settings: Settings, files: _Files, key: MasterKey, lead: Lead) -> None:
    log = await PostgresLog.open(settings.database.url, key)
    engine = _compose(settings, files, log, key)
    registrar = Registrar(log, settings.tenant, alert)
    force = _Force(config, engine, registrar)
    engine.enter_incident = lambda kind, subject: registrar.note(
        opened(settings.tenant, kind, subject, clock.read().wall)
    )
    force.note(files, "start")
    _be_prompt()
    work = asyncio.create_task(_serve(config, settings, engine, force, lead))
    apart = [asyncio.create_task(purge_daily(log.purge_raw, alert))]  # calls go on whatever comes of it
    apart.append(asyncio.create_task(watch_retention(settings)))
    apart.append(asyncio.create_task(watch_drift(settings)))
    if settings.worker.hosted:
        apart.append(asyncio.create_task(keep(worker_command(config), patient=False)))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    loop.add_signal_handler(signal.SIGHUP, force.reload)
    try:
        await _ended(work)
    finally:
        for task in apart:
            task.cancel()
        await asyncio.gather(*apart, return_exceptions=True)
        await log.close()


def _be_prompt() -> None:
    """A mask waits for this process: neither for a thread's turn, nor until all that lives as long as the process was
    looked through for garbage."""
    sys.setswitchinterval(THREAD_TURN)
    gc.collect()
    gc.freeze()


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


@dataclass(frozen=True)
class _Force:
    """What is in force, and where that is written down."""

    config: Path
    engine: Engine
    registrar: Registrar

    def reload(self) -> dict[str, str]:
        """Policy, prompts and rules anew, for calls that begin from now on. A broken or incomplete file changes nothing
        and says why."""
        try:
            files = _read(load(self.config))
        except BadInput as problem:
            told = f"not reloaded, nothing changed: {problem}"
            click.echo(f"callguard: {told}", err=True)
            return {"error": told}
        entrance = self.engine.entrance
        entrance.policy, entrance.places = files.policy, files.places
        self.engine.prompts = _prompts(files)
        self.note(files, "reload")
        click.echo(f"callguard: reloaded, policy {files.policy.version[:12]}", err=True)
        return {"policy": files.policy.version}

    def note(self, files: _Files, reason: str) -> None:
        """FILES are in force."""
        for item in (files.policy, files.places.pack_on(clock.read().wall.date())):
            self.registrar.note(entry_of(item, account(), reason))

    def note_rules(self) -> None:
        """The rules of this day: they are others once an override has ended. What is in force already adds nothing."""
        rules = self.engine.entrance.places.pack_on(clock.read().wall.date())
        self.registrar.note(entry_of(rules, account(), "an override has ended"))


@dataclass(frozen=True)
class _Files:
    """What a signal reads anew: for calls that begin from then on."""

    policy: Policy
    scripts: Scripts
    places: Places
    beeps: Mapping[int, Playable]


def _read(settings: Settings) -> _Files:
    """Policy, prompts and rules, checked. Raises BadInput."""
    places = load_places(settings)
    pack = places.pack_on(clock.read().wall.date())
    judged = approved(settings.path(settings.policy), own_prompts(settings), pack)
    for doubt in judged.doubts:
        click.echo(f"callguard: {doubt}", err=True)
    return _Files(judged.policy, judged.scripts, places, _beeps(settings, judged.policy))


def _look_ups(settings: Settings, log: PostgresLog) -> tuple[LookUp, ...]:
    crm = settings.crm
    records = (Crm(crm.url, crm.token, crm.timeout_ms / 1000),) if crm.url else ()
    return (Memory(log, settings.tenant), *records)


def _beeps(settings: Settings, policy: Policy) -> dict[int, Playable]:
    """The tone at each level that POLICY names. Raises BadInput."""
    kinds = [kind for kind in policy.call_types.values() if kind.records and kind.beep is not Beeping.NEVER]
    recordings = settings.path(settings.recordings.directory)
    return {level: make_beep(recordings, level) for level in {kind.beep_level_db for kind in kinds}}


def _prompts(files: _Files) -> Callable[[Call, str], Mapping[Script, Playable]]:
    def of(call: Call, channel_id: str) -> Mapping[Script, Playable]:
        known, level = call.known and channel_id == call.anchor, call.call_type.beep_level_db
        spoken = files.scripts.of(call.call_type, call.language, call.mode, known=known)
        return {**spoken, Script.BEEP: files.beeps[level]} if level in files.beeps else spoken

    return of


def _compose(settings: Settings, files: _Files, log: PostgresLog, key: MasterKey) -> Engine:
    recordings = settings.path(settings.recordings.directory)
    evidence = Evidence(
        log=log,
        spool=Spool(settings.data / "spool", key),
        directory=recordings,
        floor=settings.recordings.floor_mb * 1_000_000,
        sealable=sealable(settings),
    )
    engine = Engine(
        entrance=Entrance(
            Site(settings.tenant, settings.pbx_id, settings.starts_by_dialplan),
            files.policy,
            files.places,
            _look_ups(settings, log),
        ),
        pbx=pbx_of(settings),
        evidence=evidence,
        archive=Archive(recordings),
        prompts=_prompts(files),
        alert_by=alert,
        data=settings.data,
    )
    evidence.lost, evidence.restored, evidence.refused = engine.lose, engine.restore, engine.refuse
    return engine


async def _serve(config: Path, settings: Settings, engine: Engine, force: _Force, lead: Lead) -> None:
    guards = _Guards(config)
    beat = Heartbeat(
        settings.data / "guard.sock", guards.spawn, engine.guard_changed, engine.guard_tripped, engine.is_helpless
    )
    with alone(settings.data / "guard.lock") as unguarded:
        engine.away = Away.read(settings.data / "alive", clock.read().wall, guarded=not unguarded)
    absence = Absence(settings.data / "alive", lambda: Link.PBX not in engine.faults, engine.outside)
    halting = Halting(
        Halts(settings.data / "halts.json"),
        engine.runners,
        lambda: engine.entrance.policy.call_types,
        engine.board.dialled_number,
        force.registrar.note,
        lambda: engine.adopted,
    )
    engine.entrance.halted = halting.halts.covers
    control = Control(
        settings.data / "control.sock", engine.runners, lambda: sorted(engine.faults), force.reload, halting.answer
    )
    try:
        async with asyncio.TaskGroup() as group:
            tasks = (engine.run(), beat.run(), control.run(), force.registrar.run(), each_day(force.note_rules))
            for task in (*tasks, absence.watch(), lead.keep(), _until_drained(control, engine, beat)):
                group.create_task(task)
    except* _Drained:
        click.echo("callguard: drained", err=True)
    finally:
        if not engine.draining and not await asyncio.shield(beat.end()):
            guards.terminate()


class _Drained(Exception):
    """Everything is written down; the next controller takes the calls over."""


async def _until_drained(control: Control, engine: Engine, beat: Heartbeat) -> None:
    await control.drain.wait()
    await engine.drain()
    await beat.end(handover=True)
    raise _Drained


@dataclass
class _Guards:
    """Starts a guard in a process group of its own: what kills the controller does not kill it."""

    config: Path
    started: subprocess.Popen[bytes] | None = None

    def spawn(self) -> None:
        """Start one, unless the one that we started still runs."""
        if self.started and self.started.poll() is None:
            return
        command = [sys.executable, "-m", "callguard", "guard", "--config", str(self.config.absolute())]
        self.started = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, cwd=os.sep)

    def terminate(self) -> None:
        """End the one that we started, which has not listened yet: nothing ran that it could have to stop."""
        if self.started and self.started.poll() is None:
            self.started.terminate()
