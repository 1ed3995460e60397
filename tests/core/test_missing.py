from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.consent import Standing
from callguard.core.events import Link, Role
from callguard.core.missing import left
from callguard.core.policy import Mode
from tests.core.play import AGENT, ANNOUNCE, ASK, FAR, OTHER_AGENT, play


@pytest.mark.requirement("S123", "S125")
@pytest.mark.parametrize("link", list(Link))
def test_who_talks_and_cannot_be_recorded_for_want_of_a_link_is_told_of_once(link: Link) -> None:
    talk = play().granted().sees(AGENT, Role.AGENT).loses(link).bridges(AGENT).bridges(FAR).incident("not_recordable")
    talk.never_recorded().sees(OTHER_AGENT, Role.AGENT).is_quiet()


def test_every_loss_of_a_link_is_told_of_again() -> None:
    talk = play().granted().sees(AGENT, Role.AGENT).loses(Link.GUARD).bridges(AGENT).bridges(FAR)
    talk.incident("not_recordable").loses(Link.LOG).incident("not_recordable")


def test_one_under_a_running_recorder_is_told_of_once() -> None:
    talk = play().recording().loses(Link.LOG).incident("log_lost")
    assert not [record for record in talk.last.records if "not_recordable" in record.data.values()]


def test_who_is_alone_or_refused_misses_nothing() -> None:
    play().granted().loses(Link.LOG).bridges(FAR).is_quiet()
    play().told().presses("2").loses(Link.GUARD).sees(AGENT, Role.AGENT).bridges(AGENT).bridges(FAR).is_quiet()


@pytest.mark.requirement("S123", "S125")
def test_who_was_sent_on_before_the_question_was_settled_is_told_of_when_they_talk() -> None:
    talk = play().starts().leaves().is_quiet().sees(AGENT, Role.AGENT).bridges(AGENT).bridges(FAR)
    talk.incident("not_recordable").never_recorded()
    talk.sees(OTHER_AGENT, Role.AGENT).is_quiet()


def test_who_hangs_up_or_is_never_asked_misses_nothing() -> None:
    assert not play().starts().leaves().hangs_up().last.records
    far = play().starts().call.far
    assert far is not None
    call = play().starts().call
    assert left(call, FAR).unasked and not left(call, AGENT).unasked
    assert not left(replace(call, rule=replace(call.rule, mode=Mode.NEVER)), FAR).unasked
    assert not left(replace(call, alerted=True), FAR).unasked
    assert not left(call.change(FAR, waiting=False), FAR).unasked
    assert not left(play(ASK).granted().call.change(FAR, waiting=True), FAR).unasked


def test_who_was_told_where_staying_on_is_enough_has_no_question_open() -> None:
    told = play(ANNOUNCE).told().call.change(FAR, waiting=True)
    assert told.channels[FAR].standing is Standing.AWAITING and not left(told, FAR).unasked
    assert left(play(ASK).told().call.change(FAR, waiting=True), FAR).unasked


@pytest.mark.requirement("S123", "S125")
def test_who_agreed_or_was_sent_on_and_was_gone_when_the_link_came_back_is_told_of() -> None:
    play().granted().loses(Link.PBX).hangs_up().incident("not_recordable")
    play().starts().leaves().loses(Link.PBX).hangs_up().incident("not_recordable")
    assert not play().told().loses(Link.PBX).hangs_up().last.records
    assert not play().granted().loses(Link.GUARD).hangs_up().last.records
    assert not play().talking().loses(Link.PBX).incident("pbx_lost").hangs_up().last.records
