"""The command line of the simulation: `python -m tests.simulate --seed N --calls M`.

What belongs here: arguments, what is printed, the exit status: 0 nothing found, 1 a violation, 2 arguments that make no
sense. What does not: worlds (run.py).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from tests.simulate.defect import DEFECTS
from tests.simulate.run import Found, many

MOST = 2**63
SHOWN_EVERY = 10_000
"""Worlds after which a terminal is told how far it is."""


def main(words: Sequence[str] | None = None) -> int:
    """Play worlds SEED to SEED + CALLS - 1: one call each, and a second one in some."""
    asked = _arguments(words)
    found = Found()
    plays = many(
        asked.seed, asked.calls, asked.processes, trace=asked.trace, defect=asked.defect or "", crash=asked.crash
    )
    for part in plays:
        found.merge(part)
        for line in part.lines:
            print(line)
        if sys.stderr.isatty() and found.worlds % SHOWN_EVERY == 0:
            print(f"{found.worlds} of {asked.calls}", file=sys.stderr)
    print(found.summary())
    return 1 if found.kinds else 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description="Play calls in simulated worlds.")
    parser.add_argument("--seed", type=_number, default=1, metavar="N", help="the first world's seed (default 1)")
    parser.add_argument("--calls", type=_number, default=1000, metavar="M", help="how many worlds (default 1000)")
    parser.add_argument("--processes", type=_number, default=os.cpu_count() or 1, metavar="P", help="side by side")
    parser.add_argument("--crash", type=_number, default=0, metavar="K", help="kill the controller after K callbacks")
    parser.add_argument("--defect", choices=sorted(DEFECTS), help="plant a defect: the simulation has to find it")
    parser.add_argument("--trace", action="store_true", help="print what happens, as it happens")
    asked = parser.parse_args(words)
    if asked.calls < 1 or asked.processes < 1:
        parser.error("--calls, --processes: at least 1")
    return asked


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) >= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
