"""Whether a policy may be put into force: complete, with every prompt that it needs.

What belongs here: reading and judging policy.toml for those who put it into force. What does not: the rules that it is
judged by (core/complete.py, core/disclosure.py), the commands (policy.py, run.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from callguard.core.complete import doubtful, incomplete_beside, objections
from callguard.core.jurisdiction import RulePack
from callguard.core.policy import Policy, read_policy_leniently
from callguard.engine import clock
from callguard.engine.registrar import Entry
from callguard.engine.script import Scripts
from callguard.errors import ConfigError
from callguard.settings import read_toml
from callguard.store.pack import shipped_pack


@dataclass(frozen=True)
class Judged:
    """A policy that can be read, its prompts, and why it must not be put into force.

    `doubts`: what it says to no effect; `differences`: what its callers are told otherwise. A controller that has to
    start goes on with either.
    """

    policy: Policy
    scripts: Scripts
    objections: list[str]
    doubts: list[str]
    differences: list[str]

    @property
    def findings(self) -> list[str]:
        """All of it."""
        return self.objections + self.doubts + self.differences


def judge(path: Path, prompts: Path | None, pack: RulePack | None = None) -> Judged:
    """The policy in the file PATH with the prompts of a folder and the rules of PACK, or the shipped ones. Raises
    BadInput, ConfigError."""
    today = clock.read().wall.date()
    policy = _read(path, today)
    scripts, problems = Scripts.load_leniently(policy, prompts)
    problems += scripts.absent(policy)
    found, doubts = objections(policy, today, problems), doubtful(policy, pack or shipped_pack(), today)
    differences = [] if problems else [str(item) for item in scripts.findings(policy)]
    return Judged(policy, scripts, found, doubts, differences)


def _read(path: Path, today: date) -> Policy:
    """The policy in the file PATH. Raises ConfigError with every wrong value and, beside it, everything missing."""
    policy, problems = read_policy_leniently(read_toml(path))
    if problems:
        raise ConfigError(str(path), [*problems, *incomplete_beside(policy, problems, today)])
    return policy


def entry_of(item: Policy | RulePack, author: str, reason: str) -> Entry:
    """ITEM as an entry of the register, in force from now on. Rules are kept by their version, not in the register; an
    override in force is told in the entry's reason, with who decided it, until when and why."""
    at = clock.read().wall
    if isinstance(item, Policy):
        return Entry(at=at, kind="policy", version=item.version, author=author, reason=reason, content=item.as_data())
    said = "; ".join((reason, *(one.sentence for one in item.overrides)))
    return Entry(at=at, kind="rules", version=item.version, author=author, reason=said, content={})


def approved(path: Path, prompts: Path | None, pack: RulePack | None = None) -> Judged:
    """As `judge`. Raises ConfigError with everything that is missing."""
    judged = judge(path, prompts, pack)
    if judged.objections:
        raise ConfigError(str(path), judged.objections)
    return judged
