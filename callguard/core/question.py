"""The question to the rule engine: an occasion and the parties, read from a document with every problem at once.

What belongs here: the shape of the input. What does not: the answer (explain.py). Problems name keys and what is
allowed, never a value: it may be somebody's number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from callguard.core.place import WITHHELD, LineType, Party, Role
from callguard.core.purpose import NumberPolicy
from callguard.core.strictest import Occasion, Scene
from callguard.errors import ConfigError

MOST_PARTIES, LONGEST = 500, 512
"""More parties, or longer text, is no call."""


class Answer(StrEnum):
    """What a party said when it was asked."""

    YES = "yes"
    NO = "no"
    SILENCE = "silence"
    UNCLEAR = "unclear"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Present:
    """A party and what it does on the call. `joined`: it came later, `left`: it has gone; both stay in the rule."""

    party: Party
    answer: Answer | None = None
    speakerphone: bool = False
    telemarketing: bool = False
    joined: bool = False
    left: bool = False

    @property
    def declines(self) -> bool:
        """Whether it is there and said no."""
        return not self.left and self.answer in (Answer.NO, Answer.WITHDRAW)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the floor at `occasion`, with area codes taken as `policy` says."""

    occasion: Occasion
    policy: NumberPolicy
    parties: tuple[Present, ...]

    @property
    def scene(self) -> Scene:
        """What is true of the call besides the places."""
        came = self._newcomers()
        return Scene(
            refused=any(item.declines for item in self.parties),
            only_systems=bool(came) and all(item.party.role is Role.SYSTEM for item in came),
            telemarketing=any(item.telemarketing for item in self.parties),
            in_room=any(item.speakerphone or item.party.role is Role.ROOM_GUEST for item in self.parties),
        )

    def _newcomers(self) -> list[Present]:
        """Who came later; where that is not said, who is neither agent nor customer."""
        later = [item for item in self.parties if item.joined]
        return later or [item for item in self.parties if item.party.role not in (Role.AGENT, Role.CUSTOMER)]


WORDS: Mapping[str, tuple[str, ...]] = {
    "role": tuple(Role),
    "line": tuple(LineType),
    "answer": tuple(Answer),
    "cli": tuple(sorted(WITHHELD)),
}
TEXTS = ("site", "hq", "crm", "number", "sip", "via", "call_type", "purpose", "mode", "kind")
MOMENTS = ("joined_at", "left_at", "announce_at")
"""Seconds since the call began."""
SWITCHES = ("on_hold", "announced", "known")
KEYS = (*WORDS, *TEXTS, *MOMENTS, *SWITCHES)
"""All keys of a party. Those that name no place and no answer are taken and change nothing: a party on hold, announced
or known still counts, and a purpose that a place exempts is no reason to say nothing."""


def read_question(document: object, where: str = "input") -> Question:
    """DOCUMENT ({"event", "number_policy", "parties"}) as a Question. Raises ConfigError with every problem at once."""
    if not isinstance(document, Mapping):
        raise ConfigError(where, ['must be an object: {"event": "start", "parties": [{"role": "agent"}]}'])
    if problems := list(_problems(document)):
        raise ConfigError(where, problems)
    policy = NumberPolicy(document.get("number_policy", NumberPolicy.HINT))
    return Question(Occasion(document["event"]), policy, tuple(map(_present, document["parties"])))


def _problems(document: Mapping[Any, Any]) -> Iterator[str]:
    yield from (f"{_shown(key)}: unknown key" for key in document if key not in ("event", "number_policy", "parties"))
    yield from _word("event", document.get("event"), tuple(Occasion))
    yield from _word("number_policy", document.get("number_policy", NumberPolicy.HINT), tuple(NumberPolicy))
    parties = document.get("parties")
    if not isinstance(parties, list) or not 1 <= len(parties) <= MOST_PARTIES:
        yield f"parties: must be a list of 1 to {MOST_PARTIES} parties"
        return
    for number, party in enumerate(parties):
        yield from (f"parties[{number}]{text}" for text in _party_problems(party))


def _party_problems(party: object) -> Iterator[str]:
    if not isinstance(party, Mapping):
        yield ": must be an object"
        return
    yield from (f".{_shown(key)}: unknown key" for key in party if key not in KEYS)
    if party.get("role") is None:
        yield ".role: is missing"
    for key in KEYS:
        if party.get(key) is not None:
            yield from _value_problems(key, party[key])


def _value_problems(key: str, value: object) -> Iterator[str]:
    if key in WORDS:
        yield from _word(f".{key}", value, WORDS[key])
    for keys, fits, must in _SHAPES:
        if key in keys and not fits(value):
            yield f".{key}: must be {must}"


def _word(key: str, value: object, words: tuple[str, ...]) -> Iterator[str]:
    if value is None:
        yield f"{key}: is missing"
    elif not isinstance(value, str) or value not in words:
        yield f"{key}: must be one of {', '.join(words)}"


def _is_moment(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


_SHAPES: tuple[tuple[tuple[str, ...], Callable[[object], bool], str], ...] = (
    (TEXTS, _is_text, f"text of at most {LONGEST} characters"),
    (MOMENTS, _is_moment, "seconds since the call began"),
    (SWITCHES, _is_switch, "true or false"),
)


def _shown(key: object) -> str:
    """A stranger's key, fit for a terminal."""
    text = "".join(char if char.isprintable() else "?" for char in str(key))
    return text if len(text) <= 40 else f"{text[:40]}..."


def _present(data: Mapping[str, Any]) -> Present:
    given = {key: value for key, value in data.items() if value is not None}
    known = {item.name: given[item.name] for item in fields(Party) if item.name in given}
    party = Party(**{**known, "role": Role(given["role"]), "line": LineType(given.get("line", LineType.UNKNOWN))})
    return Present(
        party,
        answer=Answer(given["answer"]) if "answer" in given else None,
        speakerphone=given.get("via") == "speakerphone",
        telemarketing=given.get("call_type") == "telemarketing",
        joined="joined_at" in given,
        left="left_at" in given,
    )
