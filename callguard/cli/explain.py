"""`callguard explain`: one recording in plain words, from stored facts alone.

What belongs here: the sentences. What does not: facts (store/), rules in words (core/explain.py), what a program reads
(calls card).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from callguard.cli.option import config_option, json_option, load, show_json, with_log
from callguard.core.consent import Turn
from callguard.errors import BadInput
from callguard.ports import EventRow, RecordingRow, StoredCall
from callguard.store.artefact import Artefact, Artefacts

HOW = {
    Turn.GRANT_EXPRESS.value: "by key, after the notice",
    Turn.GRANT_ATTESTED.value: "by voice, as the agent attested: less than an answer of its own",
    Turn.GRANT_IMPLIED.value: "by staying on after the notice",
}
"""What consent rests on. Other words of the log are shown as they are."""
KEPT = {
    "verified": "Its file was held against the log and agrees with it.",
    "damaged": "Its file does not agree with the log: see the incidents of the call.",
    "lost": "There is no file of it: see the incidents of the call.",
    "discarded": "It was destroyed, with a receipt in the log.",
}
"""What became of a recording, in words."""


@click.command()
@click.argument("recording", metavar="RECORDING|CALL")
@config_option
@json_option
def explain(recording: str, config: Path, as_json: bool) -> None:
    """Why RECORDING exists, who knew of it, what is not in it, how it is protected, and when it is deleted.

    With a CALL, one of our ids or a PBX unique id, all of its recordings.
    """
    settings = load(config)
    with Artefacts.open(settings.database.url) as rows:
        ended = rows.recording(recording)
        stored = with_log(settings, lambda log: log.load(ended.call_id if ended else recording))
        if stored is None:
            raise BadInput(f"{recording}: no recording and no call has this id")
        kept = rows.find(call_id=stored.call.call_id)
    wanted = [row for row in stored.recordings if not ended or row.recording_id == recording]
    told = {row.recording_id: explanation(stored, row, kept) for row in wanted}
    none = [] if told else list(_why_not(stored))
    if as_json:
        return show_json({"call_id": stored.call.call_id, "recordings": told, "why_none": none})
    click.echo("\n".join(_text(stored.call.call_id, told, none)))


def _text(call_id: str, told: Mapping[str, Mapping[str, Sequence[str]]], none: Sequence[str]) -> Iterator[str]:
    for recording_id, answers in told.items():
        yield f"Recording {recording_id} of call {call_id}"
        for question, sentences in answers.items():
            yield "\n  ".join((f"\n{question}", *sentences))
    if none:
        yield "\n  ".join((f"Nothing was recorded of call {call_id}.", *none))


def explanation(stored: StoredCall, row: RecordingRow, kept: Sequence[Artefact]) -> dict[str, list[str]]:
    """Five questions and their answers, each a list of sentences. KEPT: what the vault has or had of the call."""
    kept = [item for item in kept if item.recording_id == row.recording_id]
    return {
        "Why it was made": list(_why(stored)),
        "Who knew": list(_knew(stored.events)),
        "What is not in it": _missing(stored.events, row.recording_id),
        "How it is protected": list(_protected(stored.call.policy, row, kept)),
        "When it is deleted": list(_deleted(stored.call.policy, row, kept)),
    }


def _why(stored: StoredCall) -> Iterator[str]:
    call, policy = stored.call, stored.call.policy
    yield f"The call began {_moment(call.started_at)}, {call.direction}, as call type {call.call_type}."
    yield f"Its purpose is {policy['purpose']}; further uses: {_list(policy.get('uses'), 'none')}."
    basis, assessment = policy.get("basis"), policy.get("assessment")
    yield f"Legal basis: {basis or 'none was given'}{f', assessed in {assessment}' if assessment else ''}."
    if policy.get("owner"):
        yield f"{policy['owner']} answers for this call type."
    for row in stored.events:
        if row.type in ("rule_resolved", "rule_reevaluated"):
            when = "From the start" if row.type == "rule_resolved" else f"From {_clock(row.at)} on"
            yield f"{when} the rule was {row.data.get('mode', 'unknown')}: {'; '.join(row.data.get('reasons', ()))}."


def _why_not(stored: StoredCall) -> Iterator[str]:
    for row in stored.events:
        if row.type in ("consent_refused", "consent_silent", "consent_withdrawn"):
            yield f"{row.type.removeprefix('consent_').capitalize()} at {_clock(row.at)}."
    yield from _why(stored)


def _knew(rows: Sequence[EventRow]) -> Iterator[str]:
    roles = {row.channel_id: row.data["role"] for row in rows if row.type == "party_identified"}
    for row in rows:
        who = f"The {roles.get(row.channel_id, 'far')} party"
        match row.type:
            case "notice_started" if row.data["script"] == "notice":
                how = f"prompt {row.data['prompt']}{_in(row.data['language'])}"
                yield f"{who} began to hear the notice at {_clock(row.at)} ({how})."
            case "notice_ended" if row.data["script"] == "notice":
                yield f"{who} had heard it to its end at {_clock(row.at)}."
            case "notice_ended" if row.data["script"] == "recording_on":
                yield f'All heard "This call is being recorded" inside the recording by {_clock(row.at)}.'
            case "consent_granted":
                yield f"{who} agreed at {_clock(row.at)} {HOW.get(row.data['how'], row.data['how'])}."
            case "consent_refused" | "consent_silent" | "consent_withdrawn":
                yield f"{who}: {row.type.removeprefix('consent_')} at {_clock(row.at)}."


def _in(language: str) -> str:
    return f", in {language}" if language else ""


def _missing(rows: Sequence[EventRow], recording_id: str) -> list[str]:
    own = (row for row in rows if row.data.get("recording_id") == recording_id)
    return [*_silent(rows, recording_id), *_gone(own)] or ["Nothing was left out between its start and its end."]


def _gone(rows: Iterable[EventRow]) -> Iterator[str]:
    """What of it is not there although it was recorded."""
    for row in rows:
        match row.type:
            case "recording_damaged":
                lost = f"; {row.data['lost_ms']} ms are missing" if row.data["lost_ms"] else ""
                yield f"Found at {_clock(row.at)}: {_list(row.data['findings'])}{lost}."
            case "recording_lost" | "recording_discarded":
                why = f" ({row.data['reason']})" if row.data["reason"] else ""
                yield f"All of it: {row.type.removeprefix('recording_')} at {_clock(row.at)}{why}."


def _silent(rows: Sequence[EventRow], recording_id: str) -> Iterator[str]:
    """Masks, and why."""
    since: datetime | None = None
    causes: list[str] = []
    for row in rows:
        match row.type, row.data.get("recording_id") == recording_id:
            case "pause_started", _:
                causes.append(str(row.data["cause"]))
            case "mask_acknowledged", True:
                since = row.at
            case "unmask_acknowledged", True if since:
                yield f"{(row.at - since).total_seconds():.1f} s from {_clock(since)} on{_because(causes)}."
                since, causes = None, []
            case "recording_blanked", True:
                yield f"Blanked afterwards, for it was to be silent: samples {', '.join(row.data['spans'])}."
    if since:
        yield f"Everything from {_clock(since)} on{_because(causes)}."


def _because(causes: Sequence[str]) -> str:
    return f" (paused: {', '.join(dict.fromkeys(causes))})" if causes else " (no pause: rule, hold, or nobody there)"


def _protected(policy: Mapping[str, Any], row: RecordingRow, kept: Sequence[Artefact]) -> Iterator[str]:
    yield KEPT.get(row.state, f"It is {row.state}.")
    here = [item for item in kept if item.state == "stored"]
    for item in here:
        what = f"{item.kind.capitalize()} ({item.part})"
        yield f"{what}: encrypted in the vault as {item.object}, under a key of its own."
    if not here and row.state in ("verified", "damaged") and not kept:
        yield "It is not in the vault yet: its file lies in the spool of the PBX."
    listen, export = _list(policy.get("listen")), _list(policy.get("export"))
    yield f"May be listened to by: {listen}. May be exported by: {export}."
    yield f"Shared with: {_list(policy.get('shared'))}. May exist of it: {_list(policy.get('outputs'), 'nothing')}."


def _deleted(policy: Mapping[str, Any], row: RecordingRow, kept: Sequence[Artefact]) -> Iterator[str]:
    days = policy.get("retention", {}).get("audio")
    if row.state in ("discarded", "lost"):
        yield "There is nothing left to delete."
        return
    after = f", {days} days after the call" if days else ""
    yield f"On {row.expires_at:%Y-%m-%d}{after}, as was promised when it was made."
    for item in kept:
        if item.state not in ("stored", "writing"):
            yield f"Object {item.object} is {item.state}{f' ({item.reason})' if item.reason else ''}."
        elif item.expires_at.date() != row.expires_at.date():
            yield f"Object {item.object}: on {item.expires_at:%Y-%m-%d}, by the policy as it is now."


def _list(values: Any, without: str = "nobody") -> str:
    return ", ".join(map(str, values)) if values else without


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}"
