"""What a policy still lacks before calls may be recorded under it. A stored policy may lack any of it, and is read.

What belongs here: missing and expired parts, given a day. What does not: wrong values (field.py), scripts (further
findings are handed in).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from callguard.core.jurisdiction import RulePack
from callguard.core.place import is_place
from callguard.core.policy import CallType, Policy

TO_FILL = "TO FILL IN"
"""Stands where only the admin knows the words; counts as missing."""

_NEEDED: dict[str, tuple[Callable[[CallType], object], str]] = {
    "purpose": (lambda kind: kind.purpose, "why calls are recorded: one code"),
    "basis": (lambda kind: kind.basis, "the lawful basis of that purpose"),
    "assessment": (lambda kind: _said(kind.assessment), "where the assessment of that basis is kept"),
    "review": (lambda kind: kind.review, "the date by which that assessment is looked at again"),
    "owner": (lambda kind: _said(kind.owner), "who answers for this call type"),
    "listen": (lambda kind: kind.listen, "the roles that may listen"),
    "alternative": (lambda kind: _said(kind.alternative), "the channel that who declines may use instead"),
    "sample_percent": (
        lambda kind: kind.sample_percent == 100 or not kind.must_record,
        "all calls, 100, where calls must be recorded",
    ),
    "pause_limit_s": (
        lambda kind: kind.pause_limit_s or not kind.must_record,
        "after how many seconds a pause ends by itself, where calls must be recorded",
    ),
}


def incomplete(policy: Policy, today: date) -> list[str]:
    """Every missing or expired part of POLICY on TODAY, as "dotted.key: what is missing", all call types at once."""
    kinds = [kind for kind in policy.call_types.values() if kind.records]
    found = [*_organisation(policy)] if kinds else []
    for kind in kinds:
        found += [f"call_type.{kind.name}.{problem}" for problem in _missing(kind, today)]
    return found + [*_vendors(policy, today)]


def incomplete_beside(policy: Policy, problems: Sequence[str], today: date) -> list[str]:
    """As `incomplete`, beside PROBLEMS ("dotted.key: what is wrong") of POLICY: what is wrong is not missing too."""
    wrong = tuple(f"{problem.partition(': ')[0]}." for problem in problems)
    return [line for line in incomplete(policy, today) if not any(key.startswith(wrong) for key in _keys(line))]


def _keys(line: str) -> Iterator[str]:
    """The key that LINE is about, and the one that it may be inherited from."""
    key = f"{line.partition(': ')[0]}."
    yield key
    if key.startswith("call_type."):
        yield f"default.{key.split('.', 2)[2]}"


def doubtful(policy: Policy, pack: RulePack, today: date) -> list[str]:
    """What POLICY says that has no effect any more, or never had: overrides that ended, places that are none.

    The strictest rule stands in their stead, so that a controller may go on with it; nobody may put it into force anew.
    """
    return [
        f"call_type.{kind.name}.{problem}"
        for kind in policy.call_types.values()
        if kind.records
        for problem in (*_ended(kind, today), *_nowhere(kind, pack))
    ]


def _ended(kind: CallType, today: date) -> Iterator[str]:
    if kind.override and not kind.override_at(today):
        yield f"override: ended on {kind.override.expires} and has no effect: have it decided anew, or take it out"


def _nowhere(kind: CallType, pack: RulePack) -> Iterator[str]:
    for key, code in (("site", kind.site), ("hq", kind.hq)):
        if code and not is_place(code, pack):
            yield f"{key}: {code} is no place that the rules know, and counts as unknown (Texas is US-TX)"


def objections(policy: Policy, today: date, further: Sequence[str] = ()) -> list[str]:
    """Why POLICY must not be put into force on TODAY: what is missing, then FURTHER findings."""
    return [*incomplete(policy, today), *further]


def _said(value: str) -> bool:
    return bool(value.strip()) and TO_FILL not in value


def _organisation(policy: Policy) -> Iterator[str]:
    if not _said(policy.organisation.name):
        yield "organisation.name: is missing: who records"
    if not _said(policy.organisation.contact):
        yield "organisation.contact: is missing: where a caller may ask"


def _missing(kind: CallType, today: date) -> Iterator[str]:
    for key, (value, what) in _NEEDED.items():
        if not value(kind):
            yield f"{key}: is missing: {what}"
    if kind.review and kind.review < today:
        yield f"review: was due on {kind.review}: look at the assessment again and set the next date"
    for output in kind.outputs:
        if output not in kind.retention:
            yield f"retention.{output}: is missing: how many days it is kept"


def _vendors(policy: Policy, today: date) -> Iterator[str]:
    """Whoever hears something needs a reason and an access that has not ended."""
    used = {name for kind in policy.call_types.values() if kind.records for name in kind.shared}
    for name in sorted(used & policy.vendors.keys()):
        vendor = policy.vendors[name]
        if not _said(vendor.what):
            yield f"vendor.{name}.what: is missing: what this vendor does with recordings"
        if vendor.until and vendor.until < today:
            yield f"vendor.{name}.until: ended on {vendor.until}: take it out of shared, or agree on a new date"
