"""One key of a call type: what may stand there, and how it is read.

What belongs here: checks of a single value. What does not: values that contradict one another (contradiction.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from callguard.core.profile import Category, Joins, Mode, OnLogLoss, OnRefusal, OnRogue, OnWithdrawal, Override
from callguard.core.purpose import (
    Basis,
    Beeping,
    Indicator,
    NumberPolicy,
    Output,
    PauseWarning,
    Purpose,
    Trigger,
    Trim,
    Use,
)

LONGEST_DAYS = 36500
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""Names of call types, roles and vendors."""
_SEQUENCE = re.compile(r"[*#][0-9*#]{1,3}")
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_KEY = re.compile(r"[3-8]")
_NUMBER = re.compile(r"\+?[0-9]{2,15}")

Problem = Callable[[object], str]
"""What is wrong with a value, or ''."""


@dataclass(frozen=True, slots=True)
class Field:
    """`problem` judges a value; `read` makes ours of one that has none."""

    problem: Problem
    read: Callable[[Any], Any] = lambda value: value


def a_date(value: object) -> date | None:
    """VALUE as a date: TOML's own, or its ISO text as a stored policy carries it; None for anything else."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def text(value: object) -> str:
    """Text that says something."""
    return free_text(value) or ("" if str(value).strip() else "must not be empty")


def free_text(value: object) -> str:
    """Text; empty means: not said."""
    return "" if isinstance(value, str) else "must be text"


def day(value: object) -> str:
    """A date."""
    return "" if a_date(value) else "must be a date such as 2027-01-31, without quotes"


def words(kind: type[StrEnum]) -> str:
    """The words of a vocabulary, to be quoted."""
    return ", ".join(kind)


def name_list(value: object) -> str:
    """A list of names, each once."""
    listed = isinstance(value, list | tuple) and all(isinstance(item, str) and NAME.fullmatch(item) for item in value)
    return _once(value) if listed else "must be a list of names (lower case letters, digits, - and _)"


def retention(value: object) -> str:
    """Days by output."""
    if not isinstance(value, Mapping):
        return "must be a table of days by output, such as {audio = 90}"
    wrong = [str(key) for key in value if key not in list(Output)]
    if wrong:
        return f"knows no {', '.join(wrong)}: only {words(Output)}"
    endless = [key for key, days in value.items() if not _whole(days, 1, LONGEST_DAYS)]
    limit = f"must be a whole number of days from 1 to {LONGEST_DAYS} (nothing is kept for ever)"
    return f"{', '.join(endless)} {limit}" if endless else ""


def override(value: object) -> str:
    """{reason, author, expires}: all three, nothing else."""
    if value is None:
        return ""
    parts: dict[str, Problem] = {"reason": text, "author": text, "expires": day}
    if not isinstance(value, Mapping) or set(value) != set(parts):
        return "must be a table of reason, author and expires: who allows it, why, and until when"
    return "; ".join(f"{key} {found}" for key, judge in parts.items() if (found := judge(value[key])))


def purpose(value: object) -> str:
    """One code of the closed list."""
    if value is None or value == "" or value in list(Purpose):
        return ""
    return f"must be one primary purpose, of {words(Purpose)}; further uses stand in `uses`"


def _whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _once(value: object) -> str:
    assert isinstance(value, list | tuple)
    return "" if len(set(value)) == len(value) else "names something twice"


def _count(most: int, least: int = 0) -> Field:
    return Field(lambda value: "" if _whole(value, least, most) else f"must be a whole number from {least} to {most}")


def _percent(value: object) -> str:
    return "" if _whole(value, 1, 100) else "must be a whole number from 1 to 100"


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _place(value: object) -> str:
    fine = isinstance(value, str) and (value == "" or _PLACE.fullmatch(value))
    return "" if fine else "must be an ISO 3166 code such as US-TX or DE"


def _sequence(value: object) -> str:
    found = text(value)
    return found or ("" if _SEQUENCE.fullmatch(str(value)) else "must be * or # and one to three keys")


def _patterns(value: object) -> str:
    fine = isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)
    return "" if fine else "must be a list of endpoint patterns"


def _languages(value: object) -> str:
    fine = isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)
    return _once(value) if fine else "must be a list of languages"


def _language_by(key: re.Pattern[str], what: str) -> Field:
    """A table from something to a language."""

    def problem(value: object) -> str:
        if not isinstance(value, Mapping):
            return f"must be a table from {what} to a language"
        keys = all(isinstance(item, str) and key.fullmatch(item) for item in value)
        fine = keys and all(isinstance(item, str) and item for item in value.values())
        return "" if fine else f"must lead from {what} to a language"

    return Field(problem, dict)


def _one_of(kind: type[StrEnum]) -> Field:
    def problem(value: object) -> str:
        if not isinstance(value, str):
            return "must be text"
        return "" if value in list(kind) else f"must be one of {words(kind)}"

    return Field(problem, kind)


def _some_of(kind: type[StrEnum]) -> Field:
    def problem(value: object) -> str:
        fine = isinstance(value, list | tuple) and all(item in list(kind) for item in value)
        return _once(value) if fine else f"must be a list of {words(kind)}"

    return Field(problem, lambda value: tuple(map(kind, value)))


def _maybe(field: Field) -> Field:
    """None and '' mean: not said."""
    return Field(
        lambda value: "" if value is None or value == "" else field.problem(value),
        lambda value: field.read(value) if value else None,
    )


def _read_override(value: Mapping[str, Any] | None) -> Override | None:
    return value if value is None else Override(**{**value, "expires": a_date(value["expires"])})


FIELDS: Mapping[str, Field] = {
    "purpose": Field(purpose, lambda value: Purpose(value) if value else None),
    "uses": _some_of(Use),
    "unique_purpose": Field(_flag),
    "basis": _maybe(_one_of(Basis)),
    "assessment": Field(free_text),
    "review": _maybe(Field(day, a_date)),
    "owner": Field(free_text),
    "category": _one_of(Category),
    "agents": Field(_patterns, tuple),
    "mode": _one_of(Mode),
    "sample_percent": Field(_percent),
    "internal": _one_of(Mode),
    "override": Field(override, _read_override),
    "site": Field(_place),
    "hq": Field(_place),
    "number_policy": _one_of(NumberPolicy),
    "language": Field(text),
    "languages": Field(_languages, tuple),
    "language_keys": _language_by(_KEY, "a key 3 to 8 (1, 2 and 9 are answers)"),
    "language_dids": _language_by(_NUMBER, "the digits of a called number"),
    "language_countries": _language_by(_COUNTRY, "an ISO 3166 country code"),
    "notice": Field(text),
    "ask_notice": Field(text),
    "long_notice": Field(text),
    "outputs": _some_of(Output),
    "retention": Field(retention, dict),
    "listen": Field(name_list, tuple),
    "export": Field(name_list, tuple),
    "shared": Field(name_list, tuple),
    "alternative": Field(free_text),
    "must_record": Field(_flag),
    "minimum_days": _count(LONGEST_DAYS),
    "closed_days": _count(LONGEST_DAYS),
    "trim": _one_of(Trim),
    "pause_limit_s": _count(86400),
    "pause_on": _some_of(Trigger),
    "look_back_s": _count(60),
    "pause_warn_s": _count(86400),
    "pause_warning": _one_of(PauseWarning),
    "pause_reasons": Field(_flag),
    "attested": Field(_flag),
    "listeners_covered": Field(_flag),
    "remember_days": _count(3650),
    "indicator": _one_of(Indicator),
    "beep": _one_of(Beeping),
    "beep_every_s": _count(60, least=3),
    "beep_level_db": _count(-6, least=-40),
    "on_withdrawal": _one_of(OnWithdrawal),
    "on_log_loss": _one_of(OnLogLoss),
    "on_refusal": _one_of(OnRefusal),
    "on_rogue": _one_of(OnRogue),
    "joins": _one_of(Joins),
    "withdraw": Field(_sequence),
    "pause": Field(_sequence),
    "someone_else": Field(lambda value: "" if value == "" else _sequence(value)),
    "cannot_consent": Field(lambda value: "" if value == "" else _sequence(value)),
    "all_present": Field(lambda value: "" if value == "" else _sequence(value)),
    "roll_call": Field(_flag),
}
"""Every key of [call_type.NAME], but for the name itself."""
