"""What the accounts hold against a recorder, told by hand: the judge is judged too."""

from __future__ import annotations

import pytest

from callguard.core.word import Action, Role
from tests.core.play import FIRM, MILD, STRICT
from tests.simulate.accounts import DARK, REACT, Accounts, CallTruth
from tests.simulate.book import Book
from tests.simulate.party import Party
from tests.simulate.tape import Tape

BRIDGES = {"far": "b", "agent": "b"}


class Line:
    """A caller and an agent in one bridge, and a recorder that began a second after the caller's yes."""

    def __init__(self, *, express: bool = True) -> None:
        self.book = Book()
        self.far = Party("far", Role.FAR, MILD, owner="far", answered=True, bridge="b", asked_at=0.0, told_at=3.0)
        self.agent = Party("agent", Role.AGENT, owner="far", bridge="b")
        self.accounts = Accounts(self.book, {"far": self.far, "agent": self.agent}, {})
        self.call = self.accounts.calls["far"] = CallTruth("far", express)
        self.accounts.seen(BRIDGES, 4.0)
        self.accounts.pressed(self.far, "1", 4.0)
        self.tape = self.accounts.tapes["tape"] = Tape("tape", "far", "far", 5.0)
        self.look(5.0)

    def look(self, now: float) -> None:
        self.accounts.until(now)
        self.accounts.look(now)

    def joined(self, now: float, role: Role = Role.GUEST, bridge: str = "b", pair: str = "") -> Party:
        """Somebody appears."""
        name = f"other{len(self.accounts.parties)}"
        self.accounts.parties[name] = Party(name, role, MILD, owner="far", bridge=bridge, pair=pair)
        self.look(now)
        return self.accounts.parties[name]

    def masked(self, now: float) -> list[str]:
        """The recorder falls silent; what was wrong until then."""
        self.accounts.until(now)
        self.tape.muted = True
        self.accounts.look(now)
        return [kind for kind, _ in self.book.violations]

    def ended(self, now: float) -> list[str]:
        """The recorder ends; what was wrong until then."""
        self.accounts.until(now)
        self.tape.end(now)
        self.accounts.look(now)
        return [kind for kind, _ in self.book.violations]


def test_who_agreed_may_be_recorded() -> None:
    assert Line().masked(60.0) == []
    assert Line().book.violations == []


@pytest.mark.parametrize(("late", "wrong"), [(REACT, []), (REACT + 0.01, ["recorded untold"])])
def test_a_newcomer_has_to_be_masked_at_once(late: float, wrong: list[str]) -> None:
    line = Line()
    line.joined(10.0)
    assert line.masked(10.0 + late) == wrong


def test_a_newcomer_behind_a_local_channel_hears_and_plumbing_does_not() -> None:
    line = Line()
    one = line.joined(10.0, Role.PLUMBING)
    line.joined(10.0, Role.PLUMBING, bridge="l", pair=one.channel_id)
    assert line.accounts.lacking["far", "far"] == {}
    line.joined(10.0, bridge="l")
    assert line.masked(11.0) == ["recorded untold"]


def test_a_recorder_on_another_channel_must_not_go_where_the_caller_is_not() -> None:
    line = Line()
    line.tape.channel_id = "agent"
    line.look(6.0)
    line.accounts.until(10.0)
    line.agent.bridge = "elsewhere"
    line.joined(10.0, Role.AGENT, bridge="elsewhere")
    assert line.masked(11.0) == ["recorded of another call"]


def test_in_the_dark_the_guard_has_its_two_seconds() -> None:
    line = Line()
    line.accounts.dark.begin("controller", 9.0)
    line.joined(10.0)
    assert line.masked(10.0 + DARK) == []
    line = Line()
    line.accounts.dark.begin("controller", 9.0)
    line.joined(10.0)
    assert line.masked(10.2 + DARK) == ["recorded untold"]


def test_a_refusal_counts_when_a_controller_heard_it() -> None:
    line = Line()
    for digit in "*7":
        undo = line.accounts.heard("far", digit, 10.0, 10.0)
    assert line.ended(11.0) == ["recorded refused"] and undo is not None
    undo()
    assert line.far.no_at is None


def test_a_pause_counts_whoever_asks_for_it() -> None:
    line = Line()
    for digit in "*8":
        line.accounts.heard("agent", digit, 10.0, 10.0)
    assert line.masked(11.0) == ["recorded paused"]
    line = Line()
    line.accounts.operated("far", "far", Action.PAUSE, 10.0)
    line.accounts.operated("far", "far", Action.RESUME, 10.1)
    assert line.masked(11.0) == []
    for digit in "*8":
        line.accounts.heard("far", digit, 12.0, 12.0)
    assert line.call.pauses.causes() == []


def test_an_agents_word_counts_where_no_law_wants_the_partys_own() -> None:
    line = Line()
    line.far.yes_at = None
    line.look(6.0)
    line.accounts.operated("far", "far", Action.CONSENT, 6.1)
    assert line.accounts.lacking["far", "far"] == {}
    line.agent.place = STRICT
    line.accounts.seen(BRIDGES, 7.0)
    line.accounts.operated("far", "far", Action.CONSENT, 7.1)
    assert line.masked(8.0) == ["recorded silent"]


def test_a_typed_number_counts_as_a_pause() -> None:
    line = Line()
    for count, digit in enumerate("4929"):
        line.accounts.heard("far", digit, 10.0 + count, 10.0 + count)
    assert line.masked(14.0) == ["recorded while a number is typed"]


def test_staying_on_is_enough_only_where_nobody_asks_for_more() -> None:
    line = Line(express=False)
    line.far.yes_at = None
    line.look(5.0)
    assert line.accounts.lacking["far", "far"] == {("silent", "far"): 5.0}
    line.look(6.0)
    assert line.accounts.lacking["far", "far"] == {}
    line.agent.place = STRICT
    line.accounts.seen(BRIDGES, 7.0)
    assert line.masked(8.0) == ["recorded silent"]
    assert Line(express=False).far.is_strict is False and Party("x", Role.GUEST, FIRM).is_strict is False


def test_what_is_due_and_in_no_file_is_kept_count_of() -> None:
    line = Line()
    line.masked(10.0)
    line.look(14.0)
    assert line.call.due.longest == 4.0
    line.accounts.tapes["tape"].muted = False
    line.look(15.0)
    assert line.call.due.since is None and line.call.due.longest == 5.0


def test_a_stricter_law_counts_once_a_controller_knows_who_is_there_and_until_nobody_does() -> None:
    line = Line(express=False)
    line.joined(6.0).place = STRICT
    assert line.accounts.seen({"far": "b", "agent": "b", "other2": "elsewhere"}, 6.1) == []
    [(places, undo)] = line.accounts.seen({"other2": "b"}, 6.2)
    assert places == {("far", "b"), ("agent", "b"), ("other2", "b")} and line.call.law and line.call.express
    undo()
    assert not line.call.law and not line.call.express


def test_a_word_of_an_agent_that_a_law_took_back_counts_again_where_nobody_knows_of_the_law() -> None:
    line = Line()
    line.far.yes_at = None
    line.accounts.operated("far", "far", Action.CONSENT, 6.1)
    line.agent.place = STRICT
    [(_, undo)] = line.accounts.seen(BRIDGES, 7.0)
    assert line.far.yes_at is None
    undo()
    assert line.far.yes_at == 6.1 and line.far.attested


def test_a_word_of_its_own_outlasts_what_an_agent_said_for_a_party() -> None:
    line = Line()
    line.far.yes_at = None
    line.accounts.operated("far", "far", Action.CONSENT, 6.1)
    line.accounts.pressed(line.far, "1", 6.5)
    line.agent.place = STRICT
    line.accounts.seen(BRIDGES, 7.0)
    assert line.far.yes_at == 6.5
    line.masked(8.0)
    assert line.call.due.since is None, "a key of a call that goes on is the admin's: it may have counted for nothing"


def test_nothing_is_due_of_whoever_agrees_before_it_hears_what_to() -> None:
    line = Line(express=False)
    line.far.yes_at, line.agent.place = None, STRICT
    line.accounts.seen(BRIDGES, 6.0)
    line.accounts.pressed(line.far, "1", 6.1)
    line.masked(6.5)
    assert line.far.yes_at == 6.1 and line.call.due.since is None
    line.accounts.being_told(["far"], 6.6)
    line.accounts.pressed(line.far, "1", 6.7)
    assert line.call.due.since is None, "in the middle of another call's notice"
    line.accounts.told(["far"], 6.9)
    line.accounts.pressed(line.far, "1", 7.0)
    assert line.call.due.since == 7.0


def test_nothing_is_due_of_whoever_agrees_in_the_middle_of_what_it_wanted_to_know() -> None:
    line = Line()
    line.far.yes_at = None
    line.accounts.pressed(line.far, "9", 6.0)
    line.accounts.pressed(line.far, "1", 6.5)
    line.masked(7.0)
    assert line.call.due.since is None
    line.far.yes_at, line.far.doubtful = None, False
    line.accounts.explained(["far"])
    line.accounts.pressed(line.far, "1", 7.5)
    assert line.call.due.since == 7.5


def test_nothing_is_due_without_a_word_once_the_rule_may_have_grown() -> None:
    line = Line(express=False)
    line.far.yes_at = None
    line.masked(7.0)
    assert line.call.due.since == 7.0
    line.call.asks = True
    line.look(8.0)
    assert line.call.due.since is None


def test_nothing_is_due_without_a_word_where_somebody_strict_must_be_taken_to_be_there() -> None:
    line = Line(express=False)
    line.far.yes_at = None
    line.masked(7.0)
    line.far.bridge = "another"
    line.joined(8.0).place = STRICT
    line.accounts.seen({"other2": "b"}, 8.1)
    line.far.bridge = line.agent.bridge = "b2"
    line.look(9.0)
    assert line.call.asks and line.call.due.since is None


def test_an_agents_word_counts_for_whoever_is_in_that_call() -> None:
    line = Line()
    visitor = line.joined(6.0, bridge="elsewhere")
    visitor.owner, visitor.told_at = "another", 5.0
    line.accounts.operated("far", visitor.channel_id, Action.CONSENT, 6.1)
    assert visitor.yes_at is None
    visitor.bridge = "b"
    line.accounts.operated("far", visitor.channel_id, Action.CONSENT, 6.2)
    assert visitor.yes_at == 6.2


def test_whoever_refused_is_not_recorded_in_silence_either() -> None:
    line = Line()
    for digit in "*7":
        line.accounts.heard("far", digit, 10.0, 10.0)
    assert line.masked(10.1) == []
    assert line.ended(12.0) == ["recorded refused"]


def test_under_a_halt_a_recorder_has_to_end_and_silence_is_no_excuse() -> None:
    line = Line()
    undo = line.accounts.halted(line.call, 10.0)
    assert line.masked(10.1) == [] and line.call.due.since is None
    assert line.ended(12.0) == ["recorded halted"]
    undo()
    assert not line.call.halted


def test_nobody_who_calls_under_a_halt_is_asked() -> None:
    line = Line()
    line.call.unasked = True
    line.accounts.being_told(["far"], 6.0)
    assert line.book.violations == []
    line.far.waiting = True
    line.accounts.being_told(["far"], 6.0)
    assert line.book.violations == [("asked under a halt", "far")]


def test_a_stop_and_a_dispute_can_be_taken_back_with_whoever_heard_of_them() -> None:
    line = Line()
    stopped = line.accounts.operated("far", "far", Action.STOP, 6.0)
    assert line.accounts.lacking["far", "far"].keys() == {("halted", "")}
    stopped()
    line.far.yes_at = None
    line.accounts.operated("far", "far", Action.CONSENT, 6.1)
    argued = line.accounts.operated("far", "far", Action.DISPUTE, 6.2)
    assert line.accounts.lacking["far", "far"].keys() == {("silent", "far")}
    line.accounts.operated("far", "far", Action.CONSENT, 6.3)
    assert line.far.yes_at is None, "nobody's word but its own counts in a dispute"
    argued()
    assert line.far.yes_at == 6.1 and not line.call.disputed


def test_a_key_of_an_agent_whom_nobody_knows_demands_nothing_until_somebody_is_plain() -> None:
    line = Line()
    line.accounts.parties["other"] = Party("other", Role.AGENT, owner="far")
    for who, causes in (("other", []), ("agent", ["paused"])):
        for digit in "*8":
            line.accounts.heard(who, digit, 10.0, 10.0)
        assert line.call.pauses.causes() == causes
        line.call.pauses.unsure = False
    line.accounts.dialled("agent", "other")
    for digit in "*8":
        line.accounts.heard("other", digit, 20.0, 20.0)
    assert line.call.pauses.causes() == []
