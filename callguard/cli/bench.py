"""From settings to a worker: what it can do, what it looks after, whom it tells.

What belongs here: composing. What does not: any one step (jobs/).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from callguard.audio.transcriber import transcriber
from callguard.cli.keeper import incidents_of, key_files, public_key, rows, shelf_of, spool_of
from callguard.cli.retaining import deletion_of, policy_in_force, retainer_of
from callguard.core.purpose import Trim as Wish
from callguard.engine import clock
from callguard.engine.alerts import alert
from callguard.errors import Held
from callguard.jobs.chore import Chores
from callguard.jobs.derive import Derive, call_type_of
from callguard.jobs.incident import Incidents
from callguard.jobs.ingest import Ingest
from callguard.jobs.keep import Room
from callguard.jobs.redact import Redact
from callguard.jobs.step import ELSEWHERE, ORDER, following, queue_of
from callguard.jobs.sweep import Sweep
from callguard.jobs.trim import Trim
from callguard.jobs.worker import Step, Worker
from callguard.settings import Settings
from callguard.store.artefact import Artefact, Artefacts
from callguard.store.job import Jobs


def worker_of(settings: Settings, told: Callable[[str], None]) -> Worker:
    """The worker of this machine. Without a spool it brings nothing in, without private keys it opens nothing."""
    here = spool_of(settings).folder.is_dir()
    keys = key_files(settings).private.exists()
    lacking = {"ingest": not here, "trim": not keys, "derive": not keys}
    steps = {name: step for name, step in steps_of(settings).items() if not lacking.get(name)}
    queues = dict.fromkeys(queue_of(name, settings.pbx_id) for name in (*ORDER, *ELSEWHERE) if name in steps)
    return Worker(
        dsn=settings.database.url,
        queues=tuple(queues),
        steps=steps,
        incidents=lambda artefacts: _incidents(settings, artefacts),
        chore=lambda: _chores(settings, sweeps=here),
        told=told,
    )


def steps_of(settings: Settings) -> Mapping[str, Step]:
    """What is there of the table of steps."""
    there: dict[str, Step] = {}

    def ingest(artefacts: Artefacts, recording_id: str) -> str:
        ended = artefacts.recording(recording_id)
        if ended and ended.state == "discarded":  # it was withdrawn before its turn came
            return "discarded"

        def then(row: Artefact) -> None:
            _follow(artefacts, "ingest", row, there)

        own = Ingest(
            spool=spool_of(settings),
            shelf=shelf_of(settings),
            public=lambda: public_key(settings),
            artefacts=artefacts,
            now=lambda: clock.read().wall,
            incidents=_incidents(settings, artefacts),
            then=then,
        )
        return str(own.run(recording_id))

    def discard(artefacts: Artefacts, recording_id: str) -> str:
        deletion = deletion_of(settings, artefacts)
        try:
            return f"{deletion.delete_recording(recording_id, 'discarded')} deleted"
        except Held:
            deletion.expire(recording_id)
            return "kept by a legal hold, deleted after its release"

    there |= {"ingest": ingest, "discard": discard}
    if name := settings.transcriber.name:
        transcriber(name, settings.transcriber.model)  # whatever is wrong with it is said at the start
        there["derive"] = lambda artefacts, recording_id: _derive(settings, artefacts).run(recording_id)

    def trim(artefacts: Artefacts, recording_id: str) -> str:
        outcome = _trim(settings, artefacts).run(recording_id)
        for row in artefacts.find(recording_id=recording_id)[:1]:
            _follow(artefacts, "trim", row, there)
        return outcome

    there["trim"] = trim
    return there


def _follow(artefacts: Artefacts, step: str, row: Artefact, there: Collection[str]) -> None:
    """Enqueue what comes after STEP with a recording, of what is THERE and its call type asks for."""
    kind = call_type_of(artefacts, row)
    wanted = {"trim": kind is not None and kind.trim is not Wish.NO}
    if after := following(step, [name for name in there if wanted.get(name, True)]):
        Jobs(artefacts).enqueue(after, queue_of(after, row.pbx_id), row.recording_id)


def _derive(settings: Settings, artefacts: Artefacts) -> Derive:
    own = settings.transcriber
    return Derive(
        room_of(settings, artefacts),
        lambda: clock.read().wall,
        own.name,
        lambda: transcriber(own.name, own.model),
        lambda: policy_in_force(settings),
    )


def _trim(settings: Settings, artefacts: Artefacts) -> Trim:
    return Trim(room_of(settings, artefacts), lambda: clock.read().wall, deletion_of(settings, artefacts))


def redact_of(settings: Settings, artefacts: Artefacts) -> Redact:
    """What makes copies and tags when somebody says so."""
    room = room_of(settings, artefacts)
    return Redact(room, lambda: clock.read().wall, lambda: policy_in_force(settings))


def room_of(settings: Settings, artefacts: Artefacts) -> Room:
    """Where this site opens and keeps: rows, objects, keys."""
    return Room(artefacts, shelf_of(settings), lambda: key_files(settings).open(), lambda: public_key(settings))


def _incidents(settings: Settings, artefacts: Artefacts) -> Incidents:
    return incidents_of(settings, artefacts, alert)


def _chores(settings: Settings, *, sweeps: bool) -> None:
    with rows(settings) as artefacts:
        sweep = Sweep(spool_of(settings), artefacts, lambda: clock.read().wall, _incidents(settings, artefacts))
        retain = retainer_of(settings, artefacts).work
        Chores(artefacts, settings.pbx_id, sweep if sweeps else None, retain).run()
