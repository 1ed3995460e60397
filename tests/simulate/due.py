"""What should have been recorded and was not: the other half of the truth. A product that never records is lawful, and
useless.

What belongs here: since when a call has been due to sound in a file, and the longest that it did not. What does not:
why it may not sound (accounts.py). It is demanded in worlds in which nothing breaks: elsewhere an incident may say why
not, and that is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callguard.core.word import Role
from tests.simulate.party import NOTICE, STAYED, Party

IN_TIME = 4.5
"""Seconds after its notice in which an answer counts for sure."""
MOST = 1.0
"""Seconds that a start or an unmask may take, with everything that has to be written down before it."""


@dataclass
class Due:
    """Of one call. `since`: from when on it was due and nothing sounded; `longest`: so many seconds, at most."""

    since: float | None = None
    longest: float = 0.0

    def look(self, now: float, *, due: bool) -> None:
        """DUE: it should sound, and does not."""
        if self.since is not None:
            self.longest = max(self.longest, now - self.since)
        self.since = (now if self.since is None else self.since) if due else None


def is_plain(far: str, heard: Sequence[Party], now: float, *, asks: bool) -> bool:
    """Whether everybody here is of this call, and agreed in a way that leaves no doubt about it. ASKS: the rule may
    have grown, and does not relax: it takes a word."""
    return all(party.owner == far and (party.role is Role.AGENT or _agreed(party, now, asks=asks)) for party in heard)


def _agreed(party: Party, now: float, *, asks: bool) -> bool:
    """Who heard another party's notice, or another call's, may be told anew: nothing before that counts for sure."""
    if party.yes_at is None or party.told_at is None:
        return _clear(party) and not asks and now >= party.put_at + NOTICE + STAYED
    return _clear(party) and party.put_at <= party.yes_at <= party.told_at + IN_TIME


def _clear(party: Party) -> bool:
    return party.answered and party.no_at is None and not (party.attested or party.doubtful or party.again)
