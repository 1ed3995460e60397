"""`callguard preflight`: the five questions before anything is recorded, as they are answered on a live call."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from callguard.cli.option import config_option, json_option, load, show_json
from callguard.cli.place import load_places
from callguard.cli.rule import read_party
from callguard.cli.ruling import show_preflight
from callguard.core.jurisdiction import RulePack
from callguard.core.place import Place, Role, locate
from callguard.core.policy import CallType, Policy, parse_policy
from callguard.core.preflight import Preflight, Verdict, judge
from callguard.core.question import Present, read_question
from callguard.errors import BadInput
from callguard.settings import load_policy, read_toml
from callguard.store.pack import shipped_pack

SPACE = uuid.UUID("5a1d4a27-6f0e-5f43-9b0c-2f3f7f1d8f52")
"""Of ids that are made here: the same question has the same id."""


@click.command()
@click.option("--call-type", "name", required=True, metavar="T", help="A call type of the policy.")
@click.option(
    "--party",
    "parties",
    multiple=True,
    required=True,
    metavar="KEY=VALUE,...",
    help="One party, as in role=customer,number=+1...,line=mobile or role=agent,site=US-TX; may be repeated.",
)
@click.option("--internal", is_flag=True, help="Between our own people.")
@click.option(
    "--policy", type=click.Path(path_type=Path), help="This policy, with the shipped rules, instead of the site's own."
)
@config_option
@json_option
@click.pass_context
def preflight(
    context: click.Context,
    name: str,
    parties: tuple[str, ...],
    internal: bool,
    policy: Path | None,
    config: Path,
    as_json: bool,
) -> None:
    """ALLOW, ASK or DO-NOT-RECORD, and why: the five questions about a call of type T between these parties.

    Exit status: 0 ALLOW or ASK, 1 DO-NOT-RECORD.
    """
    today = datetime.now(UTC).date()
    if policy is not None:
        known, pack = parse_policy(read_toml(policy), str(policy)), shipped_pack()
    else:
        settings = load(config)
        known, pack = load_policy(settings), load_places(settings).pack_on(today)
    call_type = _find(known, name)
    asked = {"event": "start", "number_policy": call_type.number_policy.value, "parties": [*map(read_party, parties)]}
    present = [_with_site(item, call_type) for item in read_question(asked, "--party").parties]
    places = _places(present, call_type, pack)
    codes = {code for place in places for code in place.codes}
    done = judge(
        call_type,
        pack,
        codes,
        today,
        internal=internal,
        takes_part=any(item.party.role is Role.AGENT for item in present),
        declined=any(item.declines for item in present),
    )
    key = repr((name, sorted(codes), known.version, pack.version, internal, today.isoformat(), done.answers))
    _show(done, str(uuid.uuid5(SPACE, key)), zip(present, places, strict=True), as_json)
    context.exit(1 if done.verdict is Verdict.DO_NOT_RECORD else 0)


def _find(policy: Policy, name: str) -> CallType:
    found = policy.find(name)
    if found is None:
        raise BadInput(f"--call-type {name}: the policy has no such call type. It has {', '.join(policy.call_types)}")
    return found


def _with_site(item: Present, call_type: CallType) -> Present:
    """An agent of whom no place is said sits where the call type's agents sit, as on a live call."""
    if item.party.role is not Role.AGENT or item.party.site:
        return item
    return replace(item, party=replace(item.party, site=call_type.site, hq=item.party.hq or call_type.hq))


def _places(present: Iterable[Present], call_type: CallType, pack: RulePack) -> list[Place]:
    return [locate(item.party, pack, call_type.number_policy) for item in present]


def _show(done: Preflight, key: str, parties: Iterable[tuple[Present, Place]], as_json: bool) -> None:
    if as_json:
        answers = [{"question": item.question.value, "yes": item.yes, "why": item.why} for item in done.answers]
        rule = {"mode": done.rule.mode.value, "jurisdictions": list(done.rule.jurisdictions)}
        rule |= {"rows": list(done.rule.rows), "reasons": list(done.rule.reasons), "rule_pack": done.rule.rule_pack}
        show_json({"id": key, "verdict": done.verdict.value, "answers": answers, "rule": rule})
        return
    show_preflight(done, key, parties)
