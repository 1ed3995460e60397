"""policy.toml: all call types, who records, who else hears. Parsing is pure: a mapping in, frozen values out.

What belongs here: the document as a whole. What does not: one call type (profile.py), one value (field.py), what is
missing (complete.py), reading files (settings.py), the law (rules.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from callguard.core.contradiction import contradictions
from callguard.core.field import FIELDS, NAME, Field, a_date, day, free_text
from callguard.core.profile import (
    PAUSE,
    UNKNOWN,
    WITHDRAW,
    CallType,
    Category,
    Joins,
    Mode,
    OnLogLoss,
    OnRefusal,
    OnRogue,
    OnWithdrawal,
    Override,
)
from callguard.errors import ConfigError

__all__ = [
    "PAUSE", "UNKNOWN", "WITHDRAW", "CallType", "Category", "Joins", "Mode", "OnLogLoss", "OnRefusal", "OnRogue",
    "OnWithdrawal",
    "Organisation", "Override", "Policy", "Vendor", "parse_call_type", "parse_policy", "policy_version",
    "read_policy_leniently", "stored_call_type",
]  # fmt: skip

SECTIONS = ("organisation", "vendor", "default", "call_type")
"""The tables of policy.toml."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who records. `contact`: where a caller may ask; both are said by the long notice."""

    name: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Vendor:
    """Another who hears or keeps recordings. `what`: what for; `until`: the last day of its access, None: open."""

    what: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """All call types by name. `version` is the sha256 of the canonical JSON of all of it."""

    call_types: Mapping[str, CallType]
    version: str
    organisation: Organisation = Organisation()
    vendors: Mapping[str, Vendor] = field(default_factory=dict)

    def find(self, name: str) -> CallType | None:
        """The call type called NAME, or None."""
        return self.call_types.get(name)

    @property
    def stops_rogues(self) -> bool:
        """Whether somebody else's recorder is stopped on a channel of no call: where every call type says so."""
        return all(kind.on_rogue is OnRogue.STOP for kind in self.call_types.values())

    def as_data(self) -> dict[str, Any]:
        """All of it as JSON; `parse_policy` reads it back. What was inherited stands in each call type."""
        return _data(self.call_types, self.organisation, self.vendors)


_ORGANISATION = {"name": Field(free_text), "contact": Field(free_text)}
_VENDOR = {
    "what": Field(free_text),
    "until": Field(lambda value: "" if value is None else day(value), a_date),
}
_BEFORE = ("retention_days", "override", "purpose")
"""Keys that call types of release 0.1 wrote otherwise."""
_THEN: Mapping[str, Any] = {"pause_on": [], "look_back_s": 0, "pause_warn_s": 0, "pause_reasons": False}
"""Keys that stored call types may lack, as what they stand for was when there was nothing to say."""


def parse_call_type(name: str, table: Mapping[str, Any]) -> CallType:
    """One table of policy.toml as a CallType. Raises ConfigError with every problem."""
    kind, problems = _call_type(name, table, {})
    if problems:
        raise ConfigError("policy", problems)
    return kind


def stored_call_type(name: str, data: Mapping[str, Any]) -> CallType:
    """The call type that the head of a stored call carries, by this release or an earlier one. Raises ConfigError."""
    table = {**_THEN, **{key: value for key, value in data.items() if key != "name"}}
    return parse_call_type(name, _as_now(table) if "retention_days" in table else table)


def _as_now(table: Mapping[str, Any]) -> dict[str, Any]:
    """What an earlier release wrote. Its purposes were free text, which no code stands for: not said. Its overrides
    had no author and no end."""
    days, decision, purpose = (table.get(key) for key in _BEFORE)
    now = {key: value for key, value in table.items() if key not in _BEFORE}
    now["retention"] = {"audio": days}
    if not isinstance(purpose, str):
        now["purpose"] = purpose
    if decision:
        now["override"] = {"reason": decision, "author": "not recorded", "expires": date.max}
    return now


def parse_policy(document: Mapping[str, Any], where: str = "policy.toml") -> Policy:
    """policy.toml, already read as a mapping, as a Policy. Raises ConfigError with every problem at once."""
    policy, problems = read_policy_leniently(document)
    if problems:
        raise ConfigError(where, problems)
    return policy


def read_policy_leniently(document: Mapping[str, Any]) -> tuple[Policy, list[str]]:
    """What DOCUMENT says, and every problem; a value that is wrong counts as not said."""
    problems = [f"{key}: unknown key" for key in document if key not in SECTIONS]
    tables = document.get("call_type", {})
    if not isinstance(tables, Mapping) or not tables:
        return Policy({}, ""), [*problems, "call_type: at least one [call_type.NAME] table is needed"]
    owner, wrong = _read("organisation", document.get("organisation", {}), _ORGANISATION)
    vendors, wrong_vendors = _vendors(document.get("vendor", {}))
    types, wrong_types = _call_types(tables, document.get("default", {}))
    problems += [*wrong, *wrong_vendors, *wrong_types, *_strangers(types, vendors), *_not_unique(types)]
    organisation = Organisation(**owner)
    return Policy(types, policy_version(types, organisation, vendors), organisation, vendors), problems


def policy_version(
    types: Mapping[str, CallType],
    organisation: Organisation = Organisation(),
    vendors: Mapping[str, Vendor] | None = None,
) -> str:
    """sha256 over the canonical JSON of all of it: the same policy has the same version everywhere."""
    text = json.dumps(_data(types, organisation, vendors or {}), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _data(types: Mapping[str, CallType], organisation: Organisation, vendors: Mapping[str, Vendor]) -> dict[str, Any]:
    tables = {
        name: {key: value for key, value in kind.as_data().items() if key != "name"} for name, kind in types.items()
    }
    others = {
        name: {"what": vendor.what, "until": vendor.until.isoformat() if vendor.until else None}
        for name, vendor in vendors.items()
    }
    whose = {"name": organisation.name, "contact": organisation.contact}
    return {"organisation": whose, "vendor": others, "call_type": tables}


def _read(place: str, table: object, known: Mapping[str, Field]) -> tuple[dict[str, Any], list[str]]:
    """What TABLE says as values of ours, and every problem under PLACE."""
    if not isinstance(table, Mapping):
        return {}, [f"{place}: must be a table"]
    wrong = {key: "unknown key" for key in table if key not in known}
    wrong |= {key: problem for key, value in table.items() if key in known and (problem := known[key].problem(value))}
    values = {key: known[key].read(value) for key, value in table.items() if key not in wrong}
    return values, [f"{place}.{key}: {problem}" for key, problem in wrong.items()]


def _vendors(tables: object) -> tuple[dict[str, Vendor], list[str]]:
    if not isinstance(tables, Mapping):
        return {}, ["vendor: must be tables [vendor.NAME]"]
    vendors, problems = {}, []
    for name, table in tables.items():
        values, wrong = _read(f"vendor.{name}", table, _VENDOR)
        vendors[name] = Vendor(**values)
        problems += wrong + _misnamed(f"vendor.{name}", name)
    return vendors, problems


def _call_types(tables: Mapping[str, Any], default: object) -> tuple[dict[str, CallType], list[str]]:
    """Every call type with what it inherits. A problem of the default is told once, not with each that inherits it."""
    shared, problems = _read("default", default, FIELDS)
    types = {}
    for name, table in tables.items():
        types[name], wrong = _call_type(name, table, shared)
        problems += wrong
    return types, problems


def _call_type(name: str, table: object, shared: Mapping[str, Any]) -> tuple[CallType, list[str]]:
    place = f"call_type.{name}"
    values, problems = _read(place, table, FIELDS)
    kind = CallType(name=name, **{**shared, **values})
    unread = frozenset(table) - frozenset(values) if isinstance(table, Mapping) else frozenset(FIELDS)
    problems += [f"{place}.{key}: {problem}" for key, problem in contradictions(kind, unread)]
    return kind, _misnamed(place, name) + problems


def _misnamed(place: str, name: str) -> list[str]:
    return [] if NAME.fullmatch(name) else [f"{place}: a name is lower case letters, digits, - and _"]


def _strangers(types: Mapping[str, CallType], vendors: Mapping[str, Vendor]) -> Iterator[str]:
    for name, kind in types.items():
        for vendor in kind.shared:
            if vendor not in vendors:
                yield f"call_type.{name}.shared: names {vendor}, which has no [vendor.{vendor}]"


def _not_unique(types: Mapping[str, CallType]) -> Iterator[str]:
    """Call types with a purpose that another one claims for itself alone."""
    alone = [name for name, kind in types.items() if kind.unique_purpose and kind.purpose]
    for first in alone:
        for second, kind in types.items():
            if second != first and kind.purpose is types[first].purpose:
                yield f"call_type.{first}.unique_purpose: {kind.purpose} is the purpose of call_type.{second} too"
