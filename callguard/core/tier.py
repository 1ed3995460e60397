"""What classes of data there are, and what each is guarded by: everything that holds or tells a conversation is in one.

What belongs here: the classes, their controls, which table and which artefact is of which. What does not: enforcing the
controls (migrations/, audio/vault/, store/), how long one recording is kept (retention.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Tier(IntEnum):
    """How strictly something is kept; the higher the stricter."""

    TECHNICAL = 0
    FACTS = 1
    PERSONAL = 2
    CONTENT = 3
    VOICE = 4


class Sealed(StrEnum):
    """How it lies there."""

    OWN_KEY = "under a key of its own"
    PARTY_KEY = "under a key of its party or call"
    NOT = "holds nothing of a person"


@dataclass(frozen=True, slots=True)
class Control:
    """`leaves`: whether a command gives it away in the clear; `ends`: what its end comes from."""

    tier: Tier
    sealed: Sealed
    leaves: bool
    ends: str


_RETENTION = "its output's days in the call type, never later than its audio"
CONTROLS: Mapping[str, Control] = MappingProxyType(
    {
        "audio": Control(Tier.VOICE, Sealed.OWN_KEY, False, "its days in the call type, the shortest of several"),
        "transcript": Control(Tier.CONTENT, Sealed.OWN_KEY, False, _RETENTION),
        "summary": Control(Tier.CONTENT, Sealed.OWN_KEY, False, _RETENTION),
        "tags": Control(Tier.CONTENT, Sealed.OWN_KEY, False, _RETENTION),
        "party": Control(Tier.PERSONAL, Sealed.PARTY_KEY, True, "the key of its party, which goes with its month"),
        "message": Control(Tier.PERSONAL, Sealed.PARTY_KEY, False, "14 days"),
        "said": Control(Tier.PERSONAL, Sealed.PARTY_KEY, True, "its key"),
        "call": Control(Tier.FACTS, Sealed.NOT, True, "the log's retention"),
        "register": Control(
            Tier.FACTS, Sealed.NOT, True, "never: what is of a person in it is sealed and can be erased"
        ),
        "key": Control(Tier.TECHNICAL, Sealed.NOT, False, "with what it opens"),
        "technical": Control(Tier.TECHNICAL, Sealed.NOT, True, "with what it is about"),
    }
)
"""Classes and what guards them. Screens, embeddings and voiceprints are nowhere: nothing of ours makes them."""

KINDS: Mapping[str, str] = MappingProxyType(
    {"audio": "audio", "trimmed": "audio", "redacted": "audio", "transcript": "transcript", "summary": "summary"}
    | {"tags": "tags"}
)
"""The class of each kind of artefact."""

TABLES: Mapping[str, str] = MappingProxyType(
    {"party": "party", "raw_event": "message", "answer": "party", "legal_hold": "said"}
    | dict.fromkeys(("call", "channel_event", "decision", "recording", "incident", "chain_head"), "call")
    | dict.fromkeys(("artefact", "artefact_event", "tombstone", "retention_run", "activation", "rule_pack"), "register")
    | dict.fromkeys(("key", "artefact_key", "artefact_key_former"), "key")
    | dict.fromkeys(("alembic_version", "job_failure"), "technical")
    | dict.fromkeys(
        tuple(f"procrastinate_{name}" for name in ("jobs", "events", "periodic_defers", "workers")), "technical"
    )
)
"""The class of each table; partitions are of their parent's."""


def unclassed(tables: Iterable[str], kinds: Iterable[str]) -> tuple[str, ...]:
    """Which TABLES, and which KINDS of artefacts, are of no class."""
    return tuple(sorted({*tables} - {*TABLES})) + tuple(sorted({*kinds} - {*KINDS}))
