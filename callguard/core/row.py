"""One jurisdiction's row: what it asks of a recording, how sure we are, and who says so.

What belongs here: the columns, their values, and which of two rows asks for more. What does not: finding the rows of a
place (jurisdiction.py), merging those of a call (strictest.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class Consent(StrEnum):
    """Whose consent, weakest first: for an organisation that records a call it takes part in."""

    ONE_PARTY = "one_party"
    ALL_PARTY = "all_party"


class Beep(StrEnum):
    """Whether a periodic tone alone is enough, weakest first; `na`: no notice is needed."""

    NA = "na"
    YES = "yes"
    NO = "no"


class Confidence(StrEnum):
    """How sure the row is, surest first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Disputed(StrEnum):
    """Whether sources disagree. Where they do, the row is the stricter reading."""

    NO = "no"
    MINOR = "minor"
    YES = "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of jurisdictions.csv; fields are its columns.

    `iso_code`: ISO 3166 (US-CA is California, CA is Canada); ZZ and XX-ZZ stand for places that are not known.
    `notice_suffices`: whether staying on after a notice is consent: yes, no, na. `special`: words or key=value.
    """

    iso_code: str
    name: str
    consent: Consent
    express_required: bool
    notice_required: bool
    beep_ok: Beep
    citation: str
    note: str
    source: str
    disputed: Disputed
    consent_label: str
    notice_suffices: str
    announce_recorded: bool
    purpose_required: bool
    lawful_basis: str
    special: tuple[str, ...]
    confidence: Confidence

    @property
    def strictness(self) -> tuple[int, ...]:
        """What is asked for, as numbers of which more is stricter: consent, express, notice, tone, announcement,
        purpose.
        """
        return (
            list(Consent).index(self.consent),
            int(self.express_required),
            int(self.notice_required),
            list(Beep).index(self.beep_ok),
            int(self.announce_recorded),
            int(self.purpose_required),
        )

    def covers(self, other: Row) -> bool:
        """Whether this row asks for at least what OTHER asks for, in every respect."""
        return all(mine >= theirs for mine, theirs in zip(self.strictness, other.strictness, strict=True))

    def as_data(self) -> dict[str, str]:
        """The cells, as in the CSV file; `parse_row` reads them back."""
        return {name: _cell(getattr(self, name)) for name in COLUMNS}


COLUMNS = tuple(item.name for item in fields(Row))
FLAGS = ("express_required", "notice_required", "announce_recorded", "purpose_required")
WORDS: Mapping[str, tuple[str, ...]] = {
    "consent": tuple(Consent),
    "beep_ok": tuple(Beep),
    "notice_suffices": ("yes", "no", "na"),
    "confidence": tuple(Confidence),
    "disputed": tuple(Disputed),
    **{flag: ("yes", "no") for flag in FLAGS},
}
"""The columns that take one of a few words; all others are text."""
CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ";".join(value) if isinstance(value, tuple) else str(value)


def cell_problem(column: str, value: object) -> str:
    """What is wrong with VALUE under COLUMN, or ''."""
    if not isinstance(value, str):
        return "must be text"
    if column in WORDS and value not in WORDS[column]:
        return f"must be one of {', '.join(WORDS[column])}"
    if column == "iso_code" and not CODE.fullmatch(value):
        return "must be a code like CA (Canada) or US-CA (California)"
    return ""


def row_problems(cells: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with a row's CELLS, one "column: what" each."""
    found = [f"{column}: is missing" for column in COLUMNS if column not in cells]
    found += [f"{column}: unknown column" for column in cells if column not in COLUMNS]
    found += [
        f"{column}: {problem}"
        for column in COLUMNS
        if column in cells and (problem := cell_problem(column, cells[column]))
    ]
    return found or _contradictions(cells)


def _contradictions(cells: Mapping[str, str]) -> list[str]:
    found = []
    if (cells["beep_ok"] == Beep.NA) != (cells["notice_required"] == "no"):
        found.append("beep_ok: na goes with notice_required no, and only with it")
    if cells["express_required"] == "yes" and cells["notice_required"] == "no":
        found.append("express_required: nobody can agree without a notice (notice_required)")
    return found


def parse_row(cells: Mapping[str, str]) -> Row:
    """The row of CELLS, in which `row_problems` finds nothing."""
    values: dict[str, Any] = {**cells, **{flag: cells[flag] == "yes" for flag in FLAGS}}
    values["consent"], values["beep_ok"] = Consent(cells["consent"]), Beep(cells["beep_ok"])
    values["confidence"], values["disputed"] = Confidence(cells["confidence"]), Disputed(cells["disputed"])
    values["special"] = tuple(part.strip() for part in cells["special"].split(";") if part.strip())
    return Row(**values)


def raised(row: Row, others: tuple[Row, ...]) -> Row:
    """ROW, asking for at least what each of OTHERS asks for."""
    most = tuple(max(levels) for levels in zip(*(item.strictness for item in (row, *others)), strict=True))
    consent, express, notice, beep, announce, purpose = most
    cells = {
        "consent": list(Consent)[consent].value,
        "express_required": _cell(bool(express)),
        "notice_required": _cell(bool(notice)),
        "beep_ok": list(Beep)[beep].value,
        "announce_recorded": _cell(bool(announce)),
        "purpose_required": _cell(bool(purpose)),
    }
    return parse_row({**row.as_data(), **cells})
