"""A whole site on one machine: Postgres, Asterisk, and callguard itself as its admin would run it.

What belongs here: starting and stopping the three, and the two configuration files. What does not: calls (demo.py,
tests).
callguard runs as a process of its own, by its own command line: what is shown is the product.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from callguard.audio.vault.keyfile import Files
from callguard.audio.vault.keyring import best_kind
from callguard.errors import Unreachable
from callguard.lab.asterisk import Asterisk
from callguard.lab.postgres import Postgres
from callguard.store.keys import create_master_key

READY_SECONDS = 20.0
END_SECONDS = 15.0
_COMMAND = (sys.executable, "-m", "callguard")

COMPLETE = """
[organisation]
name = "Example Ltd"
contact = "privacy@example.com"

[default]
purpose = "qa"
uses = ["training"]
basis = "consent"
assessment = "DPIA-1"
review = 2099-12-31
owner = "head of service"
retention = {audio = 90}
listen = ["qa"]
alternative = "e-mail"
agents = ["PJSIP/agent*"]
"""
"""What a policy must say before its call types, so that it may be put into force."""
POLICY = f"""\
# Call types. The names are what the dialplan passes: Gosub(callguard,s,1(support,inbound)).
{COMPLETE}
[call_type.support]
mode = "ask"
on_withdrawal = "discard"

[call_type.payment]
mode = "ask"
category = "payment"
notice = "notice-payment"

[call_type.survey]
mode = "announce"
site = "US-TX"
notice = "notice-announce"

[call_type.kept]
on_withdrawal = "keep"
on_log_loss = "keep"

[call_type.private]
purpose = "none"
mode = "never"
"""


def quoted(value: object) -> str:
    """VALUE as a TOML string."""
    return json.dumps(str(value))  # a JSON string is a TOML basic string


@dataclass
class Stand:
    """One site below `work`. `start` brings all up; `controller` is the running `callguard run`, or None.

    `system_name`, `environment`: of the Asterisk; `hosts_worker`: finished recordings go into the vault at once.
    """

    work: Path
    dialplan: str | None = None
    agents: int = 5
    policy: str = POLICY
    bind: str = "127.0.0.1"
    system_name: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    least_privilege: bool = False
    hosts_worker: bool = False
    asterisk: Asterisk = field(init=False)
    postgres: Postgres = field(init=False)
    controller: asyncio.subprocess.Process | None = None

    @property
    def config(self) -> Path:
        """callguard.toml of this site."""
        return self.work / "callguard.toml"

    @property
    def data(self) -> Path:
        """callguard's data directory."""
        return self.work / "data"

    @property
    def server(self) -> tuple[str, int]:
        """What a phone calls."""
        return self.asterisk.server

    @property
    def agent_ports(self) -> dict[str, int]:
        """{"agent1": UDP port its phone has to listen on}."""
        return self.asterisk.agent_ports

    @property
    def recordings(self) -> Path:
        """Where recordings lie."""
        return self.asterisk.spool / "callguard"

    @property
    def log(self) -> Path:
        """What the controller and the guard print."""
        return self.work / "callguard.log"

    # ------------------------------------------------------------ life
    async def start(self, *, controller: bool = True) -> None:
        """Everything up and healthy. Raises Unreachable with one sentence."""
        self.work.mkdir(parents=True, exist_ok=True)
        postgres = asyncio.to_thread(Postgres.start, self.work / "postgres")
        self.postgres, _ = await asyncio.gather(postgres, self.start_pbx())
        self.recordings.mkdir(parents=True, exist_ok=True)
        self.write_config()
        (self.work / "policy.toml").write_text(self.policy)
        if not (self.work / "master.key").exists():
            create_master_key(self.work / "master.key")
        vault = Files(*(self.work / f"vault.{part}" for part in ("pub", "keys", "passphrase")))
        if not vault.private.exists():
            vault.create(best_kind(), datetime.now(UTC))
        await self.run("db", "upgrade", "--config", str(self.config))
        if controller:
            await self.start_controller()

    async def start_pbx(self) -> None:
        """The PBX, until it serves."""
        self.asterisk = Asterisk(
            self.work / "asterisk",
            dialplan=self.dialplan,
            agents=self.agents,
            bind=self.bind,
            system_name=self.system_name,
            environment=self.environment,
            least_privilege=self.least_privilege,
        )
        await self.asterisk.start()

    async def stop_pbx(self) -> None:
        """The PBX, as far as it came."""
        if hasattr(self, "asterisk"):
            await self.asterisk.stop()

    def pbx_config(self) -> str:
        """What callguard.toml says about the PBX."""
        own = self.asterisk
        return f"""\
[asterisk]
ari_url = {quoted(own.ari_url)}
ari_user = {quoted(own.ari_user)}
ari_password = {quoted(own.ari_password)}
ami_host = {quoted(own.ami_host)}
ami_port = {own.ami_port}
ami_user = {quoted(own.ami_user)}
ami_secret = {quoted(own.ami_secret)}
least_privilege = {str(self.least_privilege).lower()}

[guard]
ami_user = {quoted(own.guard_user)}
ami_secret = {quoted(own.guard_secret)}
"""

    def write_config(self, **recordings: object) -> None:
        """callguard.toml for this site; keyword arguments go to [recordings]."""
        extra = "".join(f"{key} = {value}\n" for key, value in recordings.items())
        text = f"""\
tenant = "lab"
pbx_id = "lab"
data_dir = "data"
policy = "policy.toml"
master_key = "master.key"

[database]
url = {quoted(self.postgres.app_dsn)}
owner_url = {quoted(self.postgres.owner_dsn)}

{self.pbx_config()}
[recordings]
directory = {quoted(self.recordings)}
{extra or "floor_mb = 50"}

[worker]
hosted = {str(self.hosts_worker).lower()}

[alerts]
syslog = ""
"""
        handle = os.open(self.config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it holds passwords
        with os.fdopen(handle, "w") as file:
            file.write(text)

    async def start_controller(self) -> None:
        """`callguard run`, until it says that it is healthy."""
        with self.log.open("ab") as log:
            self.controller = await asyncio.create_subprocess_exec(
                *_COMMAND, "run", "--config", str(self.config), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        await self.healthy()

    async def healthy(self, seconds: float = READY_SECONDS) -> None:
        """Wait until the controller answers and no link is lost. Raises Unreachable."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            if self.controller is not None and self.controller.returncode is not None:
                raise Unreachable(f"callguard run ended: {self._last_words()}")
            with suppress(OSError, ValueError, TimeoutError):
                if not (await self.ask({"do": "list"}))["faults"]:
                    return
            await asyncio.sleep(0.05)
        raise Unreachable(f"callguard run is not healthy after {seconds:g} s: {self._last_words()}")

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return lines[-1] if lines else "it said nothing"

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request to the controller's socket."""
        reader, writer = await asyncio.open_unix_connection(str(self.data / "control.sock"))
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 5))
            return answer
        finally:
            writer.close()

    async def run(self, *arguments: str, check: bool = True) -> tuple[int, str, str]:
        """`callguard ARGUMENTS`: exit status, standard output, standard error. Raises Unreachable on a failure if
        `check`."""
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:  # nobody waits for it any more
                process.terminate()
                await process.wait()
        if check and process.returncode:
            raise Unreachable(f"callguard {arguments[0]} failed: {err.decode(errors='replace').strip()}")
        return process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")

    async def stop_controller(self, number: int = signal.SIGTERM) -> None:
        """End `callguard run` by a signal."""
        process, self.controller = self.controller, None
        if process is not None and process.returncode is None:
            process.send_signal(number)
            try:
                async with asyncio.timeout(END_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                raise Unreachable(f"callguard run does not end: {self._last_words()}") from None

    def stop_guard(self) -> None:
        """End the guard, which outlives its controller on purpose."""
        with suppress(OSError, ValueError):
            os.kill(int((self.data / "guard.pid").read_text()), signal.SIGTERM)

    async def stop(self) -> None:
        """End everything."""
        await self.stop_controller()
        self.stop_guard()
        await self.stop_pbx()
        if hasattr(self, "postgres"):
            await asyncio.to_thread(self.postgres.stop)

    async def __aenter__(self) -> Stand:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
