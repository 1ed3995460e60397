"""Channel drivers that Asterisk no longer has: what dials through them reaches nobody.

What belongs here: Dials that name such a driver. What does not: who is asked before them (notice.py, outbound.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from callguard.lint.finding import Finding, warning
from callguard.lint.flow import calls
from callguard.lint.graph import Graph

GONE = {"SIP": 21, "MGCP": 21, "SKINNY": 21}
"""Technologies as Dial names them, and the first Asterisk without: chan_sip, chan_mgcp and chan_skinny left with 21."""
_DIALS = ("dial", "retrydial", "originate", "page")
_DIALLED = re.compile(rf"(?:^|[&,])\s*({'|'.join(GONE)})/", re.IGNORECASE)


def gone(graph: Graph) -> Iterator[Finding]:
    """Each line that dials through a driver that newer versions lack."""
    for step in graph.plan.steps():
        if "/" not in step.data:
            continue
        for one in calls(step, graph.plan):
            hit = _DIALLED.search(one.data) if one.app in _DIALS else None
            if hit:
                driver = hit[1].upper()
                text = f"{one.name} through {driver}/: Asterisk {GONE[driver]} and newer have no chan_{driver.lower()}"
                yield warning("driver-gone", step.place, text, "PJSIP/ and an endpoint of pjsip.conf")
