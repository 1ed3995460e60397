"""What one policy changes against another, call type by call type and key by key.

What belongs here: comparing. What does not: whether a change is allowed, what it would have done to calls (replay.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from callguard.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Amendment:
    """One key. `old`, `new`: JSON values; None where it was not said, or the call type was not there."""

    key: str
    old: Any
    new: Any


def amendments(old: Policy, new: Policy) -> list[Amendment]:
    """Everything that NEW says otherwise than OLD, by dotted key, in the order of OLD. A call type, vendor or key that
    is not there counts as not said."""
    return list(_between("", old.as_data(), new.as_data()))


_WHOLE = ("retention", "override", "language_keys", "language_dids", "language_countries")
"""Tables that are one value of a call type."""


def _between(place: str, old: Any, new: Any) -> Iterator[Amendment]:
    if old == new:
        return
    table = isinstance(old or {}, Mapping) and isinstance(new or {}, Mapping) and not place.endswith(_WHOLE)
    if not table:
        yield Amendment(place, old, new)
        return
    before, after = old or {}, new or {}
    for key in {**before, **after}:
        yield from _between(f"{place}.{key}" if place else key, before.get(key), after.get(key))
