"""What a check looks at, and what it says.

What belongs here: frozen values: what was configured (Plan), what PBX and machine showed (PbxSeen, SwitchSeen,
HostSeen), and a finding. What does not: asking (ask.py, switch.py, look.py), judging (the checks).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from callguard.core.jurisdiction import RulePack
from callguard.core.policy import Policy
from callguard.pbx.asterisk.site import AmiAddress, AsteriskSettings
from callguard.pbx.freeswitch.site import EslAddress
from callguard.store.share import Share


class Severity(StrEnum):
    """Worst first. A blocker: calls are not handled as promised, or not at all."""

    BLOCKER = "blocker"
    WARNING = "warning"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `where`: a file, link or dialplan place; `change`: the line to change, to what.

    `check`: the check's name, filled in by `examine`. None of them ever holds a secret.
    """

    severity: Severity
    what: str
    where: str = ""
    change: str = ""
    check: str = ""


def blocker(what: str, where: str = "", change: str = "") -> Finding:
    """callguard does not work, or not as promised, before this is changed."""
    return Finding(Severity.BLOCKER, what, where, change)


def warning(what: str, where: str = "", change: str = "") -> Finding:
    """It works, but something is hidden, weak, or about to break."""
    return Finding(Severity.WARNING, what, where, change)


def unchecked(what: str, why: str, change: str = "") -> Finding:
    """WHAT could not be looked at: nobody may take it for fine."""
    return Finding(Severity.WARNING, f"not checked: {what}", why, change)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is configured. `name`: which PBX it is; `policy`: None where it does not load; `prompts`: their folder;
    `recordings`: the folder that the PBX writes and we read.

    `syslog`: as in callguard.toml; `floor`: bytes; `placed`: callguard.toml says where agents sit, `agents`: the codes
    of its table; `pack`: the rules of today, None where they do not load.
    """

    name: str
    config: Path
    recordings: Path
    database_url: str = field(repr=False)
    data: Path
    master_key: Path
    prompts: Path
    policy: Policy | None = None
    owner_url: str = field(default="", repr=False)
    floor: int = 0
    syslog: str = ""
    placed: bool = False
    agents: Mapping[str, str] = field(default_factory=dict)
    pack: RulePack | None = None

    @property
    def spool(self) -> Path:
        """Where rows wait while Postgres is away."""
        return self.data / "spool"


@dataclass(frozen=True, kw_only=True)
class AsteriskPlan(Plan):
    """`guard`: its AMI account; `snippet`: the text of this release's dialplan snippet; `least_privilege`: as in
    callguard.toml."""

    name: str = "Asterisk"
    asterisk: AsteriskSettings
    guard: AmiAddress
    snippet: str = ""
    least_privilege: bool = False


@dataclass(frozen=True, kw_only=True)
class SwitchPlan(Plan):
    """`listen`: host and port where FreeSWITCH's `socket` reaches us; `snippets`: this release's, by file."""

    name: str = "FreeSWITCH"
    esl: EslAddress
    snippets: Mapping[str, str] = field(default_factory=dict)
    listen: tuple[str, int] = ("127.0.0.1", 8084)


@dataclass(frozen=True, slots=True)
class Step:
    """One priority of the dialplan, as Asterisk has it loaded or as a file writes it."""

    context: str
    extension: str
    priority: int
    label: str
    app: str
    data: str

    @property
    def place(self) -> str:
        """Where an admin finds it."""
        return f"dialplan: context {self.context}, extension {self.extension}, priority {self.priority}"


Sections = Mapping[str, tuple[tuple[str, str], ...]]
"""A configuration file as Asterisk reads it: (key, value) by category."""


@dataclass(frozen=True, kw_only=True)
class PbxSeen:
    """What Asterisk showed. None: it could not be asked; `ari`, `ami`, `guard`: why that link fails, '' where it works.

    `modules`: status by name without .so; `technologies`: endpoints by channel technology;
    `phones`: whether a changed name is sent to each endpoint that a call type shows one; `commands`: AMI actions that
    each account may use; `includes`: contexts that each context of the dialplan includes; `files`: configuration files
    by name; `app`: CALLGUARD_APP of the dialplan;
    `read`: read classes of the controller's account; `same_folder`: Asterisk sees our recordings folder;
    `eager`: applications of ARI that have every event sent; `ahead`: seconds that the PBX's clock is ahead of ours;
    `outside`: (link, address) reached over a foreign address.
    """

    ari: str = ""
    ami: str = ""
    guard: str = ""
    ari_writes: bool | None = None
    version: str = ""
    modules: Mapping[str, str] | None = None
    technologies: Mapping[str, int] | None = None
    endpoints: tuple[str, ...] | None = None
    phones: Mapping[str, bool] | None = None
    applications: tuple[str, ...] | None = None
    eager: tuple[str, ...] = ()
    commands: frozenset[str] | None = None
    guard_commands: frozenset[str] | None = None
    dialplan: tuple[Step, ...] | None = None
    includes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, Sections | None] = field(default_factory=dict)
    app: str | None = None
    read: str | None = None
    same_folder: bool | None = None
    ahead: float | None = None
    outside: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class SwitchSeen:
    """What FreeSWITCH showed. None: it could not be asked; `link`: why the link fails, '' where it works.

    `modules`, `apps`, `commands`: names of modules, dialplan applications and API commands; `dialplan`: its XML as it
    is loaded, '' where another program hands it out; `configuration`: XML of some modules' configurations, by name;
    `constants`: its global variables; `same_folder`: it sees our recordings folder; `prompts`: it sees the prompts;
    `scheduled`: it lets us take a scheduled stop back; `ahead`, `outside`: as of Asterisk.
    """

    link: str = ""
    version: str = ""
    modules: frozenset[str] | None = None
    apps: frozenset[str] | None = None
    commands: frozenset[str] | None = None
    dialplan: str | None = None
    configuration: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    same_folder: bool | None = None
    prompts: bool | None = None
    scheduled: bool | None = None
    ahead: float | None = None
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostSeen:
    """What this machine showed. `control`, `heartbeat`: answers of controller and guard, None where none came.

    `pbx_user`: uid under which the PBX listens here, None where that is not known; `database`: (code, sentence)
    of each thing wrong with it; `synchronised`: of our clock; `share`: last week's calls, or why they cannot be
    counted.
    """

    today: date
    control: Mapping[str, object] | None = None
    heartbeat: Mapping[str, object] | None = None
    pbx_user: int | None = None
    database: tuple[tuple[str, str], ...] = ()
    synchronised: bool = True
    share: tuple[Share, ...] | str = ()


@dataclass(frozen=True, kw_only=True)
class Anywhere:
    """What the checks know whichever PBX it is."""

    plan: Plan
    pbx: PbxSeen | SwitchSeen
    host: HostSeen


@dataclass(frozen=True, kw_only=True)
class Site(Anywhere):
    """All that the checks of an Asterisk know."""

    plan: AsteriskPlan
    pbx: PbxSeen


@dataclass(frozen=True, kw_only=True)
class SwitchSite(Anywhere):
    """All that the checks of a FreeSWITCH know."""

    plan: SwitchPlan
    pbx: SwitchSeen
