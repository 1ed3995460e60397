"""`callguard calls dispute`: a call is, or will be, what people argue about.

What belongs here: saying so of a call that is live or over, and freezing exports. What does not: what it changes in a
live call (core/attesting.py); ending it, which is closing its incident (incidents.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from callguard.cli.option import account, ask_controller, config_option, json_option, load, show_json, with_log
from callguard.core.attesting import DISPUTE
from callguard.core.events import Action
from callguard.engine import clock
from callguard.engine.incident import disputed
from callguard.engine.registrar import enter
from callguard.errors import BadInput, Held, Unreachable
from callguard.ports import StoredCall
from callguard.settings import Settings
from callguard.store.audit import note_act
from callguard.store.postgres import PostgresLog
from callguard.text import is_utf8


@click.command()
@click.argument("call")
@click.option("--reason", required=True, help="What the dispute is about: it is kept sealed.")
@config_option
@json_option
def dispute(call: str, reason: str, config: Path, as_json: bool) -> None:
    """Flag CALL, live or over: no consent by an agent's word, no export, and an incident that somebody answers for."""
    if not reason.strip() or not is_utf8(reason):
        raise BadInput("--reason must say something, in UTF-8")
    settings = load(config)
    request = {"do": "act", "call": call, "action": Action.DISPUTE.value, "reason": reason}
    try:
        call_id = str(ask_controller(settings, request)["call_id"])
    except (BadInput, Unreachable):  # it is over, or no controller runs
        call_id = with_log(settings, lambda log: _flag(log, settings, call, reason))
    if as_json:
        return show_json({"call_id": call_id, "disputed": True})
    click.echo(f"{call_id}: in dispute until its incident is closed; exports are frozen")


async def _flag(log: PostgresLog, settings: Settings, call: str, reason: str) -> str:
    """A call that is over is in dispute. Said twice it is one incident."""
    stored = await log.load(call)
    if stored is None:
        raise BadInput(f"{call}: no call has this id")
    if not _open(stored):
        await enter(log, settings.tenant, disputed(stored.call, clock.read().wall, account(), reason))
    return stored.call.call_id


def refuse_frozen(settings: Settings, stored: StoredCall) -> None:
    """Raises Held, and writes down that somebody tried, where STORED is in dispute."""
    if found := _open(stored):
        note_act(settings.data, at=clock.read().wall, operator=account(), act="export_denied", rows=1)
        raise Held(
            f"{stored.call.call_id}: in dispute, so its export is frozen; "
            f"`callguard incidents close {found[0]} --reason ...` ends that"
        )


def _open(stored: StoredCall) -> list[Any]:
    return [item.incident_id for item in stored.incidents if item.kind == DISPUTE and item.closed_at is None]
