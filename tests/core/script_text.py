"""The shipped scripts rendered for policies of the tests' own; prompts without sound.

What belongs here: from values of a call type to what its callers would hear. What does not: what must be found in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callguard.core.disclosure import Finding, findings
from callguard.core.policy import CallType, Policy, parse_policy
from callguard.core.wording import text_of
from callguard.engine.wording import languages_with_wording, load_wordings

LANGUAGES = languages_with_wording(None)
WORDINGS = load_wordings(None, LANGUAGES)
CATEGORIES = ("sensitive", "payment", "health", "hr", "dispute")
USUAL: dict[str, Any] = {
    "purpose": "qa", "uses": ["training"], "basis": "consent", "listen": ["supervisor", "qa"], "export": ["privacy"],
    "outputs": ["audio", "transcript"], "retention": {"audio": 90, "transcript": 30}, "shared": ["acme-transcripts"],
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A prompt without sound."""

    text: str
    duration_s: float = 1.0
    template: str = ""


def policy(**values: Any) -> Policy:
    """One call type called support, of VALUES over the usual ones, and two vendors."""
    document = {
        "organisation": {"name": "Quality Homes <b> & Sons", "contact": "privacy@example.org"},
        "vendor": {"acme-transcripts": {"what": "transcripts"}, "bolt-hosting": {"what": "disks"}},
        "call_type": {"support": {**USUAL, **values}},
    }
    return parse_policy(document)


def support(own: Policy) -> CallType:
    return own.call_types["support"]


def text(own: Policy, prompt: str, language: str) -> str:
    return text_of(prompt, support(own), own, WORDINGS, language)


def rendered(own: Policy, language: str) -> dict[str, Said]:
    """Every prompt of LANGUAGE as OWN has it."""
    return {name: Said(text(own, name, language)) for name in WORDINGS[language].scripts}


def found(own: Policy, heard: dict[str, Said], language: str) -> list[Finding]:
    """What is found where callers of OWN hear HEARD, in its only language."""
    return findings(own, {("support", language): dict(heard)}, WORDINGS)
