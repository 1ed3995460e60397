"""Ways through contexts."""

from __future__ import annotations

from pathlib import Path

from callguard.lint.freeswitch.plan import Plan
from callguard.lint.freeswitch.snippet import recognise
from callguard.lint.freeswitch.way import ASKED, BOTH, NOWHERE, UNASKED, Ways, connects, surely_before
from tests.lint.freeswitch.site import ASK, BRIDGE, act, context, extension, plan_of


def ways(plan: Plan) -> Ways:
    own = Ways(plan, recognise(plan))
    own.follow(plan.contexts["public"].extensions)
    return own


def met(folder: Path, *parts: str) -> int:
    return len(ways(plan_of(folder, *parts)).met)


def test_a_transfer_is_followed_by_the_numbers_that_fit(tmp_path: Path) -> None:
    to = extension(act("transfer", "$1 XML default"), r"^(10[01]\d)$")
    inside = context(extension(BRIDGE, r"^(10[01][0-9])$"), name="default")
    assert met(tmp_path, context(to), inside) == 1
    assert met(tmp_path, context(to), context(extension(BRIDGE, "^2000$"), name="default")) == 0
    by_number = context(extension(act("transfer", "2000 XML default")))
    assert met(tmp_path, by_number, context(extension(BRIDGE, "^2000$"), name="default")) == 1
    assert met(tmp_path, by_number, context(extension(ASK + BRIDGE, "^2000$"), name="default")) == 0


def test_the_first_extension_that_takes_a_number_ends_the_look_up(tmp_path: Path) -> None:
    to = context(extension(act("transfer", "7 XML d")))
    two = context(extension(ASK + BRIDGE, "^7$"), extension(BRIDGE, "^7$", "late"), name="d")
    assert met(tmp_path, to, two) == 0
    on = context(extension(act("log", "x"), "^7$", "a", 'continue="true"'), extension(BRIDGE, "^7$", "late"), name="d")
    assert met(tmp_path, to, on) == 1


def test_a_target_that_nobody_knows_is_kept(tmp_path: Path) -> None:
    own = ways(plan_of(tmp_path, context(extension(act("transfer", "$1 XML ${where}")))))
    assert len(own.unknown) == 1 and own.met == {}
    assert len(ways(plan_of(tmp_path, context(extension(act("transfer", "${x} XML public"), "^9$")))).unknown) == 0


def test_an_extension_before_that_asks_everybody_covers_those_behind_it(tmp_path: Path) -> None:
    everybody = extension(ASK, "^.*$", "all", 'continue="true"')
    assert met(tmp_path, context(everybody, extension(BRIDGE))) == 0
    some = extension(ASK, "^100$", "some", 'continue="true"', field="${hour}")
    assert met(tmp_path, context(some, extension(BRIDGE))) == 1


def test_a_loop_of_transfers_ends(tmp_path: Path) -> None:
    assert met(tmp_path, context(extension(act("transfer", "100 XML public")))) == 0


def test_what_is_possible_before_each_action(tmp_path: Path) -> None:
    text = '<extension name="x"><condition field="${hour}" expression="9" break="never">' + ASK
    text += (
        act("log", "no", "anti-action")
        + f"</condition><condition>{BRIDGE}{act('hangup')}{BRIDGE}</condition></extension>"
    )
    plan = plan_of(tmp_path, context(text))
    (own,) = plan.extensions()
    states = [state for _, state in Ways(plan, recognise(plan)).states(own, UNASKED)]
    assert states[0] == UNASKED and states[5] == UNASKED  # the anti-action runs where nobody asked
    assert states[6:] == [BOTH, BOTH, NOWHERE] and ASKED < BOTH


def test_who_comes_first(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, context(extension(BRIDGE, r"^\d+$", "all"), extension(BRIDGE, "^100$", "late")))
    one, late = plan.extensions()
    assert surely_before(plan.contexts["public"], late) is one and surely_before(plan.contexts["public"], one) is None
    assert late.numbers == ("100",)


def test_voicemail_connects_nobody(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, context(extension(act("bridge", "loopback/app=voicemail:default lab 1") + BRIDGE)))
    assert [connects(step) for step in plan.steps()] == [False, True]
