"""Which prompt a call type plays for each script in each of its languages, checked when the policy is loaded.

What belongs here: from a call type to prompts. What does not: the audio (audio/prompt.py), what the texts have to say
(core/disclosure.py), how they are made (render.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callguard.audio.prompt import Prompt, load_prompts, shipped_prompts
from callguard.core.disclosure import KNOWN_NOTICE, Finding, findings
from callguard.core.events import Script
from callguard.core.indicator import CUES
from callguard.core.policy import CallType, Mode, Policy
from callguard.core.purpose import Indicator
from callguard.core.wording import Wording
from callguard.engine.wording import load_wordings
from callguard.errors import BadInput, ConfigError

Prompts = Mapping[str, Prompt]


@dataclass(frozen=True)
class Scripts:
    """Prompts by language and id. `own`: those that a call type has for itself, by its name and language; they stand
    over the others. `wordings`: the words by which texts are understood, by language."""

    languages: Mapping[str, Prompts]
    own: Mapping[tuple[str, str], Prompts] = field(default_factory=dict)
    wordings: Mapping[str, Wording] = field(default_factory=dict)

    @classmethod
    def load(cls, policy: Policy, directory: Path | None) -> Scripts:
        """The prompts that POLICY needs, from DIRECTORY or the shipped ones. Raises ConfigError naming all that is
        missing."""
        scripts, problems = cls.load_leniently(policy, directory)
        problems += scripts.absent(policy)
        if problems:
            raise ConfigError("prompts", problems)
        return scripts

    @classmethod
    def load_leniently(cls, policy: Policy, directory: Path | None) -> tuple[Scripts, list[str]]:
        """What POLICY needs, as far as it is there and sound, and what is not sound."""
        wanted = {
            (kind.name, language) for kind in policy.call_types.values() if kind.records for language in kind.spoken
        }
        shelf, problems = _Shelf(directory or shipped_prompts()), []
        spoken = sorted({language for _, language in wanted})
        languages = {language: shelf.prompts(language) for language in spoken}
        own = {(name, language): shelf.prompts(language, name) for name, language in sorted(wanted)}
        try:
            wordings = load_wordings(directory, spoken)
        except ConfigError as wrong:
            wordings, problems = {}, wrong.problems
        return cls(languages, own, wordings), shelf.problems + problems

    def known(self, call_type: CallType, language: str) -> dict[str, Prompt]:
        """Every prompt that CALL_TYPE can play in LANGUAGE, its own first, by id."""
        return {**self.languages.get(language, {}), **self.own.get((call_type.name, language), {})}

    def missing(self, policy: Policy) -> list[tuple[CallType, str, str]]:
        """Call type, language and id of every prompt that POLICY needs and nobody has."""
        return [
            (kind, language, name)
            for kind in policy.call_types.values()
            if kind.records
            for language in kind.spoken
            for name in sorted(_needed(kind) - self.known(kind, language).keys())
        ]

    def absent(self, policy: Policy) -> list[str]:
        """The same in words, but for languages of which nothing could be read: that is a problem of its own."""
        return [
            f"call_type.{kind.name}: no prompt {name} in {language}"
            for kind, language, name in self.missing(policy)
            if self.languages.get(language)
        ]

    def unspoken(self, policy: Policy) -> list[tuple[CallType, str, str]]:
        """The same of what agents are to hear: where it is missing nothing is whispered."""
        return [
            (kind, language, name)
            for kind in policy.call_types.values()
            if kind.records and kind.indicator is Indicator.TONE
            for language in kind.spoken
            for name in sorted({_ids(kind)[script] for script in CUES} - self.known(kind, language).keys())
        ]

    def of(
        self, call_type: CallType, language: str = "", mode: Mode | None = None, *, known: bool = False
    ) -> Mapping[Script, Prompt]:
        """What CALL_TYPE plays in LANGUAGE, its default where none is given, by script. MODE: of the call, where the
        law asks for more than the call type does; `known`: to somebody who agreed before and is on record."""
        heard, ids = self.known(call_type, language or call_type.language), _ids(call_type, mode)
        if known and KNOWN_NOTICE in heard and not _asks_more(call_type, mode):
            ids[Script.NOTICE] = KNOWN_NOTICE
        return {script: heard[name] for script, name in ids.items() if name in heard}

    def findings(self, policy: Policy) -> list[Finding]:
        """Every difference between what POLICY promises and what these prompts say."""
        heard = {
            (kind.name, language): self.known(kind, language)
            for kind in policy.call_types.values()
            for language in kind.spoken
        }
        return findings(policy, heard, self.wordings)


@dataclass
class _Shelf:
    """A folder of prompts, and what was found wrong in it."""

    directory: Path
    problems: list[str] = field(default_factory=list)

    def prompts(self, language: str, call_type: str = "") -> Prompts:
        try:
            return load_prompts(self.directory, language, call_type)
        except BadInput as problem:
            whose = f", call_type.{call_type}" if call_type else ""
            self.problems.append(f"language {language}{whose}: {problem}")
            return {}


def _needed(kind: CallType) -> set[str]:
    """The ids of all prompts without which no call of this type is taken."""
    return {*(name for script, name in _ids(kind).items() if script not in CUES), *kind.notices}


def _asks_more(kind: CallType, mode: Mode | None) -> bool:
    """Whether the law asks where the call type announces."""
    return mode is Mode.ASK and kind.mode is Mode.ANNOUNCE


def _ids(kind: CallType, mode: Mode | None = None) -> dict[Script, str]:
    """The id of the prompt for each script. Only the notices are a call type's choice."""
    chosen = {"notice": kind.ask_notice if _asks_more(kind, mode) else kind.notice, "long_notice": kind.long_notice}
    spoken = (script for script in Script if script is not Script.BEEP)
    return {script: chosen.get(script.value) or script.value.replace("_", "-") for script in spoken}
