"""Stored facts turned back into facts, and a call retold from them.

What belongs here: reading what `Event.data` wrote. What does not: where the rows come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import Field, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from callguard.core.call import Call
from callguard.core.events import FACTS, Event, Link, OperatorActed
from callguard.core.keypad import spoken
from callguard.core.step import step
from callguard.errors import BadInput


def decode(type: str, at: datetime, channel_id: str, data: Mapping[str, Any]) -> Event:
    """The fact that was stored as these values. Raises BadInput saying what does not fit."""
    kind = FACTS.get(type)
    if kind is None:
        raise BadInput(f"{type!r} is no fact that this version knows")
    own = _own(type)
    if odd := sorted(data.keys() - own.keys()):
        raise BadInput(f"{type}: {', '.join(odd)}: unknown")
    # what a row does not say was not known when it was written: it stands at its default
    return kind(at=at, channel_id=channel_id, **{name: _value(own[name], data[name]) for name in data})


@cache
def _own(type: str) -> Mapping[str, Field[Any]]:
    return {item.name: item for item in fields(FACTS[type]) if item.name not in ("at", "channel_id")}


def _value(item: Field[Any], value: Any) -> Any:
    """VALUE as the field's own type, which its default shows."""
    default = item.default
    if isinstance(default, StrEnum):
        return _word(default.__class__, item.name, value)
    if isinstance(default, tuple):
        if not isinstance(value, list):
            raise BadInput(f"{item.name}: must be a list")
        return tuple(_word(Link, item.name, each) if item.name == "faults" else str(each) for each in value)
    if type(value) is not type(default):
        raise BadInput(f"{item.name}: must be {type(default).__name__}")
    return value


def _word(words: type[StrEnum], name: str, value: Any) -> StrEnum:
    try:
        return words(value)
    except ValueError:
        raise BadInput(f"{name}: {value!r} is none of {', '.join(words)}") from None


def retell(call: Call, events: Iterable[Event]) -> tuple[Call, list[OperatorActed]]:
    """CALL after all of EVENTS, nothing performed; and what they say of its far party in every call that it is in."""
    words = []
    for event in events:
        if said := spoken(call, event):
            words.append(said)
        call = step(call, event).call
    return call, words
