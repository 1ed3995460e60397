"""Drift: whether something goes wrong in more of some calls than it used to, since which day, and what changed before.

What belongs here: rates, the limit, the first day beyond it. What does not: where calls and incidents come from, who is
told (cli/drift.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from math import exp, lgamma, log, log1p, sqrt
from typing import Any

CHANCE = 0.00135
"""How likely chance alone may make it before it counts as drift: that of three standard deviations, on one side."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A call that began `at`: of which group it is, and the kinds of incident that it has."""

    at: datetime
    group: str
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was put into force: `kind` and `version` as in the register."""

    at: datetime
    kind: str
    version: str


@dataclass(frozen=True, slots=True)
class Point:
    """A day of the control chart: calls, those with the incident, and the rate above which it is out of control."""

    day: date
    calls: int
    wrong: int
    limit: float

    @property
    def is_out(self) -> bool:
        """Whether the day lies above its limit."""
        return self.calls > 0 and self.wrong / self.calls > self.limit


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of incident in one group. `before`, `now`: (calls with it, calls) until and since the moment asked
    about; `chance`: how likely `now` is if nothing changed; `since`: the first day above its limit, `change`: what was
    put into force last before its first call that went wrong."""

    group: str
    kind: str
    before: tuple[int, int]
    now: tuple[int, int]
    chance: float
    points: tuple[Point, ...]
    since: date | None = None
    change: Change | None = None

    @property
    def is_drift(self) -> bool:
        """Whether more goes wrong than chance explains."""
        return self.chance < CHANCE

    def as_data(self) -> dict[str, Any]:
        """This series as JSON."""
        return asdict(self) | {"drift": self.is_drift}


def series(
    seen: Sequence[Seen], recent: datetime, changes: Iterable[Change] = (), *, versions: bool = False
) -> list[Series]:
    """Every kind of incident in every group of SEEN, drift first. RECENT: from when on a rate is held against the one
    before. VERSIONS: groups follow one another; one without a past is held against that of all."""
    groups: dict[str, list[Seen]] = defaultdict(list)
    for call in seen:
        groups[call.group].append(call)
    order = sorted(changes, key=lambda change: change.at)
    past = [call for call in seen if call.at < recent]
    found = [
        _series(group, kind, calls, recent, order, past if versions else [])
        for group, calls in groups.items()
        for kind in sorted(frozenset[str]().union(*(call.kinds for call in calls)))
    ]
    return sorted(found, key=lambda one: (not one.is_drift, one.group, one.kind))


def first_of_each(versions: Iterable[tuple[datetime, str]], kind: str) -> Iterator[Change]:
    """Every version but the first, from the first call that came by it. VERSIONS: of calls, in no order; '' is none."""
    seen: set[str] = set()
    for at, version in sorted(versions):
        if version and version not in seen:
            if seen:
                yield Change(at, kind, version)
            seen.add(version)


def _series(
    group: str, kind: str, calls: Sequence[Seen], recent: datetime, changes: Sequence[Change], past: Sequence[Seen]
) -> Series:
    """PAST: against what a group without a past of its own is held."""
    before = [call for call in calls if call.at < recent] or past
    now = [call for call in calls if call.at >= recent]
    wrong, wrong_now = _wrong(kind, before), _wrong(kind, now)
    rate = (wrong + 1) / (len(before) + 2)  # that nothing went wrong yet is not that nothing can
    chance = tail(len(now), wrong_now, rate)
    points = tuple(_points(kind, calls, rate))
    since = next((point.day for point in points if point.is_out and point.day >= recent.astimezone(UTC).date()), None)
    first = min((call.at for call in now if kind in call.kinds), default=None)
    earlier = [change for change in changes if first is not None and change.at <= first]
    drifts = chance < CHANCE
    return Series(
        group=group,
        kind=kind,
        before=(wrong, len(before)),
        now=(wrong_now, len(now)),
        chance=chance,
        points=points,
        since=(since or recent.astimezone(UTC).date()) if drifts else None,
        change=earlier[-1] if drifts and earlier else None,
    )


def _wrong(kind: str, calls: Iterable[Seen]) -> int:
    return sum(kind in call.kinds for call in calls)


def _points(kind: str, calls: Iterable[Seen], rate: float) -> Iterator[Point]:
    days: dict[date, Counter[bool]] = defaultdict(Counter)
    for call in calls:
        days[call.at.astimezone(UTC).date()][kind in call.kinds] += 1
    for day in sorted(days):
        count = days[day].total()
        yield Point(day, count, days[day][True], rate + 3 * sqrt(rate * (1 - rate) / count))


def tail(calls: int, wrong: int, rate: float) -> float:
    """How likely it is that WRONG or more of so many CALLS go wrong, each with the probability RATE (0 < RATE < 1)."""
    if wrong == 0:
        return 1.0
    below = sum(exp(_log_chance(calls, each, rate)) for each in range(wrong))
    return max(0.0, 1.0 - below)


def _log_chance(calls: int, wrong: int, rate: float) -> float:
    ways = lgamma(calls + 1) - lgamma(wrong + 1) - lgamma(calls - wrong + 1)
    return ways + wrong * log(rate) + (calls - wrong) * log1p(-rate)
