"""An Asterisk of our own, for the demo and the tests: made in a work folder, started, asked, stopped or killed.

What belongs here: ports, folders, the process and its command line. What does not: the text of its configuration
(config.py), where the program comes from (packages.py), phones (sip.py).
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import secrets
import shutil
import socket
import struct
import tempfile
import wave
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from importlib.resources import files as resource_files
from pathlib import Path

from callguard.errors import Unreachable
from callguard.lab import config, packages
from callguard.lab.ports import Ports, is_free
from callguard.lab.probe import server_name

RTP_PORTS = 400
MUSIC_HZ = 330  # what a held party hears: no other tone of the lab has this pitch
_BOOT_SECONDS = 20.0


def dialplan_dir() -> Path:
    """The folder of the Asterisk snippets: of the checkout, or of the installed wheel. Raises Unreachable."""
    package = Path(str(resource_files("callguard")))
    for folder in (package.parent / "dialplan/asterisk", package / "data/dialplan/asterisk"):
        if (folder / "callguard.conf").is_file():
            return folder
    raise Unreachable("the dialplan snippets are missing from this installation: install callguard again")


class Asterisk:
    """A private Asterisk under `work`. Phones reach it at (`bind`, `sip_port`); recordings go below `spool`.

    `dialplan` is the site's own text (contexts inbound, agents, internal); the callguard context is added to it.
    `agents` endpoints agent1.. ring the phones that listen on `agent_ports`. `system_name`: as in asterisk.conf;
    `environment`: more of it for the program alone. Errors: Unreachable.
    """

    ari_user = "callguard"
    ami_host = "127.0.0.1"
    ami_user = "callguard"
    guard_user = "guard"

    def __init__(
        self,
        work: Path,
        *,
        dialplan: str | None = None,
        agents: int = 4,
        bind: str = "127.0.0.1",
        system_name: str = "",
        environment: Mapping[str, str] | None = None,
        least_privilege: bool = False,
    ) -> None:
        self.work = work.resolve()
        self.bind = bind
        self.spool = self.work / "spool"
        self.log = self.work / "log" / "full"
        self._dialplan = dialplan
        self._agents = agents
        self._system_name, self._environment = system_name, dict(environment or {})
        self._least_privilege = least_privilege
        self._secrets = config.Secrets(*(secrets.token_hex(12) for _ in range(4)))
        self._process: asyncio.subprocess.Process | None = None
        self._command: tuple[str, ...] = ()
        self._site: config.Site | None = None
        self._ports: Ports | None = None
        self._run: Path | None = None

    # --- where it is reached -----------------------------------------------------------------------------------------

    @property
    def site(self) -> config.Site:
        """The ports and secrets in use; only after `start`."""
        if self._site is None:
            raise Unreachable("the lab Asterisk was not started")
        return self._site

    @property
    def ari_url(self) -> str:
        """Base URL of ARI, without a trailing slash."""
        return f"http://127.0.0.1:{self.site.http_port}/ari"

    @property
    def ari_password(self) -> str:
        """Password of `ari_user`."""
        return self._secrets.ari

    @property
    def ami_port(self) -> int:
        """TCP port of AMI."""
        return self.site.ami_port

    @property
    def ami_secret(self) -> str:
        """Secret of `ami_user`, who may start recorders."""
        return self._secrets.ami

    @property
    def guard_secret(self) -> str:
        """Secret of `guard_user`, who may stop recorders and redirect, not start."""
        return self._secrets.guard

    @property
    def softphone_password(self) -> str:
        """Password of the SIP account `softphone`, which may register."""
        return self._secrets.phone

    @property
    def sip_port(self) -> int:
        """UDP port of SIP."""
        return self.site.sip_port

    @property
    def server(self) -> tuple[str, int]:
        """What a phone calls."""
        return ("127.0.0.1" if self.bind == "0.0.0.0" else self.bind, self.sip_port)

    @property
    def agent_ports(self) -> dict[str, int]:
        """{"agent1": UDP port its phone has to listen on}."""
        return {f"agent{n}": port for n, port in enumerate(self.site.agent_ports, 1)}

    @property
    def trunk_port(self) -> int:
        """UDP port that the called party of Dial(PJSIP/NUMBER@trunk) has to listen on."""
        return self.site.trunk_port

    # --- its life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start and wait until calls, ARI and AMI are served. Ports lost to a race are picked anew, twice."""
        installation = await asyncio.to_thread(packages.find_asterisk)
        for _ in range(3):
            self._prepare(installation)
            await self._spawn(installation)
            if await self._serves():
                return
            await self.stop()
        raise Unreachable(
            f"the lab Asterisk did not come up; its log: {self.log.relative_to(self.work)} of its work folder"
        )

    async def restart(self) -> None:
        """Start again after `kill` or `stop`, with the ports and secrets of before."""
        await self._spawn(await asyncio.to_thread(packages.find_asterisk))
        if not await self._serves():
            raise Unreachable("the lab Asterisk did not come up again")

    async def stop(self) -> None:
        """Stop at once; every call ends. Harmless when it does not run."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 5)
            if process.returncode is None:
                process.kill()
                await process.wait()
        if self._run is not None:
            shutil.rmtree(self._run, ignore_errors=True)

    async def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @property
    def pid(self) -> int:
        """Process id of the running Asterisk. Raises Unreachable."""
        if self._process is None or self._process.returncode is not None:
            raise Unreachable("the lab Asterisk is not running")
        return self._process.pid

    async def cli(self, command: str) -> str:
        """What the Asterisk command line answers, e.g. to "core show channels". Raises Unreachable."""
        argv = [*self._command, "-r", "-x", command]
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise Unreachable("the lab Asterisk does not answer its command line")
        return output.decode(errors="replace")

    async def __aenter__(self) -> Asterisk:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _prepare(self, installation: packages.Installation) -> None:
        run = self._run = Path(tempfile.mkdtemp(prefix="cg-"))
        snippets = dialplan_dir()
        dialplan = self._dialplan
        if dialplan is None:
            dialplan = (snippets / "example-inbound.conf").read_text()
        self._ports = Ports(self._agents + 2, 2)
        udp, tcp = self._ports.udp, self._ports.tcp
        self._site = config.Site(
            work=self.work,
            run=run,
            modules=installation.modules,
            data=installation.data,
            bind=self.bind,
            sip_port=udp[0],
            http_port=tcp[0],
            ami_port=tcp[1],
            rtp_ports=free_range(RTP_PORTS),
            agent_ports=tuple(udp[2:]),
            trunk_port=udp[1],
            secrets=self._secrets,
            user_agent=f"callguard-lab-{secrets.token_hex(4)}",
            dialplan=dialplan,
            system_name=self._system_name,
            snippet=(snippets / "callguard.conf").read_text(),
            least_privilege=self._least_privilege,
        )
        for folder in ("etc", "lib/keys", "spool/recording", "log/cdr-csv", "moh"):
            (self.work / folder).mkdir(parents=True, exist_ok=True)
        for name, text in config.files(self._site).items():
            (self.work / "etc" / name).write_text(text)
        write_music(self.work / "moh" / "hold.wav")

    async def _spawn(self, installation: packages.Installation) -> None:
        self._command = (*installation.command, "-C", str(self.work / "etc/asterisk.conf"))
        self.site.run.mkdir(parents=True, exist_ok=True)
        # where setpriv exists, a lab whose owner was killed does not stay behind
        setpriv = shutil.which("setpriv")
        dying = (setpriv, "--pdeathsig", "KILL") if setpriv else ()
        self._process = await asyncio.create_subprocess_exec(
            *dying, *self._command, "-f",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | self._environment,
        )  # fmt: skip

    async def _serves(self) -> bool:
        """Booted, and it is ours that answers on the SIP port: a taken port is only an ERROR line to Asterisk."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _BOOT_SECONDS
        while loop.time() < deadline and self._process is not None and self._process.returncode is None:
            with suppress(Unreachable):
                await self.cli("core waitfullybooted")
                name = await server_name(self.server)
                return name == self.site.user_agent and _listens(self.ami_port) and _listens(self.site.http_port)
            await asyncio.sleep(0.05)
        return False


def free_range(count: int) -> tuple[int, int]:
    """First and last of `count` UDP ports in a row that nobody has now. Raises Unreachable."""
    for _ in range(50):
        first = random.randrange(10000, 32000 - count, 2)  # below the ports that the system itself gives out
        if all(is_free(socket.SOCK_DGRAM, port) for port in range(first, first + count)):
            return first, first + count - 1
    raise Unreachable(f"no {count} free UDP ports in a row for the lab's audio")


def _listens(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def _tone(hertz: int, seconds: int) -> Iterator[int]:
    return (round(6000 * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(8000 * seconds))


def write_music(path: Path) -> None:
    """What a held party hears, as a wav at PATH."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        samples = list(_tone(MUSIC_HZ, 10))
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
