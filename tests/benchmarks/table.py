"""Figures as a table on the terminal.

What belongs here: percentiles and their print. What does not: what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least SHARE of VALUES do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def show(title: str, rows: Mapping[str, Sequence[float]], unit: str = "ms") -> None:
    """Each row's n, p50, p99 and extremes."""
    print(f"\n{title}\n{'':44}{'n':>6}{'min':>9}{'p50':>9}{'p99':>9}{'max':>9}  {unit}")
    for name, values in rows.items():
        figures = (min(values), percentile(values, 0.5), percentile(values, 0.99), max(values))
        print(f"{name:44}{len(values):6}" + "".join(f"{figure:9.1f}" for figure in figures))
