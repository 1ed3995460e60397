"""Who is on a simulated call: what each of them was really told, really said, and may therefore really be recorded.

What belongs here: one party's standing by what happened on the line, in the words of the contract. What does not: how
callguard comes to its own view of that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from callguard.core.asking import ANSWER_WINDOW, OPT_OUT_WINDOW
from callguard.core.word import Role
from tests.core.play import STRICT

STAYED = 2.999
"""Seconds that a party has to stay on after an announcement to have agreed by that."""
NOTICE, QUESTION = 3.0, 2.0
"""Seconds that they last."""
LOOSE = {Role.AGENT, Role.PLUMBING}


@dataclass
class Party:
    """A channel and whoever is at its far end. `place`: where it is, '' where nobody knows; `hold_known`:
    a controller heard that it holds; `quiet_since`: it waits, and hears nothing; `listens`: the channel that it hears
    without being in a bridge with it.

    `asked_at`, `told_at`: when the notice began and ended in its ear; `yes_at`: when it agreed after that; `no_at`:
    when a controller heard that it refused or withdrew; `attested`: an agent says that it agreed; `agreed`: it did so
    once, in this call or another. `curious`: it wants to know more, and has not heard all of that; `put_at`: when it
    was told or asked anything last; `doubtful`: it agreed before it had heard all, or what it should agree to, or
    behind an agent's word, which is nothing or all. `said_no`: when it, or somebody for it, may have refused; `again`:
    it hears another call's notice, behind one that it heard; `sent_on_at`: when it last had to wait no more; `cut_off`:
    what it is told counts for nothing, for its controller lost the link.
    """

    channel_id: str
    role: Role
    place: str = ""
    name: str = ""
    pair: str = ""
    owner: str = ""
    alive: bool = True
    answered: bool = False
    waiting: bool = False
    waiting_since: float = 0.0
    quiet_since: float | None = None
    bridge: str = ""
    listens: str = ""
    held: bool = False
    hold_known: bool = False
    told_at: float | None = None
    asked_at: float | None = None
    yes_at: float | None = None
    no_at: float | None = None
    attested: bool = False
    agreed: bool = False
    curious: bool = False
    put_at: float = 0.0
    doubtful: bool = False
    said_no: float | None = None
    again: bool = False
    sent_on_at: float = 0.0
    cut_off: bool = False

    @property
    def where(self) -> str:
        """Its bridge, or whom it listens to."""
        return self.bridge or self.listens

    def hears(self, other: Party) -> bool:
        """Whether one of them hears the other."""
        mixed = bool(self.bridge) and self.bridge == other.bridge
        return mixed or other.channel_id in (self.pair, self.listens) or self.channel_id in (other.pair, other.listens)

    @property
    def is_unsure(self) -> bool:
        """Whether a 1 that it presses now may count for nothing."""
        return self.attested or self.curious or self.again

    def asked_anew(self) -> None:
        """Nothing that it was told, or said to that, counts any more."""
        self.asked_at = self.told_at = self.yes_at = None
        self.curious = self.doubtful = False

    @property
    def is_strict(self) -> bool:
        """Whether the law of its place wants an express answer of everybody; unknown is strict."""
        if self.role in LOOSE:
            return self.role is Role.AGENT and self.place == STRICT
        return self.place in ("", STRICT)

    def stands(self, now: float, express: bool) -> bool:
        """Whether it may be recorded. EXPRESS: staying on is not enough in this call."""
        if self.role in LOOSE:
            return True
        if self.told_at is None or (self.no_at is not None and self.no_at >= self.told_at):
            return False
        return self.yes_at is not None or (not express and now >= self.told_at + STAYED)

    def lack(self, now: float, express: bool) -> str:
        """Why it may not be recorded, '' where it may."""
        if self.stands(now, express):
            return ""
        if self.no_at is not None and (self.told_at is None or self.no_at >= self.told_at):
            return "refused"
        return "untold" if self.told_at is None else "silent"

    def may_refuse(self, now: float, express: bool) -> bool:
        """Whether a 2 is an answer: while it is told and asked."""
        if self.asked_at is None or self.cut_off or self.yes_at is not None or self.role is Role.AGENT:
            return False
        if self.told_at is None or not express:
            return self.told_at is None or now < self.told_at + OPT_OUT_WINDOW
        sent_on = self.sent_on_at > max(self.told_at, self.put_at)  # its question was cut off, and nobody asks any more
        return not sent_on and now < max(self.told_at, self.put_at + QUESTION) + ANSWER_WINDOW


def is_alone(heard: Iterable[Party]) -> bool:
    """Whether one of them has nobody to talk to: who listens only is none."""
    return sum(not party.listens for party in heard) == 1
