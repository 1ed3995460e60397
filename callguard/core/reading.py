"""What a text says, in codes: purposes, roles, vendors, outputs and days, in words of ours or of an admin's own.

What belongs here: finding. What does not: whether it ought to say so (disclosure.py), the words (wording.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from callguard.core.policy import CallType, Policy
from callguard.core.wording import SYNONYMS, Wording, expression

_SENTENCE = re.compile(r"\S.*?(?:[.!?]+(?=\s|$)|$)")
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


@dataclass(frozen=True, slots=True)
class Span:
    """TEXT[start:end] speaks of `code`, which is of this `kind` (purpose, role, output, matter, vendor, name)."""

    start: int
    end: int
    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One text and what it speaks of, in its order. Longer words win: "sales training" is not also "training"."""

    text: str
    wording: Wording
    spans: tuple[Span, ...]

    def has(self, word: str) -> bool:
        """Whether the text matches the expression called WORD."""
        return bool(self.wording.words[word].search(self.text))

    def first(self, word: str) -> int:
        """Where the text first matches the expression called WORD, -1 where it does not."""
        found = self.wording.words[word].search(self.text)
        return found.start() if found else -1

    def says(self, kind: str, word: str = "") -> frozenset[str]:
        """The codes of KIND; with WORD, only those in sentences that match this expression."""
        return frozenset(span.code for span in self._in(word) if span.kind == kind)

    def says_surely(self, kind: str, word: str = "") -> frozenset[str]:
        """As `says`, without words that may just as well mean something of another kind."""
        twice = {(one.start, one.end) for one in self.spans for other in self.spans if _rivals(one, other)}
        sure = (span for span in self._in(word) if (span.start, span.end) not in twice)
        return frozenset(span.code for span in sure if span.kind == kind)

    def kept(self) -> dict[str, set[int]]:
        """Days by output, of sentences that speak of keeping."""
        found: dict[str, set[int]] = {}
        for start, end in self._sentences("keeps"):
            for output, days in _paired([span for span in self._tokens() if start <= span.start < end]):
                found.setdefault(output, set()).add(days)
        return found

    def sentence_at(self, place: int) -> int:
        """The number of the sentence that holds PLACE."""
        return sum(found.end() <= place for found in _SENTENCE.finditer(self.text))

    def _in(self, word: str) -> list[Span]:
        if not word:
            return list(self.spans)
        places = list(self._sentences(word))
        return [span for span in self.spans if any(start <= span.start < end for start, end in places)]

    def _sentences(self, word: str) -> Iterator[tuple[int, int]]:
        for found in _SENTENCE.finditer(self.text):
            if self.wording.words[word].search(found.group()):
                yield found.start(), found.end()

    def _tokens(self) -> list[Span]:
        """Outputs and durations in the order of the text; a duration's code is its days."""
        outputs = [span for span in self.spans if span.kind == "output"]
        return sorted(outputs + list(_durations(self.text, self.wording)), key=lambda span: span.start)


def read(text: str, wording: Wording, policy: Policy, kind: CallType) -> Reading:
    """TEXT in the language of WORDING, on a call of KIND."""
    line = plain(text)
    found = [
        Span(match.start(), match.end(), family, code)
        for family, code, pattern in _vocabulary(wording, policy, kind)
        for match in pattern.finditer(line)
        if match.group()
    ]
    return Reading(line, wording, tuple(_longest(found)))


def plain(text: str) -> str:
    """TEXT on one line, with the apostrophe of keyboards."""
    return " ".join(text.replace("\u2019", "'").split())


def named(text: str, name: str) -> bool:
    """Whether TEXT holds NAME word by word, whatever the case."""
    return bool(expression(_literal(name)).search(plain(text)))


def _vocabulary(wording: Wording, policy: Policy, kind: CallType) -> Iterator[tuple[str, str, re.Pattern[str]]]:
    for family, phrases in wording.phrases.items():
        yield from ((family, code, expression(_literal(phrase))) for code, phrase in phrases.items())
    for family in SYNONYMS:
        yield from ((family, code, pattern) for code, pattern in wording.synonyms[family].items())
    types = policy.call_types.values()
    roles = {role for other in types for role in (*other.listen, *other.export)}
    vendors = {*policy.vendors, *(vendor for other in types for vendor in other.shared)}
    for family, names in (("role", roles), ("vendor", vendors)):
        yield from ((family, name, expression(_literal(wording.phrase(family, name)))) for name in sorted(names))
    free = (policy.organisation.name, policy.organisation.contact, kind.alternative)
    yield from (("name", "", expression(_literal(name))) for name in free if name.strip())


def _literal(name: str) -> str:
    return re.escape(plain(name))


def _longest(found: Iterable[Span]) -> list[Span]:
    """Without what lies inside, or under the beginning of, something longer; equals stay side by side."""
    chosen: list[Span] = []
    for span in sorted(set(found), key=lambda span: (span.start - span.end, span.start, span.kind, span.code)):
        same = any((span.start, span.end) == (other.start, other.end) for other in chosen)
        if same or all(span.end <= other.start or span.start >= other.end for other in chosen):
            chosen.append(span)
    return sorted(chosen, key=lambda span: span.start)


def _rivals(one: Span, other: Span) -> bool:
    return (one.start, one.end) == (other.start, other.end) and one.kind != other.kind


def _durations(text: str, wording: Wording) -> Iterator[Span]:
    for unit, days in _DAYS.items():
        pattern = expression(rf"(\d+)\s+(?:{wording.words[unit].pattern})")
        for match in pattern.finditer(text):
            yield Span(match.start(), match.end(), "days", str(int(match[1]) * days))


def _paired(tokens: list[Span]) -> Iterator[tuple[str, int]]:
    """ "audio 90 transcript 30", "audio and transcript 90" and "90 audio 30 transcript" each tell days by output."""
    waiting: list[str] = []
    days_first = bool(tokens) and tokens[0].kind == "days"
    days = 0
    for token in tokens:
        if token.kind == "days":
            days = int(token.code)
            yield from ((output, days) for output in waiting)
            waiting = []
        elif days_first:
            yield token.code, days
        else:
            waiting.append(token.code)
