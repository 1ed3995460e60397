"""`callguard doctor`: is this site as it has to be, and which line to change where it is not.

What belongs here: from settings to a plan, words and exit status. What does not: looking and judging
(callguard/doctor).
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import click

from callguard.audio.prompt import shipped_prompts
from callguard.cli.option import ami_address, asterisk_settings, config_option, json_option, load, show_json
from callguard.cli.pbx import freeswitch_settings
from callguard.cli.place import rules_today
from callguard.core.jurisdiction import RulePack
from callguard.core.policy import Policy
from callguard.doctor.examine import examine, visit
from callguard.doctor.freeswitch import examine as freeswitch
from callguard.doctor.site import AsteriskPlan, Finding, Plan, Severity, SwitchPlan
from callguard.errors import BadInput, ConfigError
from callguard.lab.asterisk import dialplan_dir
from callguard.lab.freeswitch import dialplan_dir as switch_dialplan_dir
from callguard.settings import Settings, load_policy

FINDING = 1
SNIPPETS = ("callguard.xml", *(f"fusionpbx-callguard{part}.xml" for part in ("", "-told", "-unrecorded")))
T = TypeVar("T")


@click.command()
@config_option
@json_option
def doctor(config: Path, as_json: bool) -> None:
    """Look at PBX, database and disk as they really are. Nothing is changed; exit status 1: something blocks."""
    findings = diagnose(config)
    counts = Counter(finding.severity for finding in findings)
    if as_json:
        show_json({"ok": not counts[Severity.BLOCKER], "findings": [asdict(finding) for finding in findings]})
    else:
        _show(findings, counts)
    sys.exit(FINDING if counts[Severity.BLOCKER] else 0)


def diagnose(config: Path) -> list[Finding]:
    """Every finding about the site of CONFIG. What does not load is a finding like any other."""
    try:
        settings = load(config)
    except BadInput as problem:
        return _problems(problem, config)
    policy, wrong = _loaded(lambda: load_policy(settings), settings.path(settings.policy))
    pack, broken = _loaded(lambda: rules_today(settings), config)
    fine = Finding(Severity.OK, "callguard.toml, policy.toml and the rules load", check="configuration")
    try:
        plan = plan_of(config, settings, policy, pack)
    except BadInput as problem:
        return [*wrong, *broken, *_problems(problem, config)]
    if isinstance(plan, SwitchPlan):
        seen = freeswitch.examine(asyncio.run(freeswitch.visit(plan)))
    else:
        seen = examine(asyncio.run(visit(plan)))
    return [*([*wrong, *broken] or [fine]), *seen]


def _loaded(read: Callable[[], T], where: Path) -> tuple[T | None, list[Finding]]:
    try:
        return read(), []
    except BadInput as problem:
        return None, _problems(problem, where)


def _problems(problem: BadInput, where: Path) -> list[Finding]:
    lines = problem.problems if isinstance(problem, ConfigError) else [str(problem)]
    return [Finding(Severity.BLOCKER, line, str(where), check="configuration") for line in lines]


def plan_of(
    config: Path, settings: Settings, policy: Policy | None, pack: RulePack | None
) -> AsteriskPlan | SwitchPlan:
    """What is configured, as the checks take it."""
    common = vars(_common(config, settings, policy, pack))
    if settings.pbx.kind == "freeswitch":
        own = freeswitch_settings(settings)
        where = switch_dialplan_dir()
        return SwitchPlan(
            **common | {"name": "FreeSWITCH"},
            esl=own.esl,
            listen=(own.listen, own.listen_port),
            snippets={name: (where / name).read_text("utf-8") for name in SNIPPETS},
        )
    return AsteriskPlan(
        **common,
        asterisk=asterisk_settings(settings),
        guard=ami_address(settings, for_guard=True),
        snippet=(dialplan_dir() / "callguard.conf").read_text("utf-8"),
        least_privilege=settings.on_asterisk.least_privilege,
    )


def _common(config: Path, settings: Settings, policy: Policy | None, pack: RulePack | None) -> Plan:
    own = settings.prompts.directory
    return Plan(
        name="Asterisk",
        config=config,
        policy=policy,
        recordings=settings.path(settings.recordings.directory),
        database_url=settings.database.url,
        owner_url=settings.database.owner_url,
        data=settings.data,
        master_key=settings.path(settings.master_key),
        prompts=settings.path(own) if own else shipped_prompts(),
        floor=settings.recordings.floor_mb * 1_000_000,
        syslog=settings.alerts.syslog,
        pack=pack,
        agents=settings.places.agents,
        placed=bool(settings.places.agents or settings.places.agent_in_name),
    )


def _show(findings: list[Finding], counts: Counter[Severity]) -> None:
    for finding in findings:
        click.echo(f"{finding.severity.value:8} {finding.check}: {finding.what}")
        for word, text in (("at", finding.where), ("change", finding.change)):
            if text:
                click.echo(f"{'':9}{word}: {text}")
    click.echo(f"{counts[Severity.BLOCKER]} blocker(s), {counts[Severity.WARNING]} warning(s)")
