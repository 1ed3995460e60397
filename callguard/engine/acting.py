"""What an operator does to a live call: asked for, fed in, and answered when the recorder obeyed.

What belongs here: what must be said with an act, and when it has come about. What does not: the socket that asks
(control.py), what an act means (core/).
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import Any

from callguard.core import attesting
from callguard.core.call import Call
from callguard.core.consent import Standing
from callguard.core.events import Action, Event, OperatorActed, Presence
from callguard.core.quorum import wanted
from callguard.core.recording import Mask
from callguard.core.word import GIVEN, Reason
from callguard.engine import clock
from callguard.engine.runner import Runner
from callguard.text import is_utf8

PATIENCE = 2.0
"""Seconds in which an operator's act must have reached the recorder."""
LONGEST_WORDS = 300
"""Characters of a reason in words of one's own."""


async def act(runner: Runner, request: Mapping[str, Any], operator: str) -> dict[str, Any]:
    """Feed the act in, and say when the recorder obeyed, or that it did not in time. Raises ValueError for an act that
    there is not."""
    action, words = Action(request["action"]), str(request.get("reason", "")).strip()
    about, presence = str(request.get("channel", "")), Presence(request.get("presence", ""))
    problem = _unwritable(words, about) or _unsaid(runner.call, action, words)
    if problem := problem or _uncounted(runner.call, action, about, presence):
        return {"error": problem}
    reason, note = _reason(words)
    event = OperatorActed(
        at=clock.read().wall,
        channel_id=about,
        action=action,
        operator=operator,
        reason=reason,
        note=note,
        presence=presence,
    )
    if note:
        runner.notes[note] = words
    return await _done(runner, event)


def _unwritable(words: str, about: str) -> str:
    """Why no row can hold this; '' when one can. A row that the store refuses breaks off the log of its call."""
    wrong = [key for key, text in (("reason", words), ("channel", about)) if "\0" in text or not is_utf8(text)]
    return f"{wrong[0]}: it must be UTF-8, without a NUL" if wrong else ""


def _unsaid(call: Call, action: Action, words: str) -> str:
    """What has to be said first; '' when nothing has."""
    if action is Action.RESUME and not words and call.call_type.pause_reasons:
        return f"a resume needs a reason: one of {', '.join(GIVEN)}, or words of your own"
    too_long = len(words) > LONGEST_WORDS
    return f"reason: {len(words)} characters, {LONGEST_WORDS} at most" if too_long else ""


def _uncounted(call: Call, action: Action, about: str, presence: Presence) -> str:
    """Why what is said of the parties does not count; '' when it does."""
    if action is Action.PRESENT and presence is Presence.NOT_SAID:
        return f"say who is on the line: {Presence.ALL}, {Presence.SOMEONE_ELSE} or {Presence.CANNOT_CONSENT}"
    problem = attesting.why_not(call, about or call.anchor) if action is Action.CONSENT else ""
    return f"attested consent does not count: {problem}" if problem else ""


def _reason(words: str) -> tuple[Reason, str]:
    """WORDS as a reason of the list, or as `other` and the id under which they are sealed."""
    if not words:
        return Reason.NOT_SAID, ""
    return (Reason(words), "") if words in GIVEN else (Reason.OTHER, str(uuid.uuid4()))


async def _done(runner: Runner, event: OperatorActed) -> dict[str, Any]:
    reached = asyncio.Event()

    def watch(call: Call, seen: Event) -> None:
        if _obeys(call, event, seen):
            reached.set()

    began, what = time.monotonic(), event.action.value
    runner.watchers.append(watch)
    runner.feed(event)
    try:
        await asyncio.wait_for(reached.wait(), PATIENCE)
    except TimeoutError:
        told = f"{what}: the recorder did not follow within {PATIENCE:g} s; see `callguard calls show`"
        return {"error": told, "finding": True}
    finally:
        runner.watchers.remove(watch)
    return row(runner) | {"action": what, "milliseconds": round((time.monotonic() - began) * 1000, 1)}


def _obeys(call: Call, event: OperatorActed, seen: Event) -> bool:
    """Whether the act has come about. SEEN: the fact that was written down last."""
    running = call.running
    match event.action:
        case Action.PRESENT if event.presence is Presence.ALL:
            return seen is event
        case Action.PRESENT if event.presence is Presence.SOMEONE_ELSE:
            return running.mask is Mask.ON if running else not call.may_still_run
        case Action.PAUSE:
            return call.paused and (running.mask is Mask.ON if running else not call.may_still_run)
        case Action.DISPUTE:
            return call.disputed
        case Action.STOP:
            return call.barred and not call.may_still_run
        case Action.RESUME:
            return not call.paused and (running is None or running.mask in (Mask.OFF, Mask.ON))
        case Action.WITHDRAW | Action.PRESENT:
            return not call.may_still_run
        case Action.CONSENT:
            return call.channels[event.channel_id or call.anchor].standing is Standing.GRANTED


def row(runner: Runner) -> dict[str, Any]:
    """A live call as it is listed."""
    call, head = runner.call, runner.ledger.head
    far = call.far
    return {
        "call_id": head.call_id,
        "linked_id": head.linked_id,
        "call_type": head.call_type,
        "direction": head.direction,
        "started_at": head.started_at.isoformat(),
        "mode": call.mode.value,
        "standing": far.standing.value if far else "unnotified",
        "recording": call.recording.shown if call.recording else "none",
        "paused": call.paused,
        "pause_causes": sorted(call.causes),
        "reasons": list(wanted(call)[1]),
    }
