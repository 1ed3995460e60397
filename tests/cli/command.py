"""The command line as a user runs it, in this process; and what its tests stand on."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from callguard.audio.vault.keyring import Kind, PrivateKey
from callguard.cli import main
from callguard.engine.acting import act
from callguard.lab.postgres import Postgres
from callguard.lab.stand import COMPLETE
from callguard.store import schema
from callguard.store.postgres import PostgresLog
from tests.engine.stage import MASTER, Stage

CONFIG = """
data_dir = "data"
[database]
url = "{url}"
[asterisk]
ari_url = "http://127.0.0.1:9/ari"
ari_user = "u"
ari_password = "s3cret"
ami_port = 9
ami_user = "u"
ami_secret = "s3cret"
[recordings]
directory = "recordings"
[alerts]
syslog = ""
"""
NOWHERE = "postgresql://callguard_app:s3cret@127.0.0.1:9/callguard"


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


def callguard(*arguments: object) -> Done:
    """Run `callguard ARGUMENTS`. A traceback or a secret in the output fails the test here."""
    out, err, before, status = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO(), sys.argv, 0
    sys.argv = ["callguard", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.argv = before
    out.flush()
    raw = out.buffer
    assert isinstance(raw, io.BytesIO)
    assert "s3cret" not in err.getvalue() and "Traceback" not in err.getvalue()
    return Done(status, raw.getvalue(), err.getvalue())


def site(folder: Path, url: str = NOWHERE) -> Path:
    """A configuration in FOLDER with a master key. Its path."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "data").mkdir(exist_ok=True)
    (folder / "recordings").mkdir(exist_ok=True)
    key = folder / "master.key"
    key.write_text(MASTER_TEXT)
    key.chmod(0o600)
    (folder / "vault.pub").write_text(PrivateKey(Kind.X25519, bytes(range(32))).public.line())
    (folder / "policy.toml").write_text(f"{COMPLETE}[call_type.support]\n")
    config = folder / "callguard.toml"
    config.write_text(CONFIG.format(url=url))
    return config


MASTER_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"""The base64 of stage.MASTER: bytes 0 to 31."""


@contextlib.contextmanager
def database(folder: Path) -> Iterator[Postgres]:
    """A migrated server of its own."""
    server = Postgres.start(folder)
    try:
        schema.upgrade(server.owner_dsn)
        yield server
    finally:
        server.kill()  # nobody needs its last checkpoint


async def play(server: Postgres, data: Path) -> str:
    """One call, recorded, paused once and over, in SERVER. Its id."""
    log = await PostgresLog.open(server.app_dsn, MASTER)
    try:
        async with Stage(data, log).running() as stage:
            await stage.talk()
            (runner,) = stage.engine.runners.values()
            await act(runner, {"action": "pause"}, "user:x")
            await act(runner, {"action": "resume", "reason": "the doctor rang"}, "user:x")
            return (await stage.finish("far", "agent1")).call.call_id
    finally:
        await log.close()
