"""A site with nothing wrong, made of values, from which each test takes something away.

What belongs here: the healthy values and short ways to change one. What does not: a real Asterisk (test_ask.py,
tests/cli/test_doctor.py).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

from callguard.audio.prompt import shipped_prompts
from callguard.core.policy import parse_policy
from callguard.doctor import module, privilege
from callguard.doctor.dialplan import parse_snippet
from callguard.doctor.site import AsteriskPlan, Finding, HostSeen, PbxSeen, Severity, Site, Step
from callguard.lab.asterisk import dialplan_dir
from callguard.lab.stand import COMPLETE
from callguard.pbx.asterisk.site import AmiAddress, AriAddress, AsteriskSettings
from callguard.store.keys import create_master_key
from callguard.store.pack import shipped_pack

ARI_SECRET, AMI_SECRET, GUARD_SECRET, DATABASE_SECRET = (f"{word}-7f3a91c05e2d" for word in ("ari", "ami", "gu", "db"))
SNIPPET = (dialplan_dir() / "callguard.conf").read_text("utf-8")
POLICY = parse_policy(tomllib.loads(f"{COMPLETE}\n[call_type.support]\n"))

Check = Callable[[Site], Iterable[Finding]]


def step(app: str, data: str = "", priority: int = 2, *, context: str = "inbound", extension: str = "100") -> Step:
    return Step(context, extension, priority, "", app, data)


CALLS = (step("Gosub", "callguard,s,1(support,inbound)", 1), step("Dial", "PJSIP/agent1,30"))
AMI = AmiAddress(host="127.0.0.1", user="callguard", secret=AMI_SECRET)
ARI = AriAddress(url="http://127.0.0.1:8088/ari", user="callguard", password=ARI_SECRET)


def healthy_plan(folder: Path) -> AsteriskPlan:
    for name, mode in (("recordings", 0o770), ("data", 0o700)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(mode)
    if not (folder / "master.key").exists():
        create_master_key(folder / "master.key")
    (folder / "callguard.toml").touch(0o600)
    return AsteriskPlan(
        recordings=folder / "recordings",
        config=folder / "callguard.toml",
        asterisk=AsteriskSettings(
            ari=ARI, ami=AMI, recordings=folder / "recordings", register=folder / "data" / "register.jsonl"
        ),
        guard=AmiAddress(host="127.0.0.1", user="guard", secret=GUARD_SECRET),
        database_url=f"postgresql://callguard_app:{DATABASE_SECRET}@localhost/callguard",
        data=folder / "data",
        master_key=folder / "master.key",
        prompts=shipped_prompts(),
        policy=POLICY,
        pack=shipped_pack(),
        floor=1,
        syslog="127.0.0.1:514",
        snippet=SNIPPET,
    )


PBX = PbxSeen(
    ari_writes=True,
    version="22.10.1",
    modules=dict.fromkeys([*module.NEEDED, *module.OUTBOUND, module.MUTES], "Running"),
    technologies={"PJSIP": 4},
    phones={"PJSIP/agent1": True},
    applications=("callguard",),
    commands=frozenset(privilege.NEEDED),
    guard_commands=frozenset(privilege.GUARD_NEEDED),
    dialplan=(*parse_snippet(SNIPPET), *CALLS),
    files={"features.conf": {}, "queues.conf": {}, "confbridge.conf": {}},
    app="",
    read="call,user,dialplan",
    same_folder=True,
    ahead=0.1,
)
HOST = HostSeen(
    today=date(2026, 12, 1), control={"calls": [], "faults": []}, heartbeat={"ready": True}, pbx_user=os.getuid()
)


def healthy(folder: Path) -> Site:
    return Site(plan=healthy_plan(folder), pbx=PBX, host=HOST)


def with_pbx(folder: Path, **changes: object) -> Site:
    return replace(healthy(folder), pbx=replace(PBX, **changes))  # type: ignore[arg-type]


def with_host(folder: Path, **changes: object) -> Site:
    return replace(healthy(folder), host=replace(HOST, **changes))  # type: ignore[arg-type]


def with_plan(folder: Path, **changes: object) -> Site:
    site = healthy(folder)
    return replace(site, plan=replace(site.plan, **changes))  # type: ignore[arg-type]


def with_dialplan(folder: Path, *steps: Step) -> Site:
    """The snippet, its caller, and STEPS."""
    return with_pbx(folder, dialplan=(*(PBX.dialplan or ()), *steps))


def said(check: Check, site: Site) -> list[tuple[Severity, str]]:
    """Severity and sentence of everything that CHECK finds."""
    return [(finding.severity, finding.what) for finding in check(site)]


def severities(check: Check, site: Site) -> list[str]:
    return [finding.severity.value for finding in check(site)]
