"""Mailboxes that send what they record by mail: a copy in an inbox is under no control, no key and no retention.

What belongs here: voicemail.conf, also as FreePBX writes it. What does not: the mail server. Asterisk attaches what it
recorded unless it is told otherwise, in [general] or at the mailbox.
"""

from __future__ import annotations

from collections.abc import Iterator

from callguard.lint.finding import Finding, warning
from callguard.lint.tree import Entry, Section, Tree

_APART = ("general", "zonemessages")
_OFF = ("no", "false", "off", "0", "n", "f")


def mailed(tree: Tree) -> Iterator[Finding]:
    """Mailboxes with an address whose messages are attached."""
    sections = tree.beside.get("voicemail", [])
    usual = _value([entry for section in sections if section.name == "general" for entry in section.entries])
    for section in sections:
        for entry in section.entries:
            if _is_mailed(section, entry, usual):
                text = "the messages of this mailbox are attached to a mail: copies that nobody can delete in time"
                yield warning("mailed", entry.place, text, "attach=no: the mail only says that there is a message")


def _value(entries: list[Entry]) -> str:
    return next((entry.value for entry in reversed(entries) if entry.name.lower() == "attach"), "yes")


def _is_mailed(section: Section, entry: Entry, usual: str) -> bool:
    """MAILBOX => password,name,mail address,pager address,options that | separates."""
    parts = [part.strip() for part in entry.value.split(",", 4)]
    if section.name in _APART or len(parts) < 3 or "@" not in parts[2]:
        return False
    options = dict(option.partition("=")[::2] for option in (parts[4] if len(parts) > 4 else "").split("|"))
    return options.get("attach", usual).strip().lower() not in _OFF
