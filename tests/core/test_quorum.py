from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callguard.core.call import Call, Channel
from callguard.core.consent import Standing
from callguard.core.events import Link, Role
from callguard.core.quorum import Want, is_alone, may_start, quorum_holds, wanted
from callguard.core.word import Cause
from tests.core.play import AGENT, FAR, GUEST, PHASES, SPOOLED, play


def want(call: Call) -> Want:
    return wanted(call)[0]


def test_all_told_and_agreed_is_sound() -> None:
    call = play().talking().call
    assert wanted(call) == (Want.SOUND, ("every party told and agreed",))
    assert quorum_holds(call) and not is_alone(call) and may_start(call)


def test_nobody_there_is_nobodys_consent() -> None:
    assert not quorum_holds(play().call) and not may_start(play().call)


@pytest.mark.requirement("S1")
@pytest.mark.parametrize("standing", [standing for standing in Standing if not standing.allows])
def test_one_who_lacks_standing_silences_all(standing: Standing) -> None:
    call = play().talking().joined_by(GUEST).call.change(GUEST, standing=standing)
    assert want(call) is Want.SILENCE and not may_start(call)
    assert want(call.change(GUEST, gone=True)) is Want.SOUND


@pytest.mark.requirement("S13")
def test_the_far_partys_refusal_and_a_withdrawal_stop() -> None:
    call = play().talking().joined_by(GUEST).call
    assert wanted(call.change(FAR, standing=Standing.REFUSED))[1] == ("a party refused",)
    withdrew = call.change(GUEST, standing=Standing.REFUSED, withdrew=True)
    assert want(withdrew) is Want.STOP and want(withdrew.change(GUEST, gone=True)) is Want.SOUND


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"barred": True}, "no recording in this call"),
        ({"faults": frozenset({Link.LOG})}, "the log is lost"),
    ],
)
def test_what_stops(change: dict[str, Any], reason: str) -> None:
    verdict = wanted(replace(play().talking().call, **change))
    assert verdict == (Want.STOP, (reason,))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"causes": frozenset({Cause.KEY})}, "paused"),
        ({"faults": frozenset({Link.PBX})}, "the link to the PBX is lost"),
        ({"faults": frozenset({Link.LOG})}, "the event is not on disk yet"),
    ],
)
def test_what_silences(change: dict[str, Any], reason: str) -> None:
    verdict = wanted(replace(play(SPOOLED).talking().call, **change))
    assert verdict == (Want.SILENCE, (reason,))


def test_neither_log_nor_spool_stops_even_who_would_keep() -> None:
    faults = frozenset({Link.LOG, Link.SPOOL})
    assert want(replace(play(SPOOLED).talking().call, faults=faults, log_kept=True)) is Want.STOP


def test_hold_silences_only_where_it_is_heard() -> None:
    talk = play().talking()
    assert want(talk.holds(AGENT).call) is Want.SILENCE
    assert want(talk.unholds(AGENT).sees("elsewhere", Role.AGENT).holds("elsewhere").call) is Want.SOUND


def test_alone_is_silent_when_it_is_for_sure() -> None:
    call = play().granted().call
    assert is_alone(call) and want(call) is Want.SOUND
    assert want(replace(call, alone_for_sure=True)) is Want.SILENCE
    assert not may_start(call)


@pytest.mark.parametrize("link", Link)
def test_no_recorder_starts_while_anything_is_missing(link: Link) -> None:
    call = play().talking().call
    assert not may_start(replace(call, faults=frozenset({link})))


def test_an_exempt_far_party_is_not_enough() -> None:
    assert not may_start(play().talking().call.change(FAR, standing=Standing.EXEMPT))


CALLS = st.sampled_from([make().call for make in PHASES.values()])
CHANGES = st.fixed_dictionaries(
    {
        "causes": st.frozensets(st.sampled_from(Cause)),
        "barred": st.booleans(),
        "faults": st.frozensets(st.sampled_from(Link), max_size=2),
    }
)
PARTIES = st.builds(
    Channel,
    channel_id=st.just("newcomer"),
    role=st.sampled_from([Role.AGENT, Role.GUEST, Role.FAR]),
    standing=st.sampled_from(Standing),
    bridge=st.sampled_from(["", "B1", "B2"]),
    held=st.booleans(),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(CALLS, CHANGES, PARTIES)
def test_a_party_more_never_brings_sound(call: Call, change: dict[str, Any], party: Channel) -> None:
    """The one silence that company ends is that of having none."""
    before = replace(call, **change)
    after = before.with_channel(party)
    if want(after) is Want.SOUND:
        assert want(before) is Want.SOUND or wanted(before)[1] == ("nobody to talk to",)
    if may_start(after):
        assert may_start(before) or is_alone(before)
