"""A party that is to go on and cannot: the request was refused, or lost with the link.

What belongs here: asking again until it has left our application. What does not: when a party goes on (asking.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from callguard.core.call import Call, Channel
from callguard.core.effects import SendOn, WakeAt
from callguard.core.events import GONE_ON, LINK_LOST, NOT_THERE, EffectFailed
from callguard.core.outcome import Step, incident

AGAIN = 1.0
"""Seconds after which a party that could not be sent on is sent on once more."""


def failed(call: Call, event: EffectFailed) -> Step:
    """It stays: somebody has to know, and it is asked for again. A lost link is waited for; the news that a channel
    hung up, which the PBX does not know any more, are on their way.
    """
    channel = call.channels.get(event.channel_id)
    if channel is None or channel.gone or event.reason in (GONE_ON, NOT_THERE):
        return Step(call)
    done = Step(call) if channel.stuck else incident(call, "send_on_failed")
    call = replace(call, ticks=call.ticks + 1).change(channel.channel_id, stuck=call.ticks + 1)
    waits = () if event.reason == LINK_LOST else (WakeAt(name=f"send_on:{call.ticks}", seconds=AGAIN),)
    return done.also(Step(call, waits))


def overdue(call: Call, number: int) -> Step:
    """It was refused some time ago."""
    return _again(call, (item for item in call.live() if item.stuck == number and number))


def link_back(call: Call) -> Step:
    """The PBX can be reached again."""
    return _again(call, (item for item in call.live() if item.stuck))


def left(call: Call, channel_id: str) -> Call:
    """CALL as this party is out of our application."""
    return call.change(channel_id, waiting=False, stuck=0)


def _again(call: Call, stuck: Iterable[Channel]) -> Step:
    done = Step(call)
    for channel in stuck:
        done = done.then(partial(_send_on, channel.channel_id))
    return done


def _send_on(channel_id: str, call: Call) -> Step:
    return Step(call, (SendOn(channel_id=channel_id),))
