"""`callguard verify`: the chains of calls and of the register, and the invariants over the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from callguard.cli.option import config_option, json_option, load, show_json, with_log
from callguard.engine.recovery import LiveCalls
from callguard.errors import BadInput
from callguard.ports import ActivationRow, Wanted
from callguard.proof import LIMITS, Finding, predates, prove, unanswered, unentered
from callguard.store.activation import forged
from callguard.store.chain import first_break
from callguard.store.postgres import PostgresLog


@click.command()
@click.argument("call", required=False)
@click.option("--all", "every", is_flag=True, help="Every call.")
@config_option
@json_option
@click.pass_context
def verify(context: click.Context, call: str | None, every: bool, config: Path, as_json: bool) -> None:
    """Hold the log of CALL, or of all calls, against its chain and the invariants; and the register of what was in
    force against its chain."""
    if bool(call) == every:
        raise click.UsageError("name one CALL, or give --all")
    settings = load(config)
    live = frozenset(LiveCalls(settings.data / "live").ids())
    proved = with_log(settings, lambda log: _prove_all(log, settings.tenant, call, live))
    show_json(proved.as_data()) if as_json else click.echo("\n".join(proved.lines()))
    context.exit(1 if proved.findings else 0)


@dataclass(frozen=True)
class _Proved:
    """`calls`, `entries` of the register, `older` calls than its first policy: how many; and what was found in them."""

    calls: int
    entries: int
    older: int
    findings: list[Finding]

    def as_data(self) -> dict[str, object]:
        rows = [{"call_id": item.call_id, "seq": item.seq, "what": item.what} for item in self.findings]
        counts = {"calls": self.calls, "activations": self.entries, "older_than_register": self.older}
        return {**counts, "findings": rows, "limits": LIMITS}

    def lines(self) -> list[str]:
        found = [f"{item.call_id} row {item.seq}: {item.what}" for item in self.findings]
        older = f"{self.older} call(s) began before the register did: it cannot tell who put their policy into force."
        total = f"{self.entries} activation(s), {self.calls} call(s), {len(found)} finding(s). {LIMITS}"
        return [*found, *([older] if self.older else []), total]


async def _prove_all(log: PostgresLog, tenant: str, call: str | None, live: frozenset[str]) -> _Proved:
    """The register, and the calls."""
    register = await log.activations(tenant)
    broken = first_break(register)
    found = [Finding("register", broken[0], f"chain: {broken[1]}")] if broken else []
    found += [Finding("register", seq, "author and reason are not those that were entered") for seq in forged(register)]
    found += unanswered(await log.find_incidents(Wanted()), register)
    checked, older, findings = await _prove(log, register, call, live)
    return _Proved(checked, len(register), older, found + findings)


async def _prove(
    log: PostgresLog, register: Sequence[ActivationRow], call: str | None, live: frozenset[str]
) -> tuple[int, int, list[Finding]]:
    """How many calls, how many of them began before the register, and what was found."""
    ids = [call] if call else [head.call_id async for head in log.calls()]
    findings: list[Finding] = []
    older = 0
    for call_id in ids:
        stored = await log.load(call_id)
        if stored is None:
            raise BadInput(f"{call_id}: no call has this id")
        findings += prove(stored, stored.call.call_id in live)
        findings += [item for item in (unentered(stored.call, register),) if item]
        older += predates(stored.call, register)
    return len(ids), older, findings
