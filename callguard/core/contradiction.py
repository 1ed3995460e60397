"""Values of one call type that cannot stand together, as a table.

What belongs here: what is wrong whatever the rest of the policy says. What does not: single values (field.py), missing
ones (complete.py), call types against one another (policy.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from itertools import combinations

from callguard.core.profile import CallType, Category, Mode
from callguard.core.purpose import CREEP, Output, Purpose

ORDER_DAYS = 1826
"""Five years: how long the record of an order is kept at least where it must be made (MiFID II, Article 16(7))."""
PRIVATE = frozenset({Category.SENSITIVE, Category.HEALTH, Category.HR})
"""Calls that nothing but their purpose may use."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """`keys`: whose values meet; the first is the one to be told. `found`: what is wrong, or ''."""

    keys: tuple[str, ...]
    found: Callable[[CallType], str]


def contradictions(kind: CallType, unread: Set[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """Every (key, problem) of KIND, but for those about keys that are UNREAD."""
    for item in TABLE:
        if unread.isdisjoint(item.keys) and (problem := item.found(kind)):
            yield item.keys[0], problem


def floor_days(kind: CallType) -> int:
    """How many days audio of KIND is kept at least."""
    order = kind.must_record and kind.purpose is Purpose.ORDER_EVIDENCE
    return max(kind.minimum_days, ORDER_DAYS if order else 0)


def _sequences(kind: CallType) -> str:
    """The first two keys whose sequences cannot be told apart."""
    for (first, one), (second, other) in combinations(kind.sequences.items(), 2):
        if one.startswith(other) or other.startswith(one):
            return f"{first} and {second} are the same sequence, or one begins with the other"
    return ""


def _implied(mode: Mode, category: Category) -> str:
    refused = mode is Mode.ANNOUNCE and category is not Category.GENERAL
    return "announce is implied consent, which a sensitive category forbids" if refused else ""


def _no_purpose(kind: CallType) -> str:
    refused = kind.purpose is Purpose.NONE and kind.records
    return "none is only for call types that are never recorded" if refused else ""


def _repeated(kind: CallType) -> str:
    return "repeats the purpose" if str(kind.purpose) in map(str, kind.uses) else ""


def _creep(kind: CallType) -> str:
    wrong = [use for use in kind.uses if use in CREEP] if kind.category in PRIVATE else []
    return f"has {', '.join(wrong)}, which category {kind.category} forbids" if wrong else ""


def _silent(kind: CallType) -> str:
    return "must list audio where anything is recorded" if kind.records and Output.AUDIO not in kind.outputs else ""


def _undeclared(kind: CallType) -> str:
    wrong = [output for output in kind.retention if output not in kind.outputs]
    return f"has {', '.join(wrong)}, which outputs does not list" if wrong else ""


def _too_short(kind: CallType) -> str:
    least = floor_days(kind)
    short = Output.AUDIO in kind.retention and kind.retention_days < least
    return f"keeps audio for {kind.retention_days} days, but at least {least} are demanded" if short else ""


def _outlives(kind: CallType) -> str:
    longer = kind.retention.get(Output.TRANSCRIPT, 0) > kind.retention.get(Output.AUDIO, ORDER_DAYS * 100)
    return "keeps the transcript longer than the audio" if longer else ""


def _impossible(kind: CallType) -> str:
    return "cannot be true with mode never" if kind.must_record and kind.mode is Mode.NEVER else ""


def _unlisted(kind: CallType) -> str:
    missing = [language for language in kind.spoken if language not in kind.languages] if kind.languages else []
    return f"does not list {', '.join(missing)}" if missing else ""


TABLE = (
    Contradiction(("pause", "withdraw", "someone_else", "cannot_consent", "all_present"), _sequences),
    Contradiction(("mode", "category"), lambda kind: _implied(kind.mode, kind.category)),
    Contradiction(("internal", "category"), lambda kind: _implied(kind.internal, kind.category)),
    Contradiction(("purpose", "mode", "internal"), _no_purpose),
    Contradiction(("uses", "purpose"), _repeated),
    Contradiction(("uses", "category"), _creep),
    Contradiction(("outputs", "mode", "internal"), _silent),
    Contradiction(("retention", "outputs"), _undeclared),
    Contradiction(("retention", "minimum_days", "must_record", "purpose"), _too_short),
    Contradiction(("retention",), _outlives),
    Contradiction(("must_record", "mode"), _impossible),
    Contradiction(("languages", "language", "language_keys", "language_dids", "language_countries"), _unlisted),
)
