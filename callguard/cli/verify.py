"""`callguard verify`: the chains of calls and of the register, and the invariants over the log."""

from __future__ import annotations

from pathlib import Path

import click

from callguard.cli.option import config_option, json_option, load, show_json, with_log
from callguard.engine.recovery import LiveCalls
from callguard.errors import BadInput
from callguard.proof import LIMITS, Finding, prove
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
    checked, entries, findings = with_log(settings, lambda log: _prove_all(log, settings.tenant, call, live))
    if as_json:
        rows = [{"call_id": item.call_id, "seq": item.seq, "what": item.what} for item in findings]
        show_json({"calls": checked, "activations": entries, "findings": rows, "limits": LIMITS})
    else:
        for item in findings:
            click.echo(f"{item.call_id} row {item.seq}: {item.what}")
        click.echo(f"{entries} activation(s), {checked} call(s), {len(findings)} finding(s). {LIMITS}")
    context.exit(1 if findings else 0)


async def _prove_all(
    log: PostgresLog, tenant: str, call: str | None, live: frozenset[str]
) -> tuple[int, int, list[Finding]]:
    """How many calls, how many entries of the register, and what was found in either."""
    register = await log.activations(tenant)
    broken = first_break(register)
    found = [Finding("register", broken[0], f"chain: {broken[1]}")] if broken else []
    found += [Finding("register", seq, "author and reason are not those that were entered") for seq in forged(register)]
    checked, findings = await _prove(log, call, live)
    return checked, len(register), found + findings


async def _prove(log: PostgresLog, call: str | None, live: frozenset[str]) -> tuple[int, list[Finding]]:
    ids = [call] if call else [head.call_id async for head in log.calls()]
    findings: list[Finding] = []
    for call_id in ids:
        stored = await log.load(call_id)
        if stored is None:
            raise BadInput(f"{call_id}: no call has this id")
        findings += prove(stored, stored.call.call_id in live)
    return len(ids), findings
