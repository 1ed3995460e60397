"""Which prompt a call type plays for each script, checked when the policy is loaded.

What belongs here: from a call type to prompts. What does not: the audio (audio/prompt.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from callguard.audio.prompt import load_prompts, shipped_prompts
from callguard.core.events import Script
from callguard.core.policy import CallType, Mode, Policy
from callguard.errors import BadInput, ConfigError
from callguard.ports import Playable

_FIXED = {
    Script.QUESTION: "question",
    Script.REFUSAL: "refusal",
    Script.WITHDRAWAL: "withdrawal",
    Script.RECORDING_ON: "recording-on",
}


@dataclass(frozen=True)
class Scripts:
    """Prompts by language and id."""

    languages: Mapping[str, Mapping[str, Playable]]

    @classmethod
    def load(cls, policy: Policy, directory: Path | None) -> Scripts:
        """The prompts that POLICY needs, from DIRECTORY or the shipped ones. Raises ConfigError naming all that is
        missing."""
        wanted = [kind for kind in policy.call_types.values() if kind.mode is not Mode.NEVER]
        languages: dict[str, Mapping[str, Playable]] = {}
        problems = []
        for language in sorted({kind.language for kind in wanted}):
            try:
                languages[language] = load_prompts(directory or shipped_prompts(), language)
            except BadInput as problem:
                problems.append(f"language {language}: {problem}")
        scripts = cls(languages)
        for kind in wanted:
            known = languages.get(kind.language, {})
            missing = [name for name in (kind.notice, *_FIXED.values()) if name not in known]
            problems += [f"call_type.{kind.name}: no prompt {name} in {kind.language}" for name in missing]
        if problems:
            raise ConfigError("prompts", problems)
        return scripts

    def of(self, call_type: CallType) -> Mapping[Script, Playable]:
        """What CALL_TYPE plays, by script."""
        known = self.languages.get(call_type.language, {})
        names = _FIXED | {Script.NOTICE: call_type.notice}
        return {script: known[name] for script, name in names.items() if name in known}
