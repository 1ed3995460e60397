"""The statements of queries.sql, by name.

What belongs here: reading that file. What does not: running it (postgres.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType


def parse(text: str) -> Mapping[str, bytes]:
    """Statements by name: each follows a line "-- name: x"; other comment lines are left out."""
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    names, bodies = parts[1::2], parts[2::2]
    return MappingProxyType({name: _statement(body) for name, body in zip(names, bodies, strict=True)})


def _statement(body: str) -> bytes:
    return "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip().encode()


QUERIES = parse(files("callguard.store").joinpath("queries.sql").read_text("utf-8"))
