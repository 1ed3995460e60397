"""Text of somebody else's: whether it can be written down, and how it is shown.

What belongs here: checks of single characters that every part needs. What does not: quoting for a shell, SQL or HTML,
which whoever writes those does.
"""

from __future__ import annotations


def is_utf8(text: str) -> bool:
    """Whether TEXT is characters alone: a byte of a command line that is no UTF-8 arrives as half of one."""
    return text.encode(errors="ignore").decode() == text


def printable(text: str) -> str:
    """TEXT without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else "?" for char in text)
