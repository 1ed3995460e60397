from __future__ import annotations

from dataclasses import replace

import pytest

from callguard.core.consent import Standing
from callguard.core.effects import MaskRecording, PlayPrompt, StopPrompt, StopRecording, UnmaskRecording, WakeAt
from callguard.core.events import Action, CallMerged, DigitPressed, OperatorActed, Outcome, Presence, Role, Script
from callguard.core.keypad import BETWEEN_KEYS, MOST_TELLINGS, spoken
from callguard.core.policy import Mode
from callguard.core.step import redact
from tests.core.play import AGENT, ANNOUNCE, ASK, FAR, GUEST, MODES, START, Play, play


def stored(talk: Play, digit: str, by: str = FAR) -> str:
    event = redact(talk.call, DigitPressed(at=talk.now, channel_id=by, digit=digit))
    assert isinstance(event, DigitPressed)
    return event.digit


# ---------------------------------------------------------------- sequences
def test_the_withdrawal_sequence() -> None:
    play().recording().presses("*7").said(Outcome.CONSENT_WITHDRAWN, Outcome.STOP_REQUESTED).did(StopRecording)


def test_a_sequence_works_before_the_notice_and_while_asked() -> None:
    play().starts().presses("*7").said(Outcome.CONSENT_REFUSED)
    play().told().presses("*7").said(Outcome.CONSENT_REFUSED)


def test_three_seconds_between_the_keys_are_in_time() -> None:
    assert BETWEEN_KEYS.total_seconds() == 3.0
    play().recording().presses("*7", every=3.0).stands(Standing.REFUSED)
    play().recording().presses("*7", every=3.01).is_quiet().stands(Standing.GRANTED)


def test_a_wrong_key_begins_anew() -> None:
    play().recording().presses("*57").is_quiet().stands(Standing.GRANTED)
    play().recording().presses("**7").stands(Standing.REFUSED)
    play().recording().presses("*5*7").stands(Standing.REFUSED)


def test_a_sequence_may_hold_an_answer_key() -> None:
    call_type = replace(ASK, withdraw="*2")
    play(call_type).told().presses("*2").said(Outcome.CONSENT_REFUSED)
    play(call_type).recording().presses("*2").said(Outcome.CONSENT_WITHDRAWN, Outcome.STOP_REQUESTED)
    play(call_type).told().presses("*1").said(Outcome.CONSENT_GRANTED)  # belongs to no sequence: an answer


# ---------------------------------------------------------------- who may press what
@pytest.mark.requirement("S82")
def test_the_agent_pauses_and_resumes() -> None:
    talk = play().recording().presses("*8", by=AGENT).did(MaskRecording)
    assert talk.last.reasons == ("pause key", "paused")
    talk.masked(8000).presses("*8", by=AGENT).did(UnmaskRecording)
    talk.unmasked(16000).hangs_up(AGENT).hangs_up().stopped().whole()
    assert talk.measure.masks == ((8000, 16000),)


@pytest.mark.fault("fusionpbx/fusionpbx#5373")
@pytest.mark.requirement("S82")
@pytest.mark.parametrize("who", [FAR, GUEST])
def test_an_outside_party_neither_makes_a_hole_nor_ends_one(who: str) -> None:
    talk = play().recording().sees(GUEST, Role.GUEST).presses("*8", by=who).is_unexpected()
    assert not talk.call.paused
    talk.presses("*8", by=AGENT).masked().presses("*8", by=who).is_unexpected()
    assert talk.call.paused


@pytest.mark.requirement("S82")
def test_on_an_internal_call_either_side_pauses() -> None:
    talk = play(replace(ASK, internal=Mode.ASK)).starts(direction="internal").hears().presses("1").leaves()
    talk.joined_by(AGENT, Role.AGENT).bridges(FAR).presses("*8").did(MaskRecording)


@pytest.mark.parametrize("keys", ["1", "2"])
def test_an_agents_answer_is_nobodys_answer(keys: str) -> None:
    talk = play().told().sees(AGENT, Role.AGENT).presses(keys, by=AGENT).is_quiet()
    talk.stands(Standing.AWAITING).stands(Standing.EXEMPT, AGENT)


def test_an_agent_has_no_consent_to_withdraw() -> None:
    talk = play().recording().presses("*7", by=AGENT).is_unexpected()
    talk.stands(Standing.EXEMPT, AGENT).stands(Standing.GRANTED)


@pytest.mark.parametrize("keys", ["1", "2"])
def test_a_guests_answer_is_nobodys_answer(keys: str) -> None:
    play().told().sees(GUEST, Role.GUEST).presses(keys, by=GUEST).is_quiet().stands(Standing.AWAITING)


def test_a_key_on_an_unknown_channel_is_written_down() -> None:
    play().told().presses("1", by="nobody").is_unexpected().stands(Standing.AWAITING)


# ---------------------------------------------------------------- what is stored
def test_card_digits_are_never_stored() -> None:
    talk = play().recording()
    for digit in "4111111111111111#":
        assert stored(talk, digit) == "x"
        assert stored(talk, digit, by=AGENT) == "x"
        talk.presses(digit)
    talk.stands(Standing.GRANTED)


@pytest.mark.parametrize("digit", ["1", "2"])
def test_answers_are_stored_only_where_they_are_answers(digit: str) -> None:
    assert stored(play().starts(), digit) == "x"
    assert stored(play().starts().begins(), digit) == digit
    assert stored(play().told(), digit) == digit
    assert stored(play().granted(), digit) == "x"
    assert stored(play().told().sees(AGENT, Role.AGENT), digit, by=AGENT) == "x"


def test_keys_of_a_sequence_are_stored_while_they_make_one() -> None:
    talk = play().recording()
    assert (stored(talk, "*"), stored(talk, "7")) == ("*", "x")
    talk.presses("*")
    assert (stored(talk, "7"), stored(talk, "4")) == ("7", "x")
    talk.wait(3.01)
    assert stored(talk, "7") == "x"


def test_a_key_on_an_unknown_channel_is_not_stored() -> None:
    assert stored(play().told(), "1", by="nobody") == "x"


def test_facts_that_are_no_keys_are_stored_as_they_are() -> None:
    talk = play().starts()
    for fact in talk.facts:
        assert redact(talk.call, fact) is fact


def test_a_key_brings_no_prompt_where_it_means_nothing() -> None:
    talk = play().recording()
    before = talk.count(PlayPrompt)
    talk.presses("0123456789#abcdx")
    assert talk.count(PlayPrompt) == before and talk.now > START


# ---------------------------------------------------------------- more, and other languages
POLYGLOT = replace(ASK, language_keys={"3": "es"})


@pytest.mark.requirement("S53")
@pytest.mark.parametrize("mode", [Mode.ASK, Mode.ANNOUNCE])
def test_key_9_tells_more_and_then_the_notice_again(mode: Mode) -> None:
    talk = play(MODES[mode]).starts().begins().presses("9").did(StopPrompt, PlayPrompt).plays(Script.LONG_NOTICE)
    assert next(item.seconds for item in talk.last.effects if isinstance(item, WakeAt)) == 90.0
    talk.fails(reason="stopped").is_quiet()
    talk.hears(Script.LONG_NOTICE).plays(Script.NOTICE).stands(Standing.NOTIFYING)
    talk.hears().stands(Standing.AWAITING)


def test_a_yes_counts_only_after_the_notice_that_follows() -> None:
    talk = play().told().presses("9").presses("1").is_quiet().stands(Standing.NOTIFYING)
    talk.hears(Script.LONG_NOTICE).hears().presses("1").stands(Standing.GRANTED)


def test_a_no_counts_while_more_is_told() -> None:
    play().told().presses("9").begins(Script.LONG_NOTICE).presses("2").stands(Standing.REFUSED)


def test_the_window_from_before_is_closed_by_nobody() -> None:
    talk = play().told().presses("9").feed_deadline("answer").stands(Standing.NOTIFYING)
    talk.hears(Script.LONG_NOTICE).hears().feed_deadline("answer").is_quiet()
    talk.passes("answer").plays(Script.QUESTION)


def test_a_notice_that_ended_with_the_very_key_is_not_the_end_of_the_long_one() -> None:
    play().starts().begins().presses("9").ends().is_quiet().stands(Standing.NOTIFYING)


def test_a_long_notice_that_fails_is_followed_by_the_notice() -> None:
    play().told().presses("9").fails(Script.LONG_NOTICE).plays(Script.NOTICE)
    play().told().presses("9").passes("prompt").plays(Script.NOTICE)


@pytest.mark.requirement("S20")
def test_a_key_changes_the_language() -> None:
    talk = play(POLYGLOT).starts(language="en").begins().presses("3").did(StopPrompt, PlayPrompt).plays(Script.NOTICE)
    assert talk.call.language == "es"
    talk.fails(reason="stopped").hears().presses("3").plays(Script.NOTICE).hears().presses("1").stands(Standing.GRANTED)


def test_other_keys_and_other_places_are_the_admins() -> None:
    assert stored(play(POLYGLOT).told(), "3") == "3" and stored(play().told(), "3") == "x"
    assert stored(play().told(), "9") == "9" and stored(play().recording(), "9") == "x"
    assert stored(play(ANNOUNCE).told().leaves(), "9") == "x"
    play().recording().presses("9").is_quiet()


def test_nobody_listens_to_the_notice_for_ever() -> None:
    talk = play()
    talk.told()
    for _ in range(MOST_TELLINGS):
        talk.presses("9").hears(Script.LONG_NOTICE).hears()
    assert stored(talk, "9") == "x"
    talk.presses("9").is_quiet()


# ---------------------------------------------------------------- calls that must be recorded
DESK = replace(ASK, must_record=True, pause_limit_s=30)


def test_a_pause_has_its_limit() -> None:
    talk = play(DESK).recording().presses("*8", by=AGENT).masked(8000)
    assert talk.wait(30).passes("pause").did(UnmaskRecording).last.reasons[0] == "pause limit"
    talk.unmasked(9000).presses("*8", by=AGENT).masked(9500).feed_deadline("pause:1").is_quiet()
    talk.presses("*8", by=AGENT).unmasked(9900).passes("pause").is_quiet()


def test_without_a_limit_a_pause_lasts() -> None:
    talk = play().recording().presses("*8", by=AGENT)
    assert not [item for item in talk.last.effects if isinstance(item, WakeAt) and item.name.startswith("pause")]


# ---------------------------------------------------------------- what staff says for the far party
KEYED = replace(ASK, someone_else="*5", cannot_consent="*6", all_present="*4")


def said(talk: Play, digit: str, by: str) -> OperatorActed | None:
    return spoken(talk.call, DigitPressed(at=talk.now, channel_id=by, digit=digit))


@pytest.mark.requirement("S73")
@pytest.mark.parametrize(("key", "presence"), [("5", Presence.SOMEONE_ELSE), ("6", Presence.CANNOT_CONSENT)])
def test_the_agents_key_says_something_of_the_far_party_that_its_other_calls_have_to_hear(
    key: str, presence: Presence
) -> None:
    talk = play(KEYED).recording().presses("*", by=AGENT)
    act = said(talk, key, AGENT)
    assert act and (act.channel_id, act.action, act.presence) == (FAR, Action.PRESENT, presence)
    assert act.operator == AGENT and said(talk, "4", AGENT) is said(talk, "9", AGENT) is None
    talk.presses("*")
    assert said(talk, key, FAR) is said(talk, key, "nobody") is None


def test_an_operators_word_is_passed_on_once_and_without_its_note() -> None:
    talk = play(KEYED).recording()
    act = OperatorActed(at=talk.now, action=Action.WITHDRAW, operator="uid:1", note="n")
    assert spoken(talk.call, act) == replace(act, channel_id=FAR, note="")
    talk.sees(GUEST, Role.GUEST).feed(CallMerged, GUEST, other_call_id="x")
    assert spoken(talk.call, replace(act, channel_id=GUEST)) is None
    assert spoken(play(KEYED).call, act) is None


@pytest.mark.parametrize(
    ("action", "presence"),
    [(Action.PAUSE, Presence.NOT_SAID), (Action.CONSENT, Presence.NOT_SAID), (Action.PRESENT, Presence.ALL)],
)
def test_other_acts_are_of_one_call(action: Action, presence: Presence) -> None:
    talk = play(KEYED).recording()
    assert spoken(talk.call, OperatorActed(at=talk.now, action=action, presence=presence)) is None
