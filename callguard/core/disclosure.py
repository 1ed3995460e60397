"""Whether what callers are told is what the policy promises: every difference is a finding.

What belongs here: the comparison of a text with its call type. What does not: understanding the text (reading.py),
making one from the policy (wording.py), whether a file is what was listed (audio/prompt.py).
Texts need not be ours: an admin's own words pass where they say what is demanded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from callguard.core.policy import CallType, Category, Mode, Policy
from callguard.core.purpose import Basis
from callguard.core.reading import Reading, named, plain, read
from callguard.core.wording import Wording, kept, purposes, spoken_keys, text_of

LONGEST_SECONDS = 10.0
"""Notice, purpose and choice end within this."""
LONGEST_LINE_SECONDS = 2.0
"""What all parties hear when recording begins."""
KNOWN_NOTICE = "notice-known"
"""The notice of a caller who agreed before and is on record, where there is one: it says all that a notice has to."""
ALWAYS = ("question", "refusal", "withdrawal", "recording-on", "withheld")
"""What a call needs besides its notices."""


class Spoken(Protocol):
    """A text that callers hear. `template`: the version of the template that it was rendered from, '' for own words."""

    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def duration_s(self) -> float: ...  # noqa: D102
    @property
    def template(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `found`: what the text says or lacks; `promised`: what the policy says; `change`: what to do."""

    call_type: str
    language: str
    prompt: str
    found: str
    promised: str
    change: str

    def __str__(self) -> str:
        """One line for people."""
        return f"call_type.{self.call_type} {self.language}/{self.prompt}: {self.found}; {self.promised}. {self.change}"


@dataclass(frozen=True, slots=True)
class _Told:
    """One prompt of one call type in one language."""

    policy: Policy
    kind: CallType
    prompt: str
    spoken: Spoken
    reading: Reading


_Found = Iterator[tuple[str, str]]


def findings(
    policy: Policy,
    prompts: Mapping[tuple[str, str], Mapping[str, Spoken]],
    wordings: Mapping[str, Wording],
) -> list[Finding]:
    """Every difference between POLICY and what its callers hear. `prompts`: by call type and language, then by id;
    `wordings`: by language. No finding means that they may be played."""
    return [
        finding
        for kind in policy.call_types.values()
        if kind.records
        for language in kind.spoken
        for finding in _of(policy, kind, language, prompts.get((kind.name, language), {}), wordings)
    ]


def render_command(kind: CallType, language: str) -> str:
    """What to type so that KIND gets texts of its own in LANGUAGE."""
    return f"callguard prompts render --call-type {kind.name} --language {language} --tts COMMAND --out FOLDER"


def _of(
    policy: Policy, kind: CallType, language: str, heard: Mapping[str, Spoken], wordings: Mapping[str, Wording]
) -> Iterator[Finding]:
    render = f"Render it: {render_command(kind, language)}"
    if language not in wordings:
        change = f"Add {language}/script.toml to the folder of prompts"
        yield Finding(kind.name, language, "*", "there are no texts", f"the policy speaks {language}", change)
        return
    if not heard:
        yield Finding(kind.name, language, "*", "there are no prompts", f"the policy speaks {language}", render)
        return
    shorter = (KNOWN_NOTICE,) * (KNOWN_NOTICE in heard)
    for prompt in dict.fromkeys((*kind.notices, *shorter, kind.long_notice, *ALWAYS)):
        spoken = heard.get(prompt)
        if spoken is None:
            yield Finding(kind.name, language, prompt, "is missing", f"the policy speaks {language}", render)
            continue
        told = _Told(policy, kind, prompt, spoken, read(spoken.text, wordings[language], policy, kind))
        for found, promised in _differences(told, wordings):
            yield Finding(kind.name, language, prompt, found, promised, render)


def _differences(told: _Told, wordings: Mapping[str, Wording]) -> _Found:
    """What the checks of this prompt find; where they find nothing, whether a rendered text is still the one that the
    policy renders: a role that nobody knows any more cannot be found in words."""
    checks: tuple[Callable[[_Told], _Found], ...] = (_vague, *_CHECKS.get(_script(told), ()))
    found = [difference for check in checks for difference in check(told)]
    yield from found
    if not found and told.spoken.template and _is_stale(told, wordings):
        yield "it was rendered from another policy", "this policy renders another text"


def _script(told: _Told) -> str:
    if told.prompt in (*told.kind.notices, KNOWN_NOTICE):
        return "notice"
    return "long notice" if told.prompt == told.kind.long_notice else told.prompt


def _is_stale(told: _Told, wordings: Mapping[str, Wording]) -> bool:
    wording = told.reading.wording
    if told.prompt not in wording.scripts:
        return True
    return told.reading.text != plain(text_of(told.prompt, told.kind, told.policy, wordings, wording.language))


# ---------------------------------------------------------------- the checks
def _vague(told: _Told) -> _Found:
    if told.reading.has("vague"):
        yield "it says that the call may be recorded", "say that it will be: what may be tells a caller nothing"


def _recorded(told: _Told) -> _Found:
    if not told.reading.has("recorded"):
        yield "it does not say that the call is recorded", f"mode is {told.kind.mode}"


def _purposes(told: _Told) -> _Found:
    promised = purposes(told.kind)
    said, sure = told.reading.says("purpose"), told.reading.says_surely("purpose")
    yield from _compared("purpose", said, sure, promised, "purpose and uses are")


def _compared(what: str, said: Iterable[str], sure: Iterable[str], promised: Iterable[str], where: str) -> _Found:
    """What is said against what is promised: nothing may lack, and nothing may be too much."""
    listed = f"{where} {', '.join(promised) or 'none'}"
    if lacking := [code for code in promised if code not in set(said)]:
        yield f"it does not say the {what} {', '.join(lacking)}", listed
    if extra := sorted(set(sure) - set(promised)):
        yield f"it says the {what} {', '.join(extra)}", listed


def _choice(told: _Told) -> _Found:
    if not told.reading.has("choice"):
        yield "it gives no choice", "a caller may go on without recording"
    if not told.reading.has("key-no"):
        yield "it does not say that key 2 refuses", "one key refuses, at any moment"
    elif told.reading.has("one-key"):
        yield "it asks for more than one key to refuse", "one key refuses, at any moment"


def _answer(told: _Told) -> _Found:
    says, usual = told.reading.has("key-yes"), told.prompt in (told.kind.notice, KNOWN_NOTICE)
    announces = usual and told.kind.mode is Mode.ANNOUNCE
    if not announces and not says:
        asked = "where the law says so, it is asked" if told.kind.mode is Mode.ANNOUNCE else "mode is ask"
        yield "it does not say that key 1 goes on with recording", asked
    if announces and says:
        yield "it says that key 1 goes on with recording", "mode is announce: who stays on is recorded"


def _order(told: _Told) -> _Found:
    reading = told.reading
    places = [reading.first("recorded"), _first_purpose(reading), reading.first("choice")]
    if -1 in places:
        return  # said already
    notice, purpose, choice = map(reading.sentence_at, places)
    if not notice <= purpose <= choice or places[2] < max(places[:2]):
        yield "it does not keep the order of notice, purpose, choice", "a caller knows what for before choosing"


def _first_purpose(reading: Reading) -> int:
    return next((span.start for span in reading.spans if span.kind == "purpose"), -1)


def _basis(told: _Told) -> _Found:
    asks = told.reading.has("asks")
    if told.kind.basis is Basis.CONSENT and not asks:
        yield "it does not ask for agreement", "basis is consent"
    yield from _no_plea(told)


def _no_plea(told: _Told) -> _Found:
    if told.kind.basis not in (None, Basis.CONSENT) and told.reading.has("asks"):
        yield "it asks for agreement", f"basis is {told.kind.basis}: nobody is asked to agree, everybody may object"


def _matter(told: _Told) -> _Found:
    category = told.kind.category
    if category is not Category.GENERAL and category not in told.reading.says("matter"):
        named_so = f'notice = "notice-{category}" names it'
        yield "it is a generic script that does not name the matter", f"category is {category}; {named_so}"


def _within(limit: float) -> Callable[[_Told], _Found]:
    def check(told: _Told) -> _Found:
        if told.spoken.duration_s > limit:
            yield f"it takes {told.spoken.duration_s:.1f} s", f"it has {limit:g} s"

    return check


def _access(told: _Told) -> _Found:
    reading = told.reading
    for word, key in (("listens", "listen"), ("copies", "export")):
        promised = getattr(told.kind, key)
        if not reading.has(word):
            yield f"it does not say who may {key}", f"{key} is {', '.join(promised) or 'nobody'}"
        else:
            said, sure = reading.says("role", word), reading.says_surely("role", word)
            yield from _compared(f"right to {key} of", said, sure, promised, f"{key} is")


def _retention(told: _Told) -> _Found:
    promised, said = kept(told.kind), told.reading.kept()
    for output in sorted({*promised, *said}):
        listed = {promised[output]} if output in promised else set()
        if said.get(output, set()) != listed:
            yield f"it keeps {output} for {_days(said.get(output, set()))}", f"retention is {_days(listed)}"


def _days(days: set[int]) -> str:
    return " and ".join(f"{count} days" for count in sorted(days)) or "no time"


def _shared(told: _Told) -> _Found:
    if not told.reading.has("shares"):
        yield "it does not say whether it is shared", f"shared is {', '.join(told.kind.shared) or 'nobody'}"
    said, sure = told.reading.says("vendor"), told.reading.says_surely("vendor")
    yield from _compared("vendor", said, sure, told.kind.shared, "shared is")
    if told.kind.shared and told.reading.has("denies"):
        yield "it says that it is shared with nobody", f"shared is {', '.join(told.kind.shared)}"


def _withdrawal(told: _Told) -> _Found:
    keys = told.kind.withdraw
    spoken = spoken_keys(told.reading.wording, keys)
    if not (named(told.reading.text, spoken) or keys in told.reading.text):
        yield "it does not say how to withdraw", f"withdraw is {keys}"


def _unrecorded(told: _Told) -> _Found:
    if not told.reading.has("unrecorded"):
        yield "it does not say that the call is not recorded", "so it is then"


_CHECKS: Mapping[str, tuple[Callable[[_Told], _Found], ...]] = {
    "notice": (_recorded, _purposes, _choice, _answer, _order, _basis, _matter, _within(LONGEST_SECONDS)),
    "long notice": (_recorded, _purposes, _no_plea, _access, _retention, _shared, _withdrawal),
    "question": (_recorded, _choice, _basis),
    "recording-on": (_recorded, _within(LONGEST_LINE_SECONDS)),
    "refusal": (_unrecorded,),
    "withheld": (_unrecorded,),
}
