"""What a lint run says: places and findings.

What belongs here: frozen values, and the two ways to make a finding. What does not: any rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Worst first. A blocker: somebody is recorded, or left unasked, outside of what callguard promises."""

    BLOCKER = "blocker"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file, from 1. Line 0: the file as a whole."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule`: the rule's id; `text`: one sentence, without numbers that people dial; `fix`: what to write instead."""

    place: Place
    severity: Severity
    rule: str
    text: str
    fix: str

    def as_data(self) -> dict[str, str | int]:
        """This finding as it stands in the JSON document."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "severity": self.severity.value,
            "rule": self.rule,
            "text": self.text,
            "fix": self.fix,
        }


def blocker(rule: str, place: Place, text: str, fix: str) -> Finding:
    """Calls are recorded or connected otherwise than promised."""
    return Finding(place, Severity.BLOCKER, rule, text, fix)


def warning(rule: str, place: Place, text: str, fix: str) -> Finding:
    """Weak, hidden from this reader, or about to break."""
    return Finding(place, Severity.WARNING, rule, text, fix)
