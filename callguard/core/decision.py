"""A step's decision as JSON: what the decision row holds, and what a replay compares with it.

What belongs here: the plain form of state, effects and reasons. What does not: rows and hashes (engine/, store/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callguard.core.outcome import Step


def decision_of(done: Step) -> dict[str, Any]:
    """State, effects and reasons of a step as JSON."""
    effects = [plain(effect.record()) for effect in done.effects]
    return {"state": done.call.summary(), "effects": effects, "reasons": list(done.reasons)}


def plain(value: Any) -> Any:
    """VALUE with enums as their text and tuples as lists: what JSON and jsonb give back unchanged."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6f}"  # a float's digits are not the same everywhere; text is
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value
