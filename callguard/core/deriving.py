"""Whether something may be made of a recording: what its call type says, who was told, who agreed.

What belongs here: that judgement. What does not: making it (jobs/derive.py), how long it is kept (retention.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callguard.core.profile import CallType
from callguard.core.purpose import Output


@dataclass(frozen=True, slots=True)
class Told:
    """A party as the log of the call tells it: whether a notice was played to it to its end, whether it agreed, whether
    it refused, stayed silent or withdrew at any time."""

    channel_id: str
    told: bool
    granted: bool
    refused: bool


def refusal(output: Output, then: CallType | None, now: CallType | None, parties: Sequence[Told]) -> str:
    """Why OUTPUT must not be made, '' where it may. THEN: the call type that the parties were told of; NOW: what it is
    in the policy in force, None where it is gone."""
    table = (
        (then is None or output not in then.outputs, f"the call type did not list {output} when it was recorded"),
        (now is not None and output not in now.outputs, f"the call type does not list {output} any more"),
        (not parties, "the log names nobody who was told"),
        (not all(party.told for party in parties), "somebody was not told to the end"),
        (any(party.refused for party in parties), "somebody refused or withdrew"),
        (not all(party.granted for party in parties), "somebody did not agree"),
    )
    return next((sentence for found, sentence in table if found), "")
