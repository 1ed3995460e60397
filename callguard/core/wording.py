"""Scripts as templates of one language: from a policy to the text that is spoken or printed.

What belongs here: the shape of a script.toml and the rendering. What does not: reading files (engine/wording.py),
whether a text says what the policy promises (disclosure.py). The words by which a text is understood come with the
templates, because they belong to the language too: regular expressions over whole words, without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from callguard.core.policy import CallType, Category, Policy
from callguard.core.purpose import Basis, Output, Use
from callguard.errors import ConfigError

_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

VALUES = frozenset(
    "purposes ask announce question languages more who contact basis listen export kept shared withdraw "
    "alternative".split()
)
"""What a template may stand open for."""
PARTS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        "and star hash ask-consent ask-other announce-consent announce-other question-consent question-other more "
        "who-unnamed listen-none export-none shared-none".split(),
        frozenset[str](),
    ),
    **{f"basis-{basis.replace('_', '-')}": frozenset[str]() for basis in Basis},
    "language-key": frozenset({"key"}),
    "who-named": frozenset({"organisation"}),
    "contact-some": frozenset({"contact"}),
    "listen-some": frozenset({"listen"}),
    "export-some": frozenset({"export"}),
    "kept": frozenset({"kept"}),
    "kept-one": frozenset({"output"}),
    "kept-more": frozenset({"output", "days"}),
    "shared-some": frozenset({"shared"}),
    "withdraw-discard": frozenset({"keys"}),
    "withdraw-keep": frozenset({"keys"}),
    "alternative-some": frozenset({"alternative"}),
}
"""The sentences that templates are made of, and what each stands open for."""
PHRASES: Mapping[str, tuple[str, ...]] = {"purpose": tuple(Use), "output": tuple(Output), "role": ()}
"""Names of codes as they are spoken: all of these are needed, roles as many as a site has names for."""
WORDS = (
    "recorded vague unrecorded choice key-yes key-no one-key asks listens copies keeps shares denies "
    "day week month year".split()
)
"""Expressions that a text is searched for."""
SYNONYMS = ("purpose", "output", "role", "matter")
"""Further expressions by code, besides the phrases."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. `scripts`: templates by prompt id; `parts`: see PARTS; `phrases`: spoken names by kind and code;
    `words`: expressions by name; `synonyms`: expressions by kind and code."""

    language: str
    scripts: Mapping[str, str]
    parts: Mapping[str, str]
    phrases: Mapping[str, Mapping[str, str]]
    words: Mapping[str, re.Pattern[str]]
    synonyms: Mapping[str, Mapping[str, re.Pattern[str]]]

    def depends(self, prompt: str) -> bool:
        """Whether the text of PROMPT differs by call type."""
        return bool(_PLACEHOLDER.search(self.scripts[prompt]))

    def phrase(self, kind: str, code: str) -> str:
        """How CODE is spoken; the code itself, in words, where the language has no name for it."""
        return self.phrases.get(kind, {}).get(code) or re.sub(r"[-_]", " ", code)


def text_of(prompt: str, call_type: CallType, policy: Policy, wordings: Mapping[str, Wording], language: str) -> str:
    """What PROMPT says in LANGUAGE on a call of CALL_TYPE, one line of plain text. `wordings`: by language; those of
    other languages tell of the keys that lead to them."""
    own = wordings[language]
    values = {
        **_notice(own, call_type),
        "languages": _languages(call_type, wordings, language),
        **_long_notice(own, call_type, policy),
    }
    return _filled(own.scripts[prompt], values)


def _notice(own: Wording, kind: CallType) -> dict[str, str]:
    family = "consent" if kind.basis in (None, Basis.CONSENT) else "other"
    chosen = {name: own.parts[f"{name}-{family}"] for name in ("ask", "announce", "question")}
    return {**chosen, "purposes": _joined(own, "purpose", purposes(kind)), "more": own.parts["more"]}


def purposes(kind: CallType) -> tuple[str, ...]:
    """The codes of everything that calls of KIND are recorded for, the primary one first."""
    return tuple(dict.fromkeys(str(code) for code in (kind.purpose, *kind.uses) if code))


def kept(kind: CallType) -> dict[str, int]:
    """Days by output of KIND; what has no days of its own goes with the audio."""
    return {str(output): kind.retention.get(output, kind.retention_days) for output in kind.outputs}


def spoken_keys(own: Wording, sequence: str) -> str:
    """A key sequence in words: "star 7"."""
    names = {"*": own.parts["star"], "#": own.parts["hash"]}
    return " ".join(names.get(key, key) for key in sequence)


def _languages(kind: CallType, wordings: Mapping[str, Wording], language: str) -> str:
    others = [(key, other) for key, other in sorted(kind.language_keys.items()) if other != language]
    return " ".join(_filled(wordings[other].parts["language-key"], {"key": key}) for key, other in others)


def _long_notice(own: Wording, kind: CallType, policy: Policy) -> dict[str, str]:
    whose = policy.organisation
    return {
        "who": _either(own, "who-named", "who-unnamed", organisation=whose.name),
        "contact": _either(own, "contact-some", "", contact=whose.contact),
        "basis": own.parts[f"basis-{kind.basis.replace('_', '-')}"] if kind.basis else "",
        "listen": _either(own, "listen-some", "listen-none", listen=_joined(own, "role", kind.listen)),
        "export": _either(own, "export-some", "export-none", export=_joined(own, "role", kind.export)),
        "kept": _filled(own.parts["kept"], {"kept": _listed(own, _terms(own, kept(kind)))}),
        "shared": _either(own, "shared-some", "shared-none", shared=_joined(own, "vendor", kind.shared)),
        "withdraw": _filled(
            own.parts[f"withdraw-{kind.on_withdrawal}"], {"keys": spoken_keys(own, kind.withdraw)}
        ),
        "alternative": _either(own, "alternative-some", "", alternative=kind.alternative),
    }  # fmt: skip


def _either(own: Wording, some: str, none: str, **value: str) -> str:
    """The sentence SOME where there is something to say in it, else the sentence NONE."""
    (said,) = value.values()
    return _filled(own.parts[some], value) if said.strip() else own.parts.get(none, "")


def _terms(own: Wording, days: Mapping[str, int]) -> Iterator[str]:
    for output, count in days.items():
        values = {"output": own.phrase("output", output), "days": str(count)}
        yield _filled(own.parts["kept-one" if count == 1 else "kept-more"], values)


def _joined(own: Wording, kind: str, codes: Iterable[str]) -> str:
    return _listed(own, (own.phrase(kind, code) for code in codes))


def _listed(own: Wording, items: Iterable[str]) -> str:
    *first, last = [*items] or [""]
    return f"{', '.join(first)} {own.parts['and']} {last}" if first else last


def _filled(template: str, values: Mapping[str, str]) -> str:
    """TEMPLATE with every {name} replaced once: what a value holds is never looked into again."""
    return " ".join(_PLACEHOLDER.sub(lambda found: values[found[1]], template).split())


# ---------------------------------------------------------------- from a document
def parse_wording(language: str, document: Mapping[str, Any], where: str) -> Wording:
    """A script.toml, read as a mapping, as the wording of LANGUAGE. Raises ConfigError with every problem at once."""
    problems = list(_problems(document))
    if problems:
        raise ConfigError(where, problems)
    words, synonyms = dict(document["words"]), document["synonym"]
    return Wording(
        language,
        scripts=dict(document["script"]),
        parts=dict(document["part"]),
        phrases={kind: dict(document[kind]) for kind in PHRASES},
        words={name: expression(text) for name, text in words.items()},
        synonyms={kind: {code: expression(text) for code, text in synonyms[kind].items()} for kind in SYNONYMS},
    )


@lru_cache(maxsize=4096)
def expression(text: str) -> re.Pattern[str]:
    """TEXT as an expression over whole words."""
    return re.compile(rf"(?<!\w)(?:{text})(?!\w)", re.IGNORECASE)


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    known = {"script", "part", "words", "synonym", *PHRASES}
    yield from (f"{key}: unknown table" for key in document if key not in known)
    parts = document.get("part")
    yield from _names("script", document.get("script"), (), None)
    yield from _templates("script", document.get("script"), lambda _: VALUES)
    yield from _templates("part", parts, lambda name: PARTS.get(name, frozenset()))
    yield from _names("part", parts, PARTS, PARTS)
    for kind, codes in PHRASES.items():
        yield from _names(kind, document.get(kind), codes, codes or None)
    yield from _expressions("words", document.get("words"), WORDS, WORDS)
    synonyms = document.get("synonym")
    tables = synonyms if isinstance(synonyms, Mapping) else {}
    yield from (f"synonym.{kind}: unknown table" for kind in tables if kind not in SYNONYMS)
    for kind in SYNONYMS:
        needed = [category for category in Category if category is not Category.GENERAL] if kind == "matter" else []
        yield from _expressions(f"synonym.{kind}", tables.get(kind), needed, None)


def _templates(table: str, texts: object, open_for: Any) -> Iterator[str]:
    for name, text in texts.items() if isinstance(texts, Mapping) else ():
        if not _ID.fullmatch(name):
            yield f"{table}.{name}: an id is lower-case words joined by '-'"
        strange = set(_PLACEHOLDER.findall(str(text))) - open_for(name)
        yield from (f"{table}.{name}: knows no {{{place}}}" for place in sorted(strange))


def _names(table: str, texts: object, needed: Iterable[str], known: Iterable[str] | None) -> Iterator[str]:
    if not isinstance(texts, Mapping):
        yield f"{table}: must be a table of texts"
        return
    yield from (f"{table}.{name}: is missing" for name in needed if name not in texts)
    for name, text in texts.items():
        if known is not None and name not in known:
            yield f"{table}.{name}: unknown key"
        elif not isinstance(text, str) or not text.strip():
            yield f"{table}.{name}: must be text"


def _expressions(table: str, texts: object, needed: Iterable[str], known: Iterable[str] | None) -> Iterator[str]:
    yield from _names(table, texts, needed, known)
    for name, text in texts.items() if isinstance(texts, Mapping) else ():
        try:
            expression(str(text))
        except re.error as error:
            yield f"{table}.{name}: is no regular expression: {error}"
