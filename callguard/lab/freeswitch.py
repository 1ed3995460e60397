"""A FreeSWITCH of our own, for the demo and for trials: made in a work folder, started, asked, stopped or killed.

What belongs here: which program, ports, folders, the process. What does not: the text of its configuration
(switchconf.py), phones (sip.py). FreeSWITCH is not fetched: one that is on the machine is used, or the admin told so.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files as resource_files
from pathlib import Path

from callguard.errors import LinkDown, PbxRefused, Unreachable
from callguard.lab import switchconf
from callguard.lab.asterisk import RTP_PORTS, free_range, write_music
from callguard.lab.ports import Ports
from callguard.lab.probe import server_name
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.site import EslAddress

PLACES = ("/usr/bin", "/usr/local/bin", "/usr/local/freeswitch/bin", "/opt/freeswitch/bin")
"""Where packages and a build of one's own put the program."""
VARIABLE = "FREESWITCH"
"""Environment variable that names the program."""
_BOOT_SECONDS = 30.0
_WRONG = re.compile(r"\[(ERR|CRIT|ALERT)\]")


def dialplan_dir() -> Path:
    """The folder of the FreeSWITCH snippets: of the checkout, or of the installed wheel. Raises Unreachable."""
    package = Path(str(resource_files("callguard")))
    for folder in (package.parent / "dialplan/freeswitch", package / "data/dialplan/freeswitch"):
        if (folder / "callguard.xml").is_file():
            return folder
    raise Unreachable("the dialplan snippets are missing from this installation: install callguard again")


def find_freeswitch(environ: Mapping[str, str] = os.environ) -> Path:
    """The program: as $FREESWITCH says, on the PATH, or at a usual place. Raises Unreachable with what to do."""
    if named := environ.get(VARIABLE):
        if os.access(named, os.X_OK) and Path(named).is_file():
            return Path(named)
        raise Unreachable(f"{VARIABLE} names {named}, which is no program")
    search = os.pathsep.join((environ.get("PATH", os.defpath), *PLACES))
    if found := shutil.which("freeswitch", path=search):
        return Path(found)
    raise Unreachable(
        f"there is no FreeSWITCH on this machine: install one (1.10 or later), or set {VARIABLE} to its program"
    )


class FreeSwitch:
    """A private FreeSWITCH under `work`. Phones reach it at (`bind`, `sip_port`).

    `dialplan`: the site's own XML (contexts inbound, internal); callguard's own context is added to it. ${agent1}..
    are what `bridge` needs for the phones of `agents`, ${trunk} is a carrier. Errors: Unreachable.
    """

    def __init__(self, work: Path, *, dialplan: str | None = None, agents: int = 4, bind: str = "127.0.0.1") -> None:
        self.work = work.resolve()
        self.bind = bind
        self.log = self.work / "log" / "freeswitch.log"
        self._dialplan = dialplan
        self._agents = agents
        self._process: asyncio.subprocess.Process | None = None
        self._ports: Ports | None = None
        self._site: switchconf.Switch | None = None

    # --- where it is reached -----------------------------------------------------------------------------------------

    @property
    def site(self) -> switchconf.Switch:
        """The ports and secrets in use; only after `start`."""
        if self._site is None:
            raise Unreachable("the lab FreeSWITCH was not started")
        return self._site

    @property
    def server(self) -> tuple[str, int]:
        """What a phone calls."""
        return (self.bind, self.site.sip_port)

    @property
    def agent_ports(self) -> dict[str, int]:
        """{"agent1": UDP port its phone has to listen on}."""
        return {f"agent{n}": port for n, port in enumerate(self.site.agent_ports, 1)}

    @property
    def trunk_port(self) -> int:
        """UDP port that the called party of bridge sofia/lab/NUMBER@${trunk} has to listen on."""
        return self.site.trunk_port

    @property
    def address(self) -> EslAddress:
        """Its event socket."""
        return EslAddress(host="127.0.0.1", port=self.site.esl_port, password=self.site.esl_password)

    # --- its life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start and wait until calls and the event socket are served. Ports lost to a race are picked anew, twice."""
        program = find_freeswitch()
        for _ in range(3):
            self._prepare()
            await self._spawn(program)
            if await self._serves():
                return
            await self.stop()
        raise Unreachable(f"the lab FreeSWITCH did not come up: {self._last_words()}")

    async def restart(self) -> None:
        """Start again after `kill` or `stop`, with the ports and secrets of before."""
        await self._spawn(find_freeswitch())
        if not await self._serves():
            raise Unreachable(f"the lab FreeSWITCH did not come up again: {self._last_words()}")

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

    async def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @property
    def pid(self) -> int:
        """Process id of the running FreeSWITCH. Raises Unreachable."""
        if self._process is None or self._process.returncode is not None:
            raise Unreachable("the lab FreeSWITCH is not running")
        return self._process.pid

    async def cli(self, command: str) -> str:
        """What it answers on its event socket, e.g. to "show channels". Raises Unreachable."""
        esl = await Esl.connect(self.address, lambda message: None)
        try:
            return (await esl.send(f"api {command}")).text.strip()
        except (LinkDown, PbxRefused) as wrong:
            raise Unreachable("the lab FreeSWITCH does not answer its event socket") from wrong
        finally:
            await esl.close()

    async def __aenter__(self) -> FreeSwitch:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        snippets = dialplan_dir()
        self._ports = Ports(self._agents + 2, 2)
        udp, tcp = self._ports.udp, self._ports.tcp
        self._site = switchconf.Switch(
            work=self.work,
            bind=self.bind,
            sip_port=udp[0],
            esl_port=tcp[0],
            rtp_ports=free_range(RTP_PORTS),
            agent_ports=tuple(udp[2:]),
            trunk_port=udp[1],
            listen_port=tcp[1],
            esl_password=secrets.token_hex(12),
            phone_password=secrets.token_hex(12),
            user_agent=f"callguard-lab-{secrets.token_hex(4)}",
            dialplan=DIALPLAN if self._dialplan is None else self._dialplan,
            snippet=(snippets / "callguard.xml").read_text(),
            event_socket=(snippets / "event_socket.conf.xml").read_text(),
        )
        for folder in ("etc", "log", "db", "run", "scripts", "moh", "certs", "storage", "tmp"):
            (self.work / folder).mkdir(parents=True, exist_ok=True)
        for name, text in switchconf.files(self._site).items():
            (self.work / "etc" / name).write_text(text)
        write_music(self.work / "moh" / "hold.wav")

    async def _spawn(self, program: Path) -> None:
        places = {"conf": "etc", "log": "log", "db": "db", "run": "run", "scripts": "scripts", "certs": "certs"}
        places |= {"storage": "storage", "temp": "tmp"}
        folders = [word for flag, name in places.items() for word in (f"-{flag}", str(self.work / name))]
        setpriv = shutil.which("setpriv")  # a lab whose owner was killed does not stay behind
        dying = (setpriv, "--pdeathsig", "KILL") if setpriv else ()
        self._process = await asyncio.create_subprocess_exec(
            *dying, str(program), "-nf", "-nonat", "-nc", *folders,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    async def _serves(self) -> bool:
        """Its event socket answers, and it is ours that answers on the SIP port."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _BOOT_SECONDS
        while loop.time() < deadline and self._process is not None and self._process.returncode is None:
            with suppress(Unreachable):
                if (await self.cli("status")).startswith("UP") and (name := await server_name(self.server)):
                    return name == self.site.user_agent
            await asyncio.sleep(0.1)
        return False

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        wrong = [line for line in lines if _WRONG.search(line)]
        return (wrong or lines or [f"no log in {self.work}"])[-1]


DIALPLAN = """\
<include>
  <context name="inbound">
    <extension name="agent">
      <condition field="destination_number" expression="^10([1-9])$">
        <action application="set" data="callguard_type=support"/>
        <action application="set" data="callguard_direction=inbound"/>
        <action application="set" data="callguard_dialled=${destination_number}"/>
        <action application="set" data="callguard_home=${context}"/>
        <action application="execute_extension" data="callguard XML callguard"/>
        <action application="bridge" data="${agent$1}"/>
      </condition>
    </extension>
    <extension name="queue">
      <condition field="destination_number" expression="^200$">
        <action application="set" data="callguard_type=support"/>
        <action application="set" data="callguard_direction=inbound"/>
        <action application="set" data="callguard_dialled=${destination_number}"/>
        <action application="set" data="callguard_home=${context}"/>
        <action application="execute_extension" data="callguard XML callguard"/>
        <action application="answer"/>
        <action application="callcenter" data="support@lab.example"/>
      </condition>
    </extension>
  </context>
</include>
"""
"""10X calls agent X, 200 the queue; both behind callguard."""
