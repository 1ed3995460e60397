from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from callguard.core.consent import Standing
from callguard.core.effects import DiscardRecording, PlayPrompt, SendOn, StopPrompt, StopRecording, StopRogue, WakeAt
from callguard.core.events import (
    FACTS,
    Action,
    CallMerged,
    CallStarted,
    ChannelSeen,
    DeadlinePassed,
    DigitPressed,
    EffectFailed,
    Event,
    IncidentClosed,
    Link,
    LinkLost,
    LinkRestored,
    NoticeEnded,
    NoticeFailed,
    NoticeStarted,
    OperatorActed,
    Outcome,
    PartyIdentified,
    RecordingEvent,
    RogueRecordingSeen,
    Role,
    Script,
    Unexpected,
)
from callguard.core.policy import UNKNOWN, OnRogue
from callguard.core.recording import State
from callguard.core.step import CLOSE_PATIENCE
from callguard.core.word import Reason
from tests.core.play import AGENT, ASK, FAR, GUEST, PHASES, Play, play

DEADLINES = ["answer", "last_answer", "spooled", "guard", "close"]
WATCHES = ["arm:1", "arm:2", "prompt:1", "mask:1", "unmask:1", "stop:1", "alone:1"]
ODD = ["", "prompt", "prompt:", "prompt:x", "mask:-1", "alone:" + "9" * 5000, "stop:²", "tea", "tea:1", "a:b:c"]
EFFECTS = [
    "Answer",
    "PlayPrompt",
    "SendOn",
    "StopPrompt",
    "StartRecording",
    "ArmRecording",
    "MaskRecording",
    "StopRecording",
]

VARIANTS: dict[type[Event], list[dict[str, Any]]] = {
    CallStarted: [
        {},
        {"answered": False},
        {"known_call_type": False},
        {"faults": (Link.LOG,)},
        {"least_privilege": True},
        {"halted": True},
    ],
    ChannelSeen: [{"role": role} for role in Role],
    NoticeStarted: [{"script": script} for script in Script],
    NoticeEnded: [{"script": script} for script in Script],
    NoticeFailed: [{"script": script} for script in Script],
    DigitPressed: [{"digit": digit} for digit in ("1", "2", "*", "7", "8", "x", "", "*7", "*8")],
    LinkLost: [{"link": link} for link in Link],
    LinkRestored: [{"link": link} for link in Link],
    DeadlinePassed: [{"name": name} for name in DEADLINES + WATCHES + ODD],
    EffectFailed: [
        {"effect": effect, "recording_id": recording_id} for effect in EFFECTS for recording_id in ("", "nobody's")
    ],
    OperatorActed: [{"action": action} for action in Action],
}


def facts(talk: Play) -> list[Event]:
    """Every class of fact, in every variant, about every kind of channel and recording."""
    found: list[Event] = []
    for kind, who in product(FACTS.values(), (FAR, AGENT, GUEST, "nobody", "")):
        variants = VARIANTS.get(kind, [{}])
        if issubclass(kind, RecordingEvent):
            known = [item.recording_id for item in talk.call.recordings]
            variants = [{"recording_id": item} for item in [*known, "nobody's"]]
        found += [kind(at=talk.now, channel_id=who, **variant) for variant in variants]
    return found


@pytest.mark.requirement("S123")
@pytest.mark.parametrize("phase", PHASES)
def test_every_fact_in_every_phase(phase: str) -> None:
    """No fact raises; one that no table knows changes nothing and is written down (`take` checks the rest)."""
    start = PHASES[phase]()
    for fact in facts(start):
        talk = Play(call=start.call)
        talk.now = start.now
        talk.take(fact)
        if Outcome.UNEXPECTED in talk.wrote:
            forgets_keys = isinstance(fact, DigitPressed)
            assert talk.call == start.call or forgets_keys, fact
            assert not talk.effects and len(talk.wrote) == 1, fact


def test_the_phases_are_what_they_say() -> None:
    shown = {name: make().call.summary() for name, make in PHASES.items()}
    for name in ("growing", "masked", "stopping", "stopped", "lost"):
        assert shown[name]["recording"] == name
    for name in ("masking", "unmasking"):
        assert shown[name]["mask"] == name
    assert shown["requested"]["recording"] == "requested" and shown["second segment"]["segments"] == 2
    assert shown["over"]["over"] and shown["paused"]["paused"] and shown["log kept"]["faults"] == ["log"]
    for name in ("notifying", "awaiting", "granted", "refused"):
        assert shown[name]["standings"][FAR] == name


# ---------------------------------------------------------------- the call
@pytest.mark.requirement("S1")
def test_an_unknown_call_type_is_sent_on_unrecorded_with_an_incident() -> None:
    talk = play(UNKNOWN).starts(known_call_type=False).did(SendOn).incident("unknown_call_type")
    talk.leaves().sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded()


@pytest.mark.requirement("S1")
def test_an_agent_who_is_about_to_dial_is_not_asked_for_whom_it_calls() -> None:
    talk = play().starts(direction="outbound", wrong_end=True).did(SendOn).incident("asked_wrong_end")
    talk.leaves().sees(AGENT, Role.GUEST).bridges(FAR, AGENT).presses("1").never_recorded()


def test_a_second_start_is_written_down_and_changes_nothing() -> None:
    play().granted().starts().is_unexpected().stands(Standing.GRANTED)


def test_a_call_is_over_when_all_left_and_the_recording_has_a_verdict() -> None:
    talk = play().recording().hangs_up(AGENT).hangs_up().stopped().whole()
    assert not talk.call.over
    assert talk.verified().call.over
    talk.presses("1").is_unexpected()
    assert play().starts().hangs_up().call.over


def test_a_call_whose_recording_never_settles_is_closed_with_an_incident() -> None:
    talk = play().recording().hangs_up()
    assert any(effect == WakeAt(name="close", seconds=CLOSE_PATIENCE) for effect in talk.last.effects)
    assert talk.wait(30).passes("close").incident("recording_unsettled").call.over
    settled = play().recording().hangs_up().whole().verified().passes("close").is_quiet()
    assert settled.call.over


def test_a_far_party_that_was_not_gone_is_not_closed() -> None:
    talk = play().recording().hangs_up().sees(FAR, Role.FAR).bridges(FAR)
    talk.is_state(State.REQUESTED, 1).passes("close").is_quiet()
    assert not talk.call.over


# ---------------------------------------------------------------- channels
def test_an_agent_is_exempt_and_a_guest_is_not() -> None:
    play().granted().sees(AGENT, Role.AGENT).stands(Standing.EXEMPT, AGENT).sees(GUEST, Role.GUEST).stands(
        Standing.UNNOTIFIED, GUEST
    )


def test_a_channel_seen_again_keeps_its_standing_and_learns_its_pair() -> None:
    talk = play().granted().sees(FAR, Role.GUEST, pair="l2").stands(Standing.GRANTED)
    assert talk.call.channels[FAR].pair == "l2" and talk.call.channels[FAR].role is Role.FAR
    assert talk.sees(FAR, Role.FAR).call.channels[FAR].pair == "l2"


def test_leaving_a_bridge_that_it_is_no_longer_in_changes_nothing() -> None:
    talk = play().talking().bridges(AGENT, bridge="B2").unbridges(AGENT, bridge="B1").is_quiet()
    assert talk.call.channels[AGENT].bridge == "B2"


def test_a_key_or_a_deadline_with_an_odd_name_is_written_down() -> None:
    for name in ODD:
        play().talking().feed(DeadlinePassed, "", name=name)
    play().talking().feed(DeadlinePassed, "", name="tea:1").is_unexpected()
    play().talking().feed(DeadlinePassed, "", name="prompt:x").is_unexpected()


# ---------------------------------------------------------------- the rest
@pytest.mark.parametrize("kind", [CallMerged, IncidentClosed, Unexpected])
def test_what_is_only_written_down(kind: type[Event]) -> None:
    play().recording().feed(kind).is_quiet()


def test_who_somebody_is_is_written_down_for_known_channels() -> None:
    play().talking().feed(PartyIdentified, AGENT).is_quiet()
    play().talking().feed(PartyIdentified, "nobody").is_unexpected()


def test_a_stranger_who_records_is_an_incident() -> None:
    play().talking().feed(RogueRecordingSeen).incident("rogue_recording").did()
    stops = play(replace(ASK, on_rogue=OnRogue.STOP)).talking()
    stops.feed(RogueRecordingSeen, bridge_id="B1").incident("rogue_recording").did(StopRogue)
    stops.refused(StopRogue).incident("rogue_not_stopped")


def test_requests_that_fail() -> None:
    play().granted().refused(SendOn).incident("send_on_failed")
    play().granted().sees(AGENT, Role.AGENT).hangs_up().refused(SendOn).is_quiet()  # who hung up is not kept
    play().granted().refused(StopPrompt).is_quiet()
    play().recording().refused(PlayPrompt, AGENT).incident("line_failed")
    play().granted().feed(EffectFailed, effect="MaskRecording", recording_id="nobody's").is_unexpected()


def test_an_operator_who_withdraws_before_anybody_is_there_changes_nothing() -> None:
    play().operator(Action.WITHDRAW).is_unexpected()


@pytest.mark.parametrize("link", [Link.SPOOL, Link.DISK, Link.GUARD, Link.VAULT])
def test_a_lost_link_under_a_recording_is_an_incident(link: Link) -> None:
    play().recording().loses(link).incident(f"{link}_lost").did()
    play().granted().loses(link).said()


@pytest.mark.requirement("S110")
def test_a_call_that_is_halted_asks_nobody_and_one_that_is_stopped_begins_no_more() -> None:
    play().starts(halted=True).did(SendOn).sees(AGENT, Role.AGENT).bridges(FAR, AGENT).never_recorded()
    talk = play().recording().operator(Action.STOP).did(StopRecording)
    assert talk.last.reasons == ("stopped for good by an operator", "no recording in this call")
    talk.stopped().whole().verified().operator(Action.RESUME, Reason.MISTAKE).is_quiet()
    assert talk.joined_by().call.barred and not talk.count(DiscardRecording)
