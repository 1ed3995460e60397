"""Workers that are killed while recordings end, and a retention run that is killed while these are deleted.

What belongs here: `./dev soak jobs`, and the small one that the suite makes. What does not: single steps.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from callguard.jobs.reconcile import reconcile
from callguard.lab.postgres import Postgres
from callguard.store import schema
from callguard.store.artefact import Measured, Wrapped
from callguard.store.job import Jobs
from callguard.store.retention import EVER
from tests.cli.command import site
from tests.jobs.site import Ending, Place, now, write_rows, write_wav

BATCH = 200
QUICK = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from callguard.cli.bench import worker_of
from callguard.settings import load_settings
own = worker_of(load_settings(Path(sys.argv[1])), lambda line: print(line, file=sys.stderr))
asyncio.run(replace(own, stalled=2.0, reap=0.3, every=1.0).run())
"""
"""A worker that takes over after 2 s, not after 30: for a test that cannot wait."""


@dataclass
class Crew:
    """Worker processes. A killed one is replaced at once, as a service would."""

    config: Path
    count: int
    quick: bool = False
    kills: int = 0
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Crew:
        self.running = [self._start() for _ in range(self.count)]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait()

    def kill_one(self) -> None:
        """kill -9, by chance."""
        place = random.randrange(self.count)
        self.running[place].send_signal(signal.SIGKILL)
        self.running[place].wait()
        self.kills += 1
        self.running[place] = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        own = ["-c", QUICK, str(self.config)] if self.quick else ["-m", "callguard", "worker", "--child"]
        own += [] if self.quick else ["--config", str(self.config)]
        with (self.config.parent / "worker.log").open("ab") as log:
            return subprocess.Popen([sys.executable, *own], stdout=log, stderr=log, stdin=subprocess.DEVNULL)


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Path, Place]]:
    """A site of its own in FOLDER: its configuration, and what is there."""
    server = Postgres.start(folder / "pg")
    try:
        schema.upgrade(server.owner_dsn)
        config = site(folder / "site", server.app_dsn)
        text = config.read_text().replace('directory = "recordings"', 'directory = "spool"')
        config.write_text('tenant = "acme"\npbx_id = "pbx1"\n' + text)
        with Place.open(server.app_dsn, folder / "site") as place:
            yield config, place
    finally:
        server.kill()  # nobody needs its last checkpoint


def end_recordings(place: Place, count: int) -> dict[str, str]:
    """COUNT recordings get their verdicts; sha256 of each file by its id."""
    digests: dict[str, str] = {}
    while len(digests) < count:
        endings: list[Ending] = []
        for _ in range(min(BATCH, count - len(digests))):
            recording_id = str(uuid.uuid4())
            content = write_wav(place.spool.path(recording_id, "whole"), 0.1, len(digests))
            digests[recording_id] = hashlib.sha256(content).hexdigest()
            endings.append((recording_id, str(uuid.uuid4()), "verified", digests[recording_id], None))
        asyncio.run(write_rows(place.dsn, endings))
    return digests


def work_off(place: Place, crew: Crew, every: float, limit: float) -> float:
    """Kill one of CREW every so many seconds until nothing is left to do. Seconds that it took."""
    began, killed = time.monotonic(), time.monotonic()
    while Jobs(place.artefacts).find(states=["todo", "doing"]) and time.monotonic() - began < limit:
        time.sleep(0.25)
        if time.monotonic() - killed >= every:
            crew.kill_one()
            killed = time.monotonic()
    return time.monotonic() - began


def wrong_after_ingest(place: Place, digests: dict[str, str]) -> list[str]:
    """What is not as it has to be: each recording once, whole, and nothing else anywhere."""
    rows = place.artefacts.find()
    once = Counter(row.recording_id for row in rows)
    table = {
        "not stored": [name for name in digests if once[name] == 0],
        "stored more than once": [name for name, count in once.items() if count > 1],
        "not finished": [row.artefact_id for row in rows if row.state != "stored"],
        "other audio": [r.recording_id for r in rows if (r.plain_sha256 or b"").hex() != digests[r.recording_id]],
        "left in the spool": place.left(),
        "differs": reconcile(place.artefacts, place.shelf, now(), hashes=True).differences,
        "half-written objects": [str(path) for path in (place.folder / "vault").rglob("*.part")],
        "readable": readable(place.folder),
        "jobs left": Jobs(place.artefacts).find(),
        "incidents": place.kinds(),
    }
    return [f"{what}: {len(found)}, such as {found[0]}" for what, found in table.items() if found]


def readable(folder: Path) -> list[str]:
    """Files anywhere under FOLDER that begin as a sound file does."""
    return [str(path) for path in folder.rglob("*") if path.is_file() and path.open("rb").read(4) == b"RIFF"]


def store(place: Place, count: int) -> None:
    """COUNT more that are stored already, as far as a deletion can tell."""
    row = place.stored()
    for _ in range(count - 1):
        fresh = replace(row, key_id=uuid.uuid4(), object=f"{uuid.uuid4().hex}.cgv", artefact_id=str(uuid.uuid4()))
        fresh = replace(fresh, recording_id=str(uuid.uuid4()), call_id=str(uuid.uuid4()))
        place.artefacts.begin(fresh, Wrapped(fresh.key_id, "0" * 16, b"x"))
        place.shelf.put(fresh.object, [b"sealed"])
        place.artefacts.stored(fresh.artefact_id, fresh.key_id, Measured(6, bytes(32), 6, bytes(32)))


def delete_all(place: Place, config: Path, every: float) -> tuple[float, int]:
    """Everything is over from now on; runs are killed every so many seconds until one ends. Seconds, kills."""
    place.artefacts.connection.execute("UPDATE callguard.artefact SET expires_at = now()")
    began, kills = time.monotonic(), 0
    while True:
        command = [sys.executable, "-m", "callguard", "retention", "run", "--json", "--config", str(config)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
            try:
                run.wait(every + kills)  # later each time: one that only starts up deletes nothing
                return time.monotonic() - began, kills
            except subprocess.TimeoutExpired:
                run.kill()
                kills += 1


def wrong_after_deletion(place: Place, count: int) -> list[str]:
    """What is still there, or not counted."""
    runs = place.retention.runs()
    last = place.retention.count_due(now() + timedelta(days=1))
    table = {
        "objects left": sorted(place.objects()),
        "keys left": list(place.artefacts.keys_by_pair()),
        "still due": ["due"] * (last.due + last.going),
        "runs do not add up": [] if sum(run.deleted for run in runs) == count else [str(runs)],
        "signatures": place.retention.unsealed(runs),
        "tombstones": [] if place.retention.gone(EVER, now()).count == count else ["other count"],
    }
    return [f"{what}: {len(found)}, such as {found[0]}" for what, found in table.items() if found]


def main(arguments: Sequence[str] | None = None) -> int:
    """The long one, as a table. Exit status 1: something is wrong."""
    parser = argparse.ArgumentParser(prog="./dev soak jobs", description=main.__doc__)
    parser.add_argument("--recordings", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two kills")
    parser.add_argument("--due", type=int, default=0, help="so many more, stored already, are deleted")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="callguard-soak-") as folder, opened(Path(folder)) as (config, place):
        with Crew(config, given.workers) as crew:
            digests = end_recordings(place, given.recordings)
            took = work_off(place, crew, given.every, 3600)
        wrong = wrong_after_ingest(place, digests)
        if given.due:
            store(place, given.due)
        said = {"recordings": given.recordings, "workers": given.workers, "kills": crew.kills, "ingest_s": round(took)}
        took, kills = delete_all(place, config, given.every)
        wrong += wrong_after_deletion(place, given.recordings + given.due)
        gone = place.retention.gone(EVER, now())
        said |= {
            "deleted": given.recordings + given.due,
            "deletion_s": round(took),
            "deletion_kills": kills,
            "lag_p95_s": round(gone.lag_p95),
        }
    print(json.dumps({**said, "wrong": wrong}, indent=2))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
