"""Figures that the trials take: one a line, printed with `pytest -rA` or into the file that LIVE_FIGURES names.

What belongs here: writing them down. What does not: what they must be (the tests).
"""

from __future__ import annotations

import os
from pathlib import Path


def note(what: str, seconds: float) -> None:
    """WHAT took so many SECONDS."""
    line = f"{what}: {seconds * 1000:.0f} ms"
    print(line)
    if name := os.environ.get("LIVE_FIGURES"):
        with Path(name).open("a") as file:
            file.write(f"{line}\n")
