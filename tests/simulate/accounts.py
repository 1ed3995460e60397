"""The accounts of the simulation: who could be heard in every recorded millisecond, and whether that was lawful.

What belongs here: the truth about standing, and what is held against it. Nothing here asks callguard what it believes.
What does not: what a PBX does (exchange.py).

A party that appears in a bridge is there before anybody can know: `REACT` is what the news and the mask may take on the
way. It is counted apart, and bounded by the latencies that the simulation itself deals out; so is `DARK`, in which
nothing that callguard runs could act: its controller dead, stopped or cut off, up to the guard's two seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from callguard.core.asking import ANSWER_WINDOW, PROMPT_PATIENCE
from callguard.core.recorder import ALONE_GRACE, MASK_PATIENCE
from callguard.core.stopping import AGAIN
from callguard.core.word import Action, Role
from callguard.pbx.asterisk.watch import REFUSAL_SECONDS
from tests.simulate.book import Book
from tests.simulate.dark import Dark
from tests.simulate.due import Due, is_plain
from tests.simulate.party import Party, is_alone
from tests.simulate.pause import Pauses
from tests.simulate.tape import Cause, Tape

EVENT_MOST, REQUEST_MOST = 0.1, 0.05
"""The longest that news from the PBX, or a request to it, is on its way, in seconds."""
REACT = EVENT_MOST + REQUEST_MOST + 0.001
REFUSED = MASK_PATIENCE + 2 * REQUEST_MOST
"""What follows more where the PBX refused the mask, or did not answer: the recorder is stopped."""
STOP_REFUSED = REFUSAL_SECONDS + AGAIN + 2 * REQUEST_MOST
"""And where it refused a stop: the adapter looks at the files first, and the core asks again."""
DARK = 2.0
"""Seconds after its last heartbeat in which a controller's recorders have to be stopped."""
QUIET = ANSWER_WINDOW + 2.5
"""The longest that a party that waits hears nothing: its window, and what a slow store takes of a start, or a PBX that
twice refuses to send it on."""
QUIET_IN_THE_DARK = QUIET + PROMPT_PATIENCE + DARK
SETTLED = 0.3
"""Seconds after which what was asked of a recorder has been done, where nothing is wrong."""
BETWEEN_KEYS = 3.0
HINTS = ("*7", "*8")
HALTED: Cause = ("halted", "")
NO = "27"
"""Keys that may be, or end, a refusal or a withdrawal, whatever they were meant for."""
Undo = Callable[[], None]
Places = frozenset[tuple[str, str]]
"""Who is in which bridge."""


@dataclass
class CallTruth:
    """One call, of the type `kind`. `express`: staying on is not enough, by its type or by `law`, which takes a party's
    own answer only; `asks`: somebody was there, if only for a moment, whose law says so; `typed`: keys of a sequence by
    channel, with the time that they carried; `halted`: somebody wants no recording of it, `unasked`: since before it
    began; `disputed`: no word for a party counts in it; `grew_at`: when what counted until then was not enough any
    more."""

    far: str
    express: bool
    law: bool = False
    kind: str = ""
    asks: bool = False
    halted: bool = False
    unasked: bool = False
    disputed: bool = False
    grew_at: float = 0.0
    pauses: Pauses = field(default_factory=Pauses)
    due: Due = field(default_factory=Due)
    typed: dict[str, tuple[str, float]] = field(default_factory=dict)


@dataclass
class Accounts:
    """Of one world. `parties`, `tapes`: the exchange's own; `lacking`: by call and by the channel that is recorded;
    `owners`: the call of each recording; `calm`: whether nothing is broken; `known`: in which bridge the controller has
    heard that a channel is; `of_call`: channels of which it has heard that they belong to the call of their owner;
    `astray`: those that it must have taken for another call's, and for strangers there."""

    book: Book
    parties: dict[str, Party]
    tapes: dict[str, Tape]
    dark: Dark = field(default_factory=Dark)
    calls: dict[str, CallTruth] = field(default_factory=dict)
    lacking: dict[tuple[str, str], dict[Cause, float]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    calm: Callable[[], bool] = lambda: True
    known: dict[str, str] = field(default_factory=dict)
    of_call: set[str] = field(default_factory=set)
    astray: set[str] = field(default_factory=set)

    # ------------------------------------------------------------ who hears whom
    def reached(self, channel_id: str) -> list[Party]:
        """Everybody whose media reach this channel, its own party first."""
        found = self._reached(channel_id, self.parties.values())
        return [party for party in found if party.role is not Role.PLUMBING]

    def _reached(self, channel_id: str, among: Iterable[Party]) -> list[Party]:
        found: dict[str, Party] = {}
        todo = [self.parties[channel_id]]
        while todo:
            here = todo.pop()
            if here.alive and here.channel_id not in found:
                found[here.channel_id] = here
                todo += [other for other in among if other.alive and here.hears(other)]
        return list(found.values())

    def causes(self, call: CallTruth, host: str, now: float) -> list[Cause]:
        """Why no sound of CALL may be in a file that is written at HOST, each with the channel that it is about; none
        where it may."""
        heard = self.reached(host)
        strange = [party for party in heard if party.owner != call.far or party.channel_id in self.astray]
        call.asks = call.asks or bool(strange) or any(party.is_strict for party in heard)
        found = [(what, party.channel_id) for party in heard if (what := party.lack(now, call.express))]
        found += [("on hold", party.channel_id) for party in heard if party.held and party.hold_known]
        found += [(what, "") for what in call.pauses.causes()] + [HALTED] * call.halted
        astray = heard and call.far not in [party.channel_id for party in heard]
        return found + [("alone", "")] * is_alone(heard) + [("of another call", "")] * bool(astray)

    # ------------------------------------------------------------ time
    def until(self, now: float) -> None:
        """Account for everything up to NOW."""
        for tape in self.tapes.values():
            if tape.runs and (seconds := tape.run_to(now)):
                self.book.add("recorded", seconds)

    def look(self, now: float) -> None:
        """Something changed: hold every recorder against the line that it is on."""
        lines = dict.fromkeys((far, far) for far in self.calls)
        lines |= dict.fromkeys((tape.call, tape.channel_id) for tape in self.tapes.values() if tape.runs)
        before, self.lacking = self.lacking, {}
        for line in lines:
            since = before.get(line, {})
            causes = self.causes(self.calls[line[0]], line[1], now)
            self.lacking[line] = {cause: since.get(cause, now) for cause in causes}
        for call in self.calls.values():
            call.due.look(now, due=self._is_due(call, now))
        for tape in self.tapes.values():
            if tape.runs or tape.exposed:
                self._hold(tape, now)

    def _is_due(self, call: CallTruth, now: float) -> bool:
        """Whether sound should reach a file and does not, beyond doubt."""
        if self.lacking[call.far, call.far] or call.pauses.unsure or not self.parties[call.far].alive:
            return False
        sounds = any(tape.hears for tape in self.tapes.values() if tape.call == call.far)
        return not sounds and is_plain(call.far, self.reached(call.far), now, asks=call.asks)

    def _hold(self, tape: Tape, now: float) -> None:
        lacking = self.lacking.get((tape.call, tape.channel_id), {}) if tape.runs else {}
        if not tape.hears:  # silence is enough, but not for a caller who refused, nor under a halt
            lacking = {cause: since for cause, since in lacking.items() if cause in (("refused", tape.call), HALTED)}
        for cause in [cause for cause in tape.exposed if cause not in lacking]:
            self._judge(tape, cause[0], tape.exposed.pop(cause), now)
        for cause, since in lacking.items():
            tape.exposed.setdefault(cause, since)

    def _judge(self, tape: Tape, lack: str, since: float, now: float) -> None:
        """Sound that should not have been there, from its cause to its end."""
        alone, dark = lack == "alone", self.dark.within(since, now)
        kind = "dark" if dark else "refused" if tape.trouble else "react"
        most = REACT + ALONE_GRACE * alone + tape.trouble + DARK * dark
        # it may begin alone: news that somebody comes may overtake those that the party left
        seconds = now - (max(since, tape.sounds_since) if alone or dark else since)
        name = "alone" if lack == "alone" else kind
        if seconds > most + 1e-6:
            self.book.wrong(f"recorded {lack}", f"{seconds:.3f} s of {tape.recording_id} ({kind})")
        else:
            self.book.add(f"{name} seconds", seconds)
            self.book.most(f"most {name}", seconds)

    def waited(self, party: Party, since: float, now: float) -> None:
        """A party waited for us, and heard nothing: an answer may take that long, and a prompt that never came."""
        self.book.most("most silence", now - since)
        if now - since > (QUIET if not self.dark.within(since, now) else QUIET_IN_THE_DARK):
            self.book.wrong("left waiting", f"{party.channel_id}, {now - since:.3f} s")

    # ------------------------------------------------------------ what people heard and said
    def being_asked(self, ears: Iterable[str], now: float) -> None:
        """A question begins."""
        for ear in ears:
            self.parties[ear].put_at, self.parties[ear].cut_off = now, False
        self.look(now)

    def being_told(self, ears: Iterable[str], now: float) -> None:
        """A notice begins."""
        for ear in ears:
            party = self.parties[ear]
            party.put_at, party.cut_off = now, False
            if party.waiting and party.owner in self.calls and self.calls[party.owner].unasked:
                self.book.wrong("asked under a halt", ear)
            if party.no_at is not None and party.asked_at is not None and party.no_at >= party.asked_at:
                party.asked_anew()  # for another call
            party.again = party.told_at is not None
            party.asked_at = now if party.asked_at is None else party.asked_at
        self.look(now)

    def cut_off(self, ears: Iterable[str]) -> None:
        """They are told or asked, and the controller cannot hear of it."""
        for ear in ears:
            self.parties[ear].cut_off = True

    def told(self, ears: Iterable[str], now: float) -> None:
        """A notice was played to its end: it counts for whom nothing has overtaken it since its beginning."""
        for party in map(self.parties.__getitem__, ears):
            party.again, counts = False, party.told_at is None and party.asked_at is not None and party.alive
            party.told_at = now if counts else party.told_at

    def explained(self, ears: Iterable[str]) -> None:
        """The long notice was played to its end."""
        for ear in ears:
            self.parties[ear].curious = False

    def pressed(self, party: Party, digit: str, now: float) -> None:
        """A 1 agrees when it is pressed, wherever the news of it are."""
        call = self.calls.get(party.owner)
        unheard = party.said_no is not None and now - party.said_no < EVENT_MOST  # nobody may know of its 2
        party.said_no = now if digit in NO else party.said_no
        party.curious = party.curious or (digit == "9" and party.asked_at is not None and party.yes_at is None)
        unclear = party.yes_at is None or party.attested or party.doubtful
        if call and digit == "1" and party.told_at is not None and unclear and self._must_answer(party, call):
            party.doubtful = unheard or party.is_unsure or not call.express or party.put_at < call.grew_at
            party.yes_at, party.agreed, party.attested = now, True, False
            self.look(now)

    def _must_answer(self, party: Party, own: CallTruth) -> bool:
        """Whether a 1 means something: in a call of its own, or in one that it visits."""
        near = {other.channel_id for other in self.reached(party.channel_id)}
        return any(call.express or call.asks for far, call in self.calls.items() if far in near or call is own)

    def heard(self, channel_id: str, digit: str, at: float, now: float) -> Undo | None:
        """A controller hears of a key: only now a refusal, a withdrawal or a pause can count. How to take that back,
        should the controller die before anybody could notice that it heard."""
        party = self.parties[channel_id]
        call = self.calls.get(party.owner)
        if call is None:
            return None
        before = (party.no_at, call.pauses.copy(), dict(call.typed))
        typed = self._typed(call, channel_id, digit, at)
        self.until(now)
        if typed == "*7" and party.role is not Role.AGENT:
            self.refused(party, now)
        elif typed == "*8" and party.role is Role.AGENT:
            if channel_id in self.of_call:
                call.pauses.toggled(at, sounds=self._sounds(call, now))
            else:
                call.pauses.doubted()
        elif digit == "2" and typed == "" and party.may_refuse(now, call.express):
            self.refused(party, now)
        elif typed == "" and party.role is not Role.AGENT and not party.waiting:
            call.pauses.pressed(channel_id, at, sure=self._sounds(call, now) and party in self.reached(call.far))
        self.look(now)

        def undo() -> None:
            party.no_at, call.pauses, call.typed = before

        return undo

    def _sounds(self, call: CallTruth, now: float) -> bool:
        """Whether sound reaches the file for sure, for everybody who looks."""
        since = [tape.sounds_since for tape in self.tapes.values() if tape.call == call.far and tape.hears]
        settled = bool(since) and now - min(since) > SETTLED and not self.dark.within(now - SETTLED, now)
        alike = {party.owner for party in self.reached(call.far)} == {call.far}  # who else came may have silenced it
        return alike and settled and self.calm() and not self.lacking.get((call.far, call.far))

    def operated(self, far: str, who: str, action: Action, now: float) -> Undo:
        """An operator acted on a live call, for the party WHO. How to take that back, should the controller die before
        it is written."""
        call, party = self.calls[far], self.parties[who]
        before = (party.no_at, party.asked_at, party.told_at, party.yes_at, party.attested)
        pauses, disputed = call.pauses.copy(), call.disputed
        more: Undo | None = None
        self.until(now)
        match action:
            case Action.WITHDRAW:
                self.refused(party, now)
            case Action.CONSENT if self._may_attest(call, party):
                party.yes_at, party.agreed, party.attested = now, True, True
            case Action.PRESENT if party.no_at is None:  # somebody else is in the room, who was never told
                party.asked_at = party.told_at = party.yes_at = None
                party.agreed = party.attested = False
            case Action.PAUSE | Action.RESUME:
                call.pauses.ordered(pause=action is Action.PAUSE)
            case Action.STOP:
                more = self.halted(call, now)
            case Action.DISPUTE:
                call.disputed, more = True, self._doubted(call, now)
        self.look(now)

        def undo() -> None:
            if more:
                more()
            party.no_at, party.asked_at, party.told_at, party.yes_at, party.attested = before
            call.pauses, call.disputed = pauses, disputed

        return undo

    def _may_attest(self, call: CallTruth, party: Party) -> bool:
        """Whether an agent's word counts for this party: of a call of its own, or one that it is in."""
        there = party.owner == call.far or party in self.reached(call.far)
        return there and not (call.law or call.disputed) and party.told_at is not None and party.yes_at is None

    def halted(self, call: CallTruth, now: float) -> Undo:
        """Nothing of this call is to be recorded from now on, for good."""
        before = call.halted
        self.until(now)
        call.halted = True
        self.look(now)

        def undo() -> None:
            call.halted = before

        return undo

    def refused(self, party: Party, now: float) -> None:
        """It refused, or took its consent back."""
        party.said_no = now
        if party.lack(now, express=True) != "refused":
            party.no_at = now

    def _typed(self, call: CallTruth, channel_id: str, digit: str, at: float) -> str:
        before, then = call.typed.get(channel_id, ("", 0.0))
        tries = (before + digit if at - then <= BETWEEN_KEYS else digit, digit)
        typed = next((item for item in tries if any(hint.startswith(item) for hint in HINTS)), "")
        call.typed[channel_id] = ("" if typed in HINTS else typed, at)
        return typed

    def knows_hold(self, channel_id: str, now: float) -> None:
        """A controller hears that this party holds: nobody else could tell it later."""
        self.until(now)
        self.parties[channel_id].hold_known = True
        self.look(now)

    def forget_hold(self, now: float) -> None:
        """Whoever knew it is dead."""
        self.until(now)
        for party in self.parties.values():
            party.hold_known = False
        for call in self.calls.values():
            call.pauses.forget()
        self.known, self.of_call = {}, set()
        self.look(now)

    def dialled(self, caller_id: str, peer_id: str) -> None:
        """A controller hears who is dialled by whom."""
        caller, peer = self.parties[caller_id], self.parties[peer_id]
        if caller_id in (peer.owner, *self.of_call) and caller.owner == peer.owner:
            self.of_call.add(peer_id)

    def seen(self, bridges: Mapping[str, str], now: float) -> list[tuple[Places, Undo]]:
        """A controller learns who is in which of these BRIDGES: a stricter law counts from here on, and takes nobody
        else's word for a party's. What it has to keep in mind for that, and how to take it back, should it die before
        it is written."""
        self.known |= bridges
        among = {party.channel_id: party for party in self.parties.values() if self._is_known(party)}
        found = []
        for call in self.calls.values():
            mates = [self.parties[who] for who, there in self.known.items() if there == self.known.get(call.far)]
            call.asks = call.asks or any(party.is_strict for party in mates)  # news may overtake
            here = self._reached(call.far, among.values()) if call.far in among else []
            self.of_call |= {party.channel_id for party in here if party.owner == call.far} - self.astray
            strange = {party.channel_id for party in here if party.owner != call.far}
            self.astray |= strange - self.of_call - self.calls.keys()
            if not call.law and any(party.is_strict for party in here):
                self.until(now)
                found.append((frozenset((party.channel_id, party.where) for party in here), self._grows(call, now)))
                self.look(now)
        return found

    def _is_known(self, party: Party) -> bool:
        return bool(party.where) and self.known.get(party.channel_id) == party.where

    def _grows(self, call: CallTruth, now: float) -> Undo:
        before, call.law, call.express = call.express, True, True
        trust = self._doubted(call, now)

        def undo() -> None:
            call.law, call.express = False, before
            trust()

        return undo

    def _doubted(self, call: CallTruth, now: float) -> Undo:
        """An agent's word for a party of this call is not enough any more."""
        call.grew_at = now
        doubted = [party for party in self.parties.values() if party.owner == call.far and party.attested]
        words = [party.yes_at for party in doubted]
        for party in doubted:
            party.yes_at, party.attested = None, False

        def undo() -> None:
            for party, word in zip(doubted, words, strict=True):
                if party.yes_at is None:
                    party.yes_at, party.attested = word, True

        return undo
