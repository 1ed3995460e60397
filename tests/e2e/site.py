"""The site that the live tests call: its dialplan, its call types, and words for what people do on a call.

What belongs here: domain verbs over real phones, the real `callguard run`, its event log and its files. What does not:
what must come of them (the tests).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np

from callguard.audio.wav import WavReader
from callguard.lab.dialog import Call
from callguard.lab.media import CounterTone, find_counters
from callguard.lab.sip import Phone
from callguard.lab.stand import COMPLETE, Stand
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.site import AmiAddress
from callguard.ports import EventRow, StoredCall
from callguard.proof import prove
from callguard.store.keys import load_master_key
from callguard.store.postgres import PostgresLog
from tests.e2e.quick import LANGUAGE, OTHER, write_prompts

AGENTS = 15
CALIFORNIAN = AGENTS
"""The one agent who does not sit in Texas; nobody gets this one unasked."""
ELSEWHERE = AGENTS - 1
"""Another one, whose place its endpoint says (set_var), not callguard.toml."""
QUEUE_AGENTS = 2
"""agent1 and agent2 are members of the queues; every other call gets an agent of its own."""
AGENT_NUMBERS = 20000
"""Packets of agents carry numbers from here on, packets of callers from 0."""

# `support_3` is a call of type support to agent3
DIALPLAN = """\
[inbound]
exten => _.,1,ExecIf($["${CUT(EXTEN,_,1)}" = "survey"]?Set(CALLERID(num)=+15125550147))
 same => n,ExecIf($["${CUT(EXTEN,_,1)}" = "regular"]?Set(CALLERID(num)=+15125550148))
 same => n,ExecIf($["${CUT(EXTEN,_,1)}" = "card"]?Set(CALLERID(num)=+15125550149))
 same => n,Set(CALLGUARD_PLACE=US-TX)
 same => n,ExecIf($["${CUT(EXTEN,_,1):0:6}" = "privat"]?Set(CALLGUARD_DIALPLAN=2026-11_26.${CUT(EXTEN,_,1)}))
 same => n,Gosub(callguard,s,1(${CUT(EXTEN,_,1)},inbound))
 same => n,Dial(PJSIP/agent${CUT(EXTEN,_,2)},30)
 same => n,Hangup()
exten => _moved_.,1,Set(CALLGUARD_PLACE=US-TX)
 same => n,Gosub(callguard,s,1(moved,inbound))
 same => n,Dial(PJSIP/agent${CUT(EXTEN,_,2)},30,t)
exten => _strict_.,1,Set(CALLERID(num)=+14105550147)
 same => n,Set(CALLGUARD_PLACE=US-MD)
 same => n,Gosub(callguard,s,1(survey,inbound))
 same => n,Dial(PJSIP/agent${CUT(EXTEN,_,2)},30)
exten => _stayed_.,1,Set(CALLERID(num)=+15125550147)
 same => n,Goto(asked_${CUT(EXTEN,_,2)},1)
exten => _east_.,1,Set(CALLERID(num)=+14105550147)
 same => n,Goto(asked_${CUT(EXTEN,_,2)},1)
exten => _asked_.,1,Set(CALLGUARD_PLACE=${IF($["${CALLERID(num):2:3}" = "410"]?US-MD:US-TX)})
 same => n,Gosub(callguard,s,1(stayed,inbound))
 same => n,Dial(PJSIP/agent${CUT(EXTEN,_,2)},30)
exten => 911,1,Gosub(callguard,s,1(support,inbound))
 same => n,Dial(PJSIP/agent${LAST},30)
exten => queue,1,Gosub(callguard,s,1(support,inbound))
 same => n,Answer()
 same => n,Queue(duo,,,,60)
exten => local,1,Gosub(callguard,s,1(support,inbound))
 same => n,Answer()
 same => n,Queue(duolocal,,,,60)
exten => _add_.,1,Answer()
 same => n,BridgeAdd(PJSIP/agent${CUT(EXTEN,_,2)}-)
 same => n,Hangup()
; a caller who was told at a door of its own comes into somebody else's conversation
exten => _visit_.,1,Gosub(callguard,s,1(card,inbound))
 same => n,BridgeAdd(PJSIP/agent${CUT(EXTEN,_,2)}-)
 same => n,Hangup()
exten => _spy_.,1,Answer()
 same => n,ChanSpy(PJSIP/agent${CUT(EXTEN,_,2)}-,q)
; the pattern _. would catch it
exten => h,1,NoOp()
[agents]
exten => _X,1,Dial(PJSIP/agent${EXTEN},20)
[internal]
exten => _60X,1,Dial(PJSIP/agent${EXTEN:2},20)
exten => _add_.,1,Answer()
 same => n,BridgeAdd(PJSIP/agent${CUT(EXTEN,_,2)}-)
exten => _9XX,1,Dial(PJSIP/agent${EXTEN:1},20)
exten => _to_.,1,Dial(PJSIP/agent${CUT(EXTEN,_,2)},20)
exten => _take_.,1,Pickup(to_${CUT(EXTEN,_,2)}@internal)
exten => _room_.,1,Answer()
 same => n,Set(CONFBRIDGE(user,announce_only_user)=no)
 same => n,ConfBridge(${CUT(EXTEN,_,2)})
exten => _desk_.,1,Gosub(callguard,s,1(moved,internal))
 same => n,Dial(PJSIP/agent${CUT(EXTEN,_,2)},20)
exten => _door_.,1,Gosub(callguard,s,1(gated,inbound))
 same => n,Set(CONFBRIDGE(user,announce_only_user)=no)
 same => n,ConfBridge(${CUT(EXTEN,_,2)})
exten => _gate_.,1,Gosub(callguard,s,1(moved,outbound,gate))
 same => n,Dial(PJSIP/agent${CUT(EXTEN,_,2)},20,${CALLGUARD_DIAL})
exten => fetch,1,Answer()
 same => n,ParkedCall(default)
exten => _spy_.,1,Answer()
 same => n,ChanSpy(PJSIP/agent${CUT(EXTEN,_,2)}-,qE)
exten => _barge_.,1,Answer()
 same => n,ChanSpy(PJSIP/agent${CUT(EXTEN,_,2)}-,qEB)
exten => _whisper_.,1,Answer()
 same => n,ChanSpy(PJSIP/agent${CUT(EXTEN,_,2)}-,qEw)
exten => _queue_.,1,AddQueueMember(hunt,PJSIP/agent${CUT(EXTEN,_,2)})
 same => n,Queue(hunt,,,,20)
exten => _local_.,1,Dial(Local/to_${CUT(EXTEN,_,2)}@internal,20)
exten => _stay_.,1,Dial(Local/to_${CUT(EXTEN,_,2)}@internal/n,20)
exten => wait,1,Answer()
 same => n,Wait(60)
"""

_QUEUE = "musicclass=default\nstrategy=ringall\ntimeout=20\nretry=1\nautofill=yes\n"
QUEUES = (
    f"[general]\n[hunt]\n{_QUEUE}[duo]\n{_QUEUE}member => PJSIP/agent1\nmember => PJSIP/agent2\n"
    f"[duolocal]\n{_QUEUE}"
    "member => Local/1@agents,0,Agent 1,PJSIP/agent1\n"
    "member => Local/2@agents,0,Agent 2,PJSIP/agent2\n"
)

POLICY = (
    COMPLETE
    + 'on_rogue = "stop"\n'
    + "\n".join(
        f"[call_type.{name}]\n{rest}\n"
        for name, rest in {
            "support": f'language = "{LANGUAGE}"',
            "kept": f'language = "{LANGUAGE}"\non_withdrawal = "keep"\non_log_loss = "keep"',
            "survey": f'language = "{LANGUAGE}"\nmode = "announce"\nsite = "US-TX"',
            "polyglot": f'language = "{LANGUAGE}"\nlanguage_keys = {{"3" = "{OTHER}"}}',
            "desk": f'language = "{LANGUAGE}"\nmust_record = true\nretention = {{audio = 1830}}\npause_limit_s = 1',
            "regular": f'language = "{LANGUAGE}"\nremember_days = 30',
            "spoken": "",
            "payment": 'category = "payment"\nnotice = "notice-sensitive"',
            "private": 'mode = "never"',
            "card": f'language = "{LANGUAGE}"\nsite = "US-TX"\nlook_back_s = 1\npause_warn_s = 1',
            "named": f'language = "{LANGUAGE}"\nindicator = "name"',
            "moved": f'language = "{LANGUAGE}"\nagents = ["PJSIP/agent?"]',
            "sealed": f'language = "{LANGUAGE}"\nagents = ["PJSIP/agent?"]\n'
            'category = "payment"\nnotice = "notice-sensitive"',
            "soft": f'language = "{LANGUAGE}"\nagents = ["PJSIP/agent?"]\nnotice = "notice-soft"',
            "staff": f'language = "{LANGUAGE}"\nagents = ["PJSIP/agent?"]\nnotice = "notice-hr"',
            "gated": f'language = "{LANGUAGE}"\nagents = ["PJSIP/agent?"]\njoins = "gate"',
            "stayed": f'language = "{LANGUAGE}"\nagents = ["PJSIP/agent?"]\njoins = "gate"\n'
            'mode = "announce"\nsite = "US-TX"',
            "keyed": f'language = "{LANGUAGE}"\nsomeone_else = "*5"\ncannot_consent = "*6"',
            "toned": f'language = "{LANGUAGE}"\nindicator = "tone"',
        }.items()
    )
)


PAGE = AmiAddress(host="127.0.0.1", user="page", secret="not-a-secret-of-callguard")
"""The AMI account of a payment page: it may send user events and nothing else."""


def _make(work: Path) -> None:
    """Others may pass: Postgres runs as another user."""
    work.mkdir(exist_ok=True)
    work.chmod(0o755)


@dataclass(frozen=True)
class Tape:
    """A finished recording. `left`, `right`: (sample, number) of every packet of a caller or an agent in it."""

    left: list[tuple[int, int]]
    right: list[tuple[int, int]]
    seconds: float

    @classmethod
    def read(cls, path: Path) -> Tape:
        """The counters in a stereo file."""
        with WavReader(path, lenient=True) as reader:
            samples = reader.read(reader.frames)
        left, right = (find_counters(np.ascontiguousarray(samples[:, side])) for side in (0, 1))
        return cls(left, right, len(samples) / 8000)

    def numbers(self) -> tuple[list[int], list[int]]:
        """Numbers alone, by side."""
        return [number for _, number in self.left], [number for _, number in self.right]


@dataclass
class Site:
    """Everything up: `stand` with Asterisk, Postgres and `callguard run`; `log` reads what was written down."""

    stand: Stand
    log: PostgresLog
    free: list[int] = field(default_factory=lambda: list(range(QUEUE_AGENTS + 1, ELSEWHERE)))
    names: dict[str, str] = field(default_factory=dict)
    count: Iterable[int] = field(default_factory=itertools.count)

    @classmethod
    async def open(
        cls,
        work: Path,
        *,
        controller: bool = True,
        floor_mb: int = 50,
        directory_is: Path | None = None,
        agents: int = AGENTS,
        dialplan: str = "",
        system_name: str = "",
        environment: Mapping[str, str] | None = None,
        least_privilege: bool = False,
        policy: str = POLICY,
    ) -> Site:
        """A site in the folder WORK. `floor_mb`: of [recordings]; `directory_is`: where recordings really lie;
        `dialplan`: more of it; `system_name`, `environment`: of the Asterisk."""
        _make(work)
        stand = Stand(
            work,
            dialplan=DIALPLAN + dialplan,
            agents=agents,
            policy=policy,
            system_name=system_name,
            environment=environment or {},
            least_privilege=least_privilege,
        )
        try:
            await stand.start(controller=False)
            stand.write_config(floor_mb=floor_mb)
            if directory_is:
                stand.recordings.rmdir()
                stand.recordings.symlink_to(directory_is)
            prompts = write_prompts(work / "prompts")
            with stand.config.open("a") as config:
                config.write(f'\n[prompts]\ndirectory = "{prompts}"\n')
                config.write(f'[places]\nagents = {{"PJSIP/agent{CALIFORNIAN}" = "US-CA"}}\n')
            etc = stand.asterisk.work / "etc"
            (etc / "queues.conf").write_text(QUEUES)
            await stand.asterisk.cli("queue reload all")
            (etc / "features.conf").write_text("[featuremap]\natxfer => *2\n")
            await stand.asterisk.cli("module reload features")
            with (etc / "manager.conf").open("a") as accounts:
                accounts.write(f"[{PAGE.user}]\nsecret={PAGE.secret}\nread=\nwrite=user\n")
            await stand.asterisk.cli("manager reload")
            aors = f"aors=agent{ELSEWHERE}\n"
            phones = (etc / "pjsip.conf").read_text()
            (etc / "pjsip.conf").write_text(phones.replace(aors, f"{aors}set_var=CALLGUARD_SITE=US-CA\n"))
            await stand.asterisk.cli("module reload res_pjsip.so")
            if controller:
                await stand.start_controller()
            key = load_master_key(work / "master.key")
            return cls(stand, await PostgresLog.open(stand.postgres.app_dsn, key))
        except BaseException:
            await stand.stop()
            raise

    async def close(self) -> None:
        """End everything."""
        await self.log.close()
        await self.stand.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @contextlib.asynccontextmanager
    async def talk(
        self, extension: str = "support", *, answer_after: float = 0.05, agent_number: int = 0
    ) -> AsyncIterator[Talk]:
        """A caller who dials EXTENSION and the agent whom this leads to, or AGENT_NUMBER; both are gone afterwards."""
        number = 1 if extension in ("queue", "local") else agent_number or self.free.pop(0)
        server, ports = self.stand.server, self.stand.agent_ports
        tone = CounterTone(AGENT_NUMBERS)
        agent = await Phone.open(
            f"agent{number}", server, port=ports[f"agent{number}"], answer_after=answer_after, media=tone
        )
        caller = await Phone.open("caller", server)
        talk = Talk(self, f"call {next(iter(self.count))}", number, caller, agent, tone)
        try:
            dialled = extension if number == 1 or extension.isdigit() else f"{extension}_{number}"
            talk.call = await caller.dial(dialled, media=talk.far, display=talk.name)
            yield talk
        finally:
            await asyncio.gather(caller.close(), agent.close())
            if number not in (1, agent_number):
                self.free.append(number)

    @contextlib.asynccontextmanager
    async def controller(self, config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
        """`callguard run` with a configuration of its own, healthy or not; ended afterwards."""
        command = (sys.executable, "-m", "callguard", "run", "--config", str(config))
        with self.stand.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.wait(), 15)

    async def find(self, name: str) -> str | None:
        """The id of the call whose caller has this display name."""
        async for head in self.log.calls():
            if head.call_id not in self.names:
                for party in await self.log.party(head.call_id):
                    if party.role == "far":
                        self.names[head.call_id] = party.values.get("display", "")
            if self.names.get(head.call_id) == name:
                return head.call_id
        return None

    async def live(self) -> list[dict[str, object]]:
        """Live calls as `callguard calls list` shows them."""
        return list((await self.stand.ask({"do": "list"}))["calls"])

    async def user_event(self, name: str, channel_id: str) -> None:
        """What a payment page sends by AMI."""
        page = await Ami.connect(replace(PAGE, port=self.stand.asterisk.ami_port), lambda _: None)
        await page.action("UserEvent", UserEvent=name, Uniqueid=channel_id)
        await page.close()

    async def manager(self, action: str, **headers: str) -> None:
        """What an operator's panel asks of the PBX by AMI. Raises PbxRefused."""
        asterisk = self.stand.asterisk
        guard = AmiAddress(host="127.0.0.1", user="guard", secret=asterisk.guard_secret, port=asterisk.ami_port)
        panel = await Ami.connect(guard, lambda _: None)
        try:
            await panel.action(action, **headers)
        finally:
            await panel.close()

    async def channels(self) -> str:
        """What Asterisk has up."""
        return await self.stand.asterisk.cli("core show channels concise")

    def printed(self) -> str:
        """All that the controller and the guard have said."""
        return self.stand.log.read_text(errors="replace")

    def files(self, stored: StoredCall) -> list[str]:
        """What lies in the recordings' directory of this call."""
        found = [path for item in stored.recordings for path in self.stand.recordings.glob(f"{item.recording_id}*")]
        return sorted(path.name.removeprefix(path.name[:36]) for path in found)


@dataclass
class Talk:
    """One call. `far`: the caller's packets, `near`: the agent's; `call`, `answered`: their ends of it."""

    site: Site
    name: str
    number: int
    caller: Phone
    agent: Phone
    near: CounterTone
    far: CounterTone = field(default_factory=CounterTone)
    call: Call = field(init=False)
    answered: Call = field(init=False)
    call_id: str = ""
    stored: StoredCall | None = None

    # ------------------------------------------------------------ what people do
    async def told(self) -> None:
        """The notice was heard to its end."""
        await self.row("notice_ended", script="notice")

    async def grants(self) -> None:
        """The caller hears the notice and presses 1."""
        await self.told()
        await self.call.press("1")

    async def meets(self) -> None:
        """The agent answers, and both are put through."""
        self.answered = await self.agent.incoming()
        await self.answered.answered()

    async def recorded(self) -> None:
        """Granted, put through, and the recorder runs."""
        await self.grants()
        await self.meets()
        await self.row("recording_opened")

    async def is_joined_by(self, phone: Phone) -> Call:
        """Recorded, and then somebody comes in, is told and agrees, and the recording goes on."""
        await self.recorded()
        await self.row("notice_ended", script="recording_on")
        guest = await phone.dial(f"add_{self.number}", media=CounterTone(40000))
        await guest.answered()
        await self.row("notice_ended", script="notice", nth=1)
        await asyncio.sleep(0.2)
        await guest.press("1")
        await self.row("unmask_acknowledged")
        return guest

    async def says(self, seconds: float) -> None:
        """Both speak for so long."""
        await asyncio.sleep(seconds)

    async def hears_each_other(self) -> bool:
        """Whether the agent hears the caller now, and the caller the agent."""
        before = [len(call.heard().monotonic) for call in (self.call, self.answered)]
        await asyncio.sleep(0.5)
        new = [
            {number for _, number in find_counters(call.heard().samples[start * 160 :])}
            for call, start in zip((self.call, self.answered), before, strict=True)
        ]
        return bool(new[0] & self.near.sent.keys()) and bool(new[1] & self.far.sent.keys())

    # ------------------------------------------------------------ what was written down
    async def load(self) -> StoredCall | None:
        """What the event log holds of this call now."""
        self.call_id = self.call_id or await self.site.find(self.name) or ""
        self.stored = await self.site.log.load(self.call_id) if self.call_id else None
        return self.stored

    async def row(self, type: str, *, nth: int = 0, seconds: float = 20.0, **data: object) -> EventRow:
        """The NTH row of this type with these data, once it is there."""
        with self.telling(f"no {type} with {data}"):
            async with asyncio.timeout(seconds):
                while len(found := await self.rows(type, **data)) <= nth:
                    await asyncio.sleep(0.04)
        return found[nth]

    async def rows(self, type: str, **data: object) -> list[EventRow]:
        """All rows of this type with these data so far."""
        stored = await self.load()
        events = stored.events if stored else ()
        return [row for row in events if row.type == type and data.items() <= row.data.items()]

    async def over(self, seconds: float = 20.0) -> StoredCall:
        """The call once nothing more is expected of it; what is stored of it proves itself."""
        with self.telling("not over"):
            async with asyncio.timeout(seconds):
                while not ((stored := await self.load()) and is_over(stored)):
                    await asyncio.sleep(0.05)
        assert prove(stored) == []
        return stored

    @contextlib.contextmanager
    def telling(self, what: str) -> Iterator[None]:
        """A wait in vain shows how far the call came."""
        try:
            yield
        except TimeoutError:
            rows = self.stored.events if self.stored else ()
            said = "\n".join(f"{row.at:%T.%f} {row.type} {row.channel_id} {dict(row.data)}" for row in rows)
            raise AssertionError(f"{self.name}: {what}; its rows:\n{said}") from None

    async def ends(self) -> StoredCall:
        """The caller hangs up."""
        await self.call.hangup()
        return await self.over()

    def file(self, segment: int = 0) -> Path:
        """Where the finished file lies."""
        assert self.stored is not None
        return self.site.stand.recordings / f"{self.stored.recordings[segment].recording_id}.wav"

    def tape(self, segment: int = 0) -> Tape:
        """What is in the finished file."""
        return Tape.read(self.file(segment))


# ---------------------------------------------------------------- questions about a stored call
def is_over(stored: StoredCall) -> bool:
    """Whether the last decision says so."""
    return any(row.decision and row.decision["state"].get("over") for row in stored.events)


def types(stored: StoredCall) -> list[str]:
    """Types of all rows, in order."""
    return [row.type for row in stored.events]


def at(stored: StoredCall, type: str, **data: object) -> datetime:
    """When the first row of this type with these data happened."""
    return next(row.at for row in stored.events if row.type == type and data.items() <= row.data.items())


def gone_at(stored: StoredCall) -> datetime:
    """When the far party hung up."""
    anchor = stored.events[0].channel_id
    return next(row.at for row in stored.events if row.type == "channel_hung_up" and row.channel_id == anchor)


def states(stored: StoredCall) -> list[str]:
    """How each segment ended. Where one is not as it should be, a failure shows what was written down."""
    found = [item.state for item in stored.recordings]
    if {"damaged", "lost"} & set(found):
        _show(stored)
    return found


def incidents(stored: StoredCall) -> set[str]:
    """Kinds of incidents."""
    if stored.incidents:
        _show(stored)
    return {item.kind for item in stored.incidents}


def _show(stored: StoredCall) -> None:
    for row in stored.events:
        print(f"{row.at:%T.%f} {row.recorded_at:%T.%f} {row.type} {row.channel_id} {dict(row.data)}")


def sent_between(tone: CounterTone, start: datetime, end: datetime) -> set[int]:
    """Numbers of the packets that left between two moments."""
    return {number for number, sent in tone.sent.items() if start.timestamp() < sent.wall < end.timestamp()}


def sent_before(tone: CounterTone, end: datetime) -> set[int]:
    """Numbers of the packets that left before a moment."""
    return {number for number, sent in tone.sent.items() if sent.wall < end.timestamp()}
