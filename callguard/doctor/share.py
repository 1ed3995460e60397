"""What last week's calls were told: a figure, and a finding where nobody said where agents sit.

What belongs here: the share of calls that are asked. What does not: counting them (store), the rules (core).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from callguard.core.policy import Mode
from callguard.doctor.site import Anywhere, Finding, Severity, unchecked, warning
from callguard.store.share import Share


def asked(site: Anywhere) -> Iterator[Finding]:
    """How many of the last week's calls were to be asked, in all and by call type."""
    share = site.host.share
    if isinstance(share, str):
        yield unchecked("how many calls are asked", share)
        return
    if share and not site.plan.placed and all(one.nowhere and one.mode == Mode.ASK for one in share):
        what = f"{_figures(share)}: nobody said where agents sit, and whoever may be anywhere is asked"
        yield warning(what, "callguard.toml: places.agents", 'agents = { "PJSIP/*" = "US-TX" }, as it is with you')
    elif share:
        yield Finding(Severity.OK, _figures(share))


def _figures(share: Iterable[Share]) -> str:
    by_type: dict[str, list[Share]] = defaultdict(list)
    for one in share:
        by_type[one.call_type].append(one)
    parts = ", ".join(f"{name} {_of(some)}" for name, some in sorted(by_type.items()))
    return f"{_of(share)} calls of the last 7 days are asked ({parts})"


def _of(share: Iterable[Share]) -> str:
    counted = list(share)
    return f"{sum(one.calls for one in counted if one.mode == Mode.ASK)} of {sum(one.calls for one in counted)}"
