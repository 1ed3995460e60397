"""`callguard calls`: live and stored calls, and acting on one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from callguard.cli.dispute import dispute, refuse_frozen
from callguard.cli.option import ask_controller, config_option, json_option, load, show_json, with_log
from callguard.core.consent import Turn
from callguard.core.events import Action
from callguard.core.word import GIVEN, Presence, Reason
from callguard.engine.ledger import NOTE
from callguard.errors import BadInput
from callguard.ports import EventRow, StoredCall
from callguard.replay import story_of, write_story
from callguard.store.postgres import PostgresLog
from callguard.text import printable


@click.group()
def calls() -> None:
    """Calls: what happens now, what happened, and pausing a recording."""


@calls.command("list")
@click.option("--stored", is_flag=True, help="From the event log instead of the running controller.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@config_option
@json_option
def list_calls(stored: bool, limit: int, config: Path, as_json: bool) -> None:
    """Live calls, or with --stored the newest stored ones."""
    settings = load(config)
    if stored:
        rows = with_log(settings, lambda log: _heads(log, limit))
    else:
        rows = ask_controller(settings, {"do": "list"})["calls"]
    if as_json:
        show_json({"calls": rows})
        return
    for row in rows:
        click.echo(printable("  ".join(str(row[key]) for key in row if key not in ("reasons", "linked_id"))))
    click.echo(f"{len(rows)} call(s)")


async def _heads(log: PostgresLog, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async for head in log.calls():
        if len(found) >= limit:
            break
        found.append(
            {
                "call_id": head.call_id,
                "started_at": head.started_at.isoformat(),
                "call_type": head.call_type,
                "direction": head.direction,
            }
        )
    return found


def _stored(config: Path, call: str) -> StoredCall:
    found = with_log(load(config), lambda log: log.load(call))
    if found is None:
        raise BadInput(f"{call}: no call has this id")
    return found


@calls.command()
@click.argument("call")
@config_option
@json_option
def show(call: str, config: Path, as_json: bool) -> None:
    """The timeline of CALL, row by row."""
    stored = _stored(config, call)
    if as_json:
        show_json({**_head(stored), "rows": [_row(row) for row in stored.events]})
        return
    start = stored.call.started_at
    for row in stored.events:
        after = (row.at - start).total_seconds()
        shown = {key: value for key, value in row.data.items() if value not in ("", -1, []) and value is not False}
        text = " ".join(f"{key}={value}" for key, value in shown.items())
        mark = "> " if row.derived else "  "
        click.echo(printable(f"{row.seq:4} {after:9.3f} s  {mark}{row.type:24} {row.channel_id:20} {text}"))


def _row(row: EventRow) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "at": row.at.isoformat(),
        "recorded_at": row.recorded_at.isoformat(),
        "channel_id": row.channel_id,
        "type": row.type,
        "derived": row.derived,
        "offset_samples": row.offset_samples,
        "data": row.data,
        "decision": row.decision,
        "hash": row.hash.hex(),
    }


def _head(stored: StoredCall) -> dict[str, Any]:
    head = stored.call
    return {
        "call_id": head.call_id,
        "linked_id": head.linked_id,
        "started_at": head.started_at.isoformat(),
        "direction": head.direction,
        "call_type": head.call_type,
        "policy_version": head.policy_version,
        "rule_pack": head.rule_pack,
        "recordings": [
            {"recording_id": item.recording_id, "segment_no": item.segment_no, "state": item.state}
            for item in stored.recordings
        ],
        "incidents": [item.kind for item in stored.incidents],
    }


@calls.command()
@click.argument("call")
@config_option
@json_option
def card(call: str, config: Path, as_json: bool) -> None:
    """The compliance card of CALL: who, what notice, what consent, how it is stored and used."""
    settings = load(config)
    stored = _stored(config, call)
    said = with_log(settings, lambda log: log.party(stored.call.call_id))
    made = _card(stored, {row.party_id: row.values[NOTE] for row in said if NOTE in row.values})
    if as_json:
        show_json(made)
        return
    for question, answer in made.items():
        click.echo(printable(f"{question:10} {_plain(answer)}"))


def _plain(answer: Any) -> str:
    if isinstance(answer, dict):
        return ", ".join(f"{key}: {_plain(value)}" for key, value in answer.items())
    return "; ".join(_plain(item) for item in answer) or "none" if isinstance(answer, list) else str(answer)


def _card(stored: StoredCall, notes: Mapping[str, str]) -> dict[str, Any]:
    policy = stored.call.policy
    facts = stored.events
    return {
        "call": stored.call.call_id,
        "who": [
            {"party": row.data["party_id"], "role": row.data["role"]} for row in facts if row.type == "party_identified"
        ],
        "notice": [
            _notice(row, facts) for row in facts if row.type == "notice_started" and row.data["script"] == "notice"
        ],
        "consent": [
            {"what": row.type, "at": row.at.isoformat(), **row.data, **_weight(row)}
            for row in facts
            if row.type.startswith("consent_")
        ],
        "pauses": list(_pauses(facts, notes)),
        "stored": [
            {"recording": item.recording_id, "state": item.state, "until": item.expires_at.date().isoformat()}
            for item in stored.recordings
        ],
        "use": {"purpose": policy["purpose"], "call type": stored.call.call_type, "category": policy["category"]},
        "incidents": [item.kind for item in stored.incidents],
    }


WEIGHTS = {
    Turn.GRANT_EXPRESS: "the party's own answer",
    Turn.GRANT_ATTESTED: "an agent's word for it, which is less than the party's own answer",
    Turn.GRANT_IMPLIED: "staying on after the notice",
}
"""What a consent rests on."""


def _weight(row: EventRow) -> dict[str, str]:
    rests = {turn.value: text for turn, text in WEIGHTS.items()}.get(row.data.get("how", ""), "")
    return {"rests_on": rests} if rests else {}


def _pauses(facts: tuple[EventRow, ...], notes: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Every pause: what began it, when, until when, and why it ended. NOTES: what operators said in their own words."""
    lasts: dict[str, Any] = {}
    words = ""
    for row in facts:
        match row.type:
            case "pause_started" if lasts:
                lasts["causes"].append(row.data["cause"])
            case "pause_started":
                lasts = {"from": row.at.isoformat(), "causes": [row.data["cause"]]}
            case "operator_acted" if row.data["action"] == Action.RESUME:
                words = notes.get(row.data.get("note", ""), "")
            case "pause_ended":
                own = words if row.data["reason"] == Reason.OTHER else ""  # else of one that ended nothing
                why = {"reason": row.data["reason"]} | ({"words": own} if own else {})
                yield lasts | {"until": row.at.isoformat()} | why
                lasts, words = {}, ""
    if lasts:
        yield lasts | {"until": "the end of the call"}


def _notice(row: EventRow, facts: tuple[EventRow, ...]) -> dict[str, Any]:
    ended: datetime | None = next(
        (item.at for item in facts if item.type == "notice_ended" and item.data["script"] == "notice"), None
    )
    return {
        "prompt": row.data["prompt"],
        "language": row.data["language"],
        "text version": row.data["text_version"],
        "audio sha256": row.data["audio_sha256"],
        "played to its end": ended is not None,
        "seconds": round((ended - row.at).total_seconds(), 3) if ended else None,
    }


@calls.command()
@click.argument("call")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="A file; standard output by default.")
@config_option
def export(call: str, output: Path | None, config: Path) -> None:
    """The event log file of CALL, as `callguard replay` reads it. Frozen while the call is in dispute."""
    stored = _stored(config, call)
    refuse_frozen(load(config), stored)
    content = b"".join(write_story(story_of(stored)))
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise BadInput(f"--output {output}: cannot be written ({error.strerror})") from None


TEXTS = {
    Action.PAUSE: "Mask the recording of CALL: its clock runs on, nothing is heard.",
    Action.RESUME: "Unmask the recording of CALL, and say why.",
    Action.WITHDRAW: "Withdraw the far party's consent on its behalf: stop, and destroy as the call type says.",
    Action.CONSENT: "Attest that a party of CALL agreed by voice. It counts for less than the party's own key.",
    Action.STOP: "Stop the recording of CALL for good, and keep what there is. `callguard halt` does so for many.",
    Action.PRESENT: "Say who is on the line of CALL: all who were told, somebody else, who cannot consent.",
}
_REASON = click.option(
    "--reason",
    default="",
    metavar="REASON",
    help=f"Why the pause ends: {', '.join(GIVEN)}, or words of your own, which are stored encrypted.",
)
_SAID = {
    Action.RESUME: _REASON,
    Action.CONSENT: click.option(
        "--channel", default="", metavar="ID", help="The party's channel, where it is not the far one."
    ),
    Action.PRESENT: click.option(
        "--who",
        "presence",
        required=True,
        type=click.Choice([str(Presence.ALL), str(Presence.SOMEONE_ELSE), str(Presence.CANNOT_CONSENT)]),
        help="all: nobody but those who were told; someone_else: silent until they were told and asked anew; "
        "cannot_consent: stop, and destroy what was recorded.",
    ),
}
"""What has to be said with an act."""


def _act(action: Action) -> click.Command:
    """A command that acts on a live call."""

    @click.argument("call")
    @config_option
    @json_option
    def act(call: str, config: Path, as_json: bool, **said: str) -> None:
        answer = ask_controller(load(config), {"do": "act", "call": call, "action": action.value, **said})
        if as_json:
            show_json(answer)
        else:
            click.echo(
                f"{answer['call_id']}: {action.value}: recording {answer['recording']}, {answer['milliseconds']} ms"
            )

    return click.command(action.value, help=TEXTS[action])(_SAID[action](act) if action in _SAID else act)


for each in Action:
    calls.add_command(dispute if each is Action.DISPUTE else _act(each))
