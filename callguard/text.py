"""Text of somebody else's: whether it can be written down, how it is shown, and what it says as TOML.

What belongs here: what every part needs of it. What does not: quoting for a shell, SQL or HTML, which whoever writes
those does.
"""

from __future__ import annotations

import tomllib
from typing import Any


def is_utf8(text: str) -> bool:
    """Whether TEXT is characters alone: a byte of a command line that is no UTF-8 arrives as half of one."""
    return text.encode(errors="ignore").decode() == text


def printable(text: str) -> str:
    """TEXT without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else "?" for char in text)


def toml(text: str) -> dict[str, Any]:
    """TEXT as a mapping. Raises ValueError with what is wrong, and where."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {error}") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
