"""Call types: what an admin promises about a kind of call. Parsing is pure: a mapping in, frozen values out.

What belongs here: the shape of policy.toml and every check on it. What does not: reading files (settings.py), the law
(rules.py), what happens on a call (call.py).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from callguard.errors import ConfigError


class Mode(StrEnum):
    """How consent is had, weakest first."""

    ANNOUNCE = "announce"
    ASK = "ask"
    NEVER = "never"

    @property
    def strictness(self) -> int:
        """never > ask > announce."""
        return list(Mode).index(self)


class OnWithdrawal(StrEnum):
    """What becomes of the audio from before a withdrawal."""

    DISCARD = "discard"
    KEEP = "keep"


class OnLogLoss(StrEnum):
    """What a recording does when Postgres is lost under it."""

    STOP = "stop"
    KEEP = "keep"


class Category(StrEnum):
    """What a call is about; everything but general gets a script of its own and never implied consent."""

    GENERAL = "general"
    SENSITIVE = "sensitive"
    PAYMENT = "payment"
    HEALTH = "health"
    HR = "hr"
    DISPUTE = "dispute"


WITHDRAW, PAUSE = "*7", "*8"
"""The shipped sequences: *0 to *4, #, ## and #72 are transfers, parking and recorders already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallType:
    """One kind of call. `agents`: shell patterns over endpoints ("PJSIP/agent*").

    `retention_days`: finite, of the recording. `override`: the named decision under which `announce` is allowed
    although the rule says all-party. `withdraw`, `pause`: key sequences; `notice`: the prompt's id.
    """

    name: str
    purpose: str
    agents: tuple[str, ...] = ()
    mode: Mode = Mode.ASK
    internal: Mode = Mode.NEVER
    override: str = ""
    category: Category = Category.GENERAL
    language: str = "en"
    notice: str = "notice-short"
    on_withdrawal: OnWithdrawal = OnWithdrawal.DISCARD
    on_log_loss: OnLogLoss = OnLogLoss.STOP
    retention_days: int = 90
    withdraw: str = WITHDRAW
    pause: str = PAUSE

    def is_agent(self, endpoint: str) -> bool:
        """Whether ENDPOINT ("PJSIP/agent1") belongs to staff of this call type."""
        return any(fnmatchcase(endpoint, pattern) for pattern in self.agents)

    def as_data(self) -> dict[str, Any]:
        """This call type as JSON; `parse_call_type` reads it back."""
        return {**asdict(self), "agents": list(self.agents)}


UNKNOWN = CallType(name="unknown", purpose="none", mode=Mode.NEVER)
"""Stands in for a call type that the dialplan names and the policy lacks: the call goes on unrecorded."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All call types by name. `version` is the sha256 of their canonical JSON."""

    call_types: Mapping[str, CallType]
    version: str

    def find(self, name: str) -> CallType | None:
        """The call type called NAME, or None."""
        return self.call_types.get(name)


_SEQUENCE = re.compile(r"[*#][0-9*#]{1,3}")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_ENUMS: dict[str, type[StrEnum]] = {
    "mode": Mode, "internal": Mode, "category": Category, "on_withdrawal": OnWithdrawal, "on_log_loss": OnLogLoss,
}  # fmt: skip


def _text_problem(key: str, value: object) -> str:
    if not isinstance(value, str):
        return "must be text"
    if key in _ENUMS and value not in list(_ENUMS[key]):
        return f"must be one of {', '.join(_ENUMS[key])}"
    if key in ("withdraw", "pause") and not _SEQUENCE.fullmatch(value):
        return "must be * or # and one to three keys"
    return "must not be empty" if not value.strip() and key != "override" else ""


def _problem(key: str, value: object) -> str:
    """What is wrong with VALUE under KEY, or ''."""
    if key == "agents":
        fine = isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)
        return "" if fine else "must be a list of endpoint patterns"
    if key == "retention_days":
        fine = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 36500
        return "" if fine else "must be a whole number of days from 1 to 36500 (no recording is kept for ever)"
    return _text_problem(key, value)


def _contradictions(name: str, table: Mapping[str, Any]) -> list[str]:
    found = []
    withdraw, pause = str(table.get("withdraw", WITHDRAW)), str(table.get("pause", PAUSE))
    if withdraw.startswith(pause) or pause.startswith(withdraw):
        found.append(f"call_type.{name}.pause: is the same sequence as withdraw, or one begins with the other")
    if table.get("mode") == Mode.ANNOUNCE and table.get("category", "general") != Category.GENERAL:
        found.append(f"call_type.{name}.mode: announce is implied consent, which a sensitive category forbids")
    return found


def _check(name: str, table: Mapping[str, Any]) -> list[str]:
    known = {item.name for item in fields(CallType)} - {"name"}
    found = [] if _NAME.fullmatch(name) else [f"call_type.{name}: a name is lower case letters, digits, - and _"]
    found += [f"call_type.{name}.{key}: unknown key" for key in table if key not in known]
    found += [
        f"call_type.{name}.{key}: {problem}"
        for key, value in table.items()
        if key in known and (problem := _problem(key, value))
    ]
    return found + [f"call_type.{name}.purpose: is missing"] * ("purpose" not in table) + _contradictions(name, table)


def parse_call_type(name: str, table: Mapping[str, Any]) -> CallType:
    """One checked table of policy.toml as a CallType. Raises ConfigError with every problem."""
    if problems := _check(name, table):
        raise ConfigError("policy", problems)
    values: dict[str, Any] = {key: _ENUMS[key](value) if key in _ENUMS else value for key, value in table.items()}
    values["agents"] = tuple(table.get("agents", ()))
    return CallType(name=name, **values)


def parse_policy(document: Mapping[str, Any], where: str = "policy.toml") -> Policy:
    """policy.toml, already read as a mapping, as a Policy. Raises ConfigError with every problem at once."""
    problems = [f"{key}: unknown key" for key in document if key != "call_type"]
    tables = document.get("call_type", {})
    if not isinstance(tables, Mapping) or not tables:
        raise ConfigError(where, [*problems, "call_type: at least one [call_type.NAME] table is needed"])
    for name, table in tables.items():
        problems += _check(name, table) if isinstance(table, Mapping) else [f"call_type.{name}: must be a table"]
    if problems:
        raise ConfigError(where, problems)
    types = {name: parse_call_type(name, table) for name, table in tables.items()}
    return Policy(types, policy_version(types))


def policy_version(types: Mapping[str, CallType]) -> str:
    """sha256 over the canonical JSON of all call types: the same policy has the same version everywhere."""
    text = json.dumps({name: kind.as_data() for name, kind in types.items()}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
