"""Whether a policy may be put into force: complete, with every prompt that it needs.

What belongs here: reading and judging policy.toml for those who put it into force. What does not: the rules that it is
judged by (core/complete.py, core/disclosure.py), the commands (policy.py, run.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from callguard.core.complete import objections
from callguard.core.jurisdiction import RulePack
from callguard.core.policy import Policy
from callguard.engine import clock
from callguard.engine.registrar import Entry
from callguard.engine.script import Scripts
from callguard.errors import ConfigError
from callguard.settings import read_policy


@dataclass(frozen=True)
class Judged:
    """A policy that can be read, its prompts, and why it must not be put into force.

    `differences`: what its callers are told otherwise.
    """

    policy: Policy
    scripts: Scripts
    objections: list[str]
    differences: list[str]


def judge(path: Path, prompts: Path | None) -> Judged:
    """The policy in the file PATH with the prompts of a folder, or the shipped ones. Raises BadInput, ConfigError."""
    policy = read_policy(path)
    scripts, problems = Scripts.load_leniently(policy, prompts)
    problems += [
        f"call_type.{kind.name}: no prompt {name} in {language}" for kind, language, name in scripts.missing(policy)
    ]
    found = objections(policy, clock.read().wall.date(), problems)
    differences = [] if problems else [str(item) for item in scripts.findings(policy)]
    return Judged(policy, scripts, found, differences)


def entry_of(item: Policy | RulePack, author: str, reason: str) -> Entry:
    """ITEM as an entry of the register, in force from now on. Rules are kept by their version, not in the register."""
    kind, content = ("policy", item.as_data()) if isinstance(item, Policy) else ("rules", {})
    at = clock.read().wall
    return Entry(at=at, kind=kind, version=item.version, author=author, reason=reason, content=content)


def approved(path: Path, prompts: Path | None) -> Judged:
    """As `judge`. Raises ConfigError with everything that is missing."""
    judged = judge(path, prompts)
    if judged.objections:
        raise ConfigError(str(path), judged.objections)
    return judged
