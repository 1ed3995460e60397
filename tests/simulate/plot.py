"""What people do in a world: who calls, what they answer, who joins and leaves, and when everybody has gone.

What belongs here: people and the dialplan. What does not: what breaks meanwhile (fault.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from callguard.core.events import Action, Script
from callguard.core.word import Role
from tests.core.play import FIRM, MILD, STRICT
from tests.simulate.accounts import CallTruth
from tests.simulate.exchange import Exchange, Prompt
from tests.simulate.party import Party
from tests.simulate.world import World

MOST_PARTIES = 8
KINDS = ("support", "support", "support", "keeping", "spooled", "announced", "announced", "announced")
PLACES = (MILD, MILD, MILD, MILD, MILD, FIRM, FIRM, STRICT, "")
TEMPERS = ("yes",) * 14 + ("no", "no", "silent", "silent", "early", "late", "more", "gone", "gone", "storm")


ASKED = (Role.FAR, Role.GUEST)


@dataclass
class Plot:
    """The people of one world. `ends_at`: when they all hang up, at the latest."""

    world: World
    chance: Random
    ends_at: float = 0.0
    calls: list[str] = field(default_factory=list)
    tempers: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        """Listen to what is played, and to who is sent on."""
        self.there: Exchange = self.world.exchange
        self.there.on_prompt, self.there.left = self._prompted, self._left
        self.after = self.world.time.after

    def between(self, least: float, most: float) -> float:
        """Some time."""
        return least + (most - least) * self.chance.random()

    def pick(self, *choices: Any) -> Any:
        """One of them."""
        return choices[int(self.chance.random() * len(choices))]

    # ------------------------------------------------------------ calls
    def call(self, at: float) -> None:
        """A caller will call."""
        number = len(self.calls) + 1
        far = f"far{number}"
        self.calls.append(far)
        self.ends_at = max(self.ends_at, at + self.between(4.0, 22.0))
        self.after(at, self._arrives, far, number)

    def _arrives(self, far: str, number: int) -> None:
        kind, place = self.pick(*KINDS), self.pick(*PLACES)
        party = Party(far, Role.FAR, place, f"PJSIP/trunk-{number:08x}", owner=far, answered=self.chance.random() < 0.7)
        self.tempers[far] = self.pick(*TEMPERS)
        express = kind != "announced" or place in ("", STRICT)
        self.world.accounts.calls[far] = CallTruth(far, express, law=place in ("", STRICT), kind=kind)
        self.world.book.add("calls")
        self.there.create(party)
        waits = self.chance.random() < 0.93
        if not waits:
            party.answered = True
        args = ("1", kind, "inbound", f"linked{number}")
        self.there.enter(far, args, waits=waits, taken=self.world.takes_calls)
        if not waits:
            self._left(far)

    def _left(self, channel_id: str) -> None:
        """It goes on in the dialplan: an agent is called."""
        party = self.there.parties[channel_id]
        if party.role is Role.FAR and party.alive and not party.bridge:
            self.after(self.between(0.05, 0.3), self._agent, channel_id)

    def _agent(self, far: str) -> None:
        party = self.there.parties[far]
        if not party.alive or party.waiting:
            return
        place = STRICT if self.chance.random() < 0.04 else ""
        agent = self.somebody(Role.AGENT, far, place)
        self.there.dial(far, agent)
        self.after(self.between(0.1, 1.5), self._picks_up, agent, far)

    def _picks_up(self, agent: str, far: str) -> None:
        if not self.there.parties[far].alive:
            self.there.hang_up(agent)
            return
        self.there.answer(agent)
        self.there.answer(far)
        self.there.join(agent, f"b-{far}")
        self.there.join(far, f"b-{far}")
        for _ in range(int(self.chance.random() * 4)):
            self.after(self.between(0.0, 7.0), self._happens, far, agent)

    def somebody(self, role: Role, far: str, place: str = "", name: str = "") -> str:
        """One more channel of a call."""
        self.count += 1
        kind = "agent" if role is Role.AGENT else "guest"
        channel_id = f"{kind}{self.count}"
        name = name or f"PJSIP/{channel_id}-{self.count:08x}"
        self.tempers[channel_id] = self.pick(*TEMPERS)
        self.there.create(Party(channel_id, role, place, name, owner=far))
        return channel_id

    # ------------------------------------------------------------ what people answer
    def _prompted(self, prompt: Prompt, over: bool) -> None:
        """Whoever hears a prompt may react to it."""
        for ear in prompt.ears:
            party = self.there.parties[ear]
            if party.role in ASKED:
                self._reacts(ear, prompt.script, over)

    def _reacts(self, who: str, script: Script, over: bool) -> None:
        temper = self.tempers[who]
        match temper, script, over:
            case ("yes", Script.NOTICE | Script.QUESTION, True):
                self.presses(who, "1", self.between(0.05, 2.0))
            case ("no", Script.NOTICE, _):
                self.presses(who, "2", self.between(0.0, 2.9))
            case ("late", Script.NOTICE | Script.QUESTION, True):
                self.presses(who, "1", self.between(4.5, 5.3))
            case ("early", Script.NOTICE, False):
                self.presses(who, "1", self.between(0.5, 3.1))
            case ("silent", Script.QUESTION, True) if self.chance.random() < 0.5:
                self.presses(who, "1", self.between(0.1, 4.0))
            case ("more", Script.NOTICE, True):
                self.tempers[who] = "yes"
                self.presses(who, "9", self.between(0.1, 2.0))
            case ("gone", Script.NOTICE, False):
                self.after(self.between(0.0, 4.0), self.there.hang_up, who)
            case ("storm", Script.NOTICE, False):
                self._storm(who)

    def presses(self, who: str, keys: str, wait: float = 0.0) -> None:
        """Keys, one after the other."""
        for key in keys:
            self.after(wait, self.there.press, who, key)
            wait += self.between(0.1, 0.6)

    def _storm(self, who: str) -> None:
        """Twenty keys in three seconds, star and the answers among them."""
        for _ in range(20):
            self.after(self.between(0.0, 3.5), self.there.press, who, self.pick(*"1234567890*#*78"))

    # ------------------------------------------------------------ what happens on a call
    def _happens(self, far: str, agent: str) -> None:
        if not (self.there.parties[far].alive and self.there.parties[agent].alive):
            return
        event: Callable[[str, str], None] = self.pick(*HAPPENINGS)
        self.world.book.note("plot", event.__name__, far, agent)
        event(self, far, agent)  # type: ignore[call-arg,arg-type]

    def joins(self, far: str, agent: str) -> None:
        """Somebody else appears in the bridge, and may go again."""
        if sum(party.alive for party in self.there.parties.values()) >= MOST_PARTIES:
            return
        role = Role.AGENT if self.chance.random() < 0.2 else Role.GUEST
        place = "" if role is Role.AGENT else self.pick(*PLACES)
        who = self.somebody(role, far, place)
        if self.chance.random() < 0.5:
            self.there.dial(agent, who)
        self.there.answer(who)
        self.there.join(who, self.there.parties[agent].bridge or f"b-{far}")
        if self.chance.random() < 0.7:
            self.after(self.between(0.01, 6.0), self.pick(self.there.hang_up, self.there.leave), who)

    def joins_through_local(self, far: str, agent: str) -> None:
        """Somebody appears behind a Local channel."""
        if sum(party.alive for party in self.there.parties.values()) >= MOST_PARTIES - 2:
            return
        place = self.pick(*PLACES)
        guest = self.somebody(Role.GUEST, far, place)
        name = f"Local/{self.count}@x-{self.count:08x}"
        one = self.somebody(Role.PLUMBING, far, name=f"{name};1")
        two = self.somebody(Role.PLUMBING, far, name=f"{name};2")
        self.there.parties[one].pair, self.there.parties[two].pair = two, one
        self.there.dial(agent, one)
        for who in (guest, one, two):
            self.there.answer(who)
        self.there.join(one, self.there.parties[agent].bridge or f"b-{far}")
        self.there.join(two, f"l-{two}")
        self.there.join(guest, f"l-{two}")
        self.after(self.between(0.1, 5.0), self._local_ends, guest, one, two)

    def _local_ends(self, *channels: str) -> None:
        for channel_id in channels:
            self.there.hang_up(channel_id)

    def transfers(self, far: str, agent: str) -> None:
        """An attended transfer: a consultation, then the other agent takes over, or it falls back."""
        other = self.somebody(Role.AGENT if self.chance.random() < 0.6 else Role.GUEST, far, self.pick(*PLACES))
        self.there.dial(agent, other)
        self.there.join(agent, f"c-{far}")
        self.there.answer(other)
        self.there.join(other, f"c-{far}")
        self.after(self.between(0.2, 3.0), self._transferred, far, agent, other)

    def _transferred(self, far: str, agent: str, other: str) -> None:
        if self.chance.random() < 0.3:  # it falls back
            self.there.hang_up(other)
            self.there.join(agent, f"b-{far}")
            return
        self.there.join(other, f"b-{far}")
        self.there.hang_up(agent)

    def sends_away(self, far: str, agent: str) -> None:
        """A blind transfer: the agent goes, somebody else rings and answers."""
        other = self.somebody(self.pick(Role.AGENT, Role.GUEST), far, self.pick(*PLACES))
        self.there.hang_up(agent)
        self.there.leave(far)
        self.there.dial(far, other)
        self.after(self.between(0.2, 2.0), self._answers_for, far, other)

    def _answers_for(self, far: str, other: str) -> None:
        self.there.answer(other)
        self.there.join(other, f"t-{far}")
        self.there.join(far, f"t-{far}")

    def holds(self, far: str, agent: str) -> None:
        """The agent holds, and comes back."""
        self.there.hold(agent, True)
        self.after(self.between(0.1, 3.0), self.there.hold, agent, False)

    def pauses(self, far: str, agent: str) -> None:
        """The agent pauses, and mostly goes on."""
        self.presses(agent, "*8")
        if self.chance.random() < 0.8:
            self.presses(agent, "*8", self.between(1.3, 4.0))

    def types_a_number(self, far: str, agent: str) -> None:
        """A card's, or an account's; the agent may pause, too late."""
        for _ in range(6 + int(self.chance.random() * 11)):
            self.presses(far, self.pick(*"1234567890"), self.between(0.0, 3.5))
        if self.chance.random() < 0.6:
            self.presses(agent, "*8", self.between(1.0, 9.0))

    def tries_to_pause(self, far: str, agent: str) -> None:
        """The wrong side."""
        self.presses(far, "*8")

    def withdraws(self, far: str, agent: str) -> None:
        """The caller takes it back."""
        self.presses(far, "*7")

    def storms(self, far: str, agent: str) -> None:
        """Keys without end, a menu of somebody else's."""
        self._storm(self.pick(far, agent))

    def operates(self, far: str, agent: str) -> None:
        """Somebody at the command line."""
        action = self.pick(*(each for each in Action if each not in (Action.STOP, Action.DISPUTE)))
        self.world.operate(far, far, action)

    def attests(self, far: str, agent: str) -> None:
        """Who said nothing says to the agent that it agrees, and so says the agent."""
        asked = [one.channel_id for one in self.there.parties.values() if one.alive and one.role in ASKED]
        self.world.operate(far, self.pick(*asked), Action.CONSENT)

    def merges(self, far: str, agent: str) -> None:
        """A caller of another call comes into this bridge."""
        others = [one for one in self.calls if one != far and self._talks(one)]
        if others:
            self.there.join(others[0], self.there.parties[agent].bridge or f"b-{far}")

    def _talks(self, far: str) -> bool:
        party = self.there.parties.get(far)
        return party is not None and party.alive and bool(party.bridge)

    def rogue(self, far: str, agent: str) -> None:
        """Somebody else's recorder."""
        self.there.rogue(far)

    def goes_unheard(self, far: str, agent: str) -> None:
        """The PBX drops what one side says on its way into the file."""
        if self.world.controller:
            for tape in self.there.tapes.values():
                self.world.controller.wire.files.missed(tape, 4000)

    def hangs_up(self, far: str, agent: str) -> None:
        """Somebody has had enough."""
        self.there.hang_up(self.pick(far, agent))

    def everybody_hangs_up(self) -> None:
        """The end."""
        for party in list(self.there.parties.values()):
            self.after(self.between(0.0, 0.5), self.there.hang_up, party.channel_id)


HAPPENINGS = (
    Plot.joins, Plot.joins, Plot.joins, Plot.joins_through_local, Plot.transfers, Plot.transfers, Plot.sends_away,
    Plot.holds, Plot.holds, Plot.pauses, Plot.pauses, Plot.types_a_number, Plot.tries_to_pause, Plot.withdraws,
    Plot.storms, Plot.operates, Plot.operates, Plot.attests, Plot.merges, Plot.rogue,
    Plot.goes_unheard, Plot.hangs_up,
)  # fmt: skip
