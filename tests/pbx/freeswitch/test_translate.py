"""Events of a real FreeSWITCH, told in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.core.events import (
    Bridged,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeft,
    ChannelUnheld,
    DigitPressed,
    Event,
    ListeningEnded,
    ListeningStarted,
    Unbridged,
    Unexpected,
)
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.site import DIGIT_SOURCES, IN_BAND
from callguard.pbx.freeswitch.translate import EAR, Translator, conference, endpoint, scrubbed, time_of
from callguard.ports import Dialled, Entered, Heard, Said, Sighted
from tests.pbx.freeswitch.capture import messages

NOW = datetime(2026, 1, 2, tzinfo=UTC)
T = TypeVar("T")


def told(name: str, translator: Translator | None = None) -> list[Heard]:
    """All that a capture says."""
    own = translator or Translator()
    return [heard for message in messages(name) for heard in own.read(message, NOW)]


def facts(heard: list[Heard], kind: type[T]) -> list[T]:
    return [item.event for item in heard if isinstance(item, Said) and isinstance(item.event, kind)]


def event(name: str, channel_id: str = "u1", **headers: str) -> Message:
    return {"Event-Name": name, "Unique-ID": channel_id} | {
        key.replace("_", "-"): value for key, value in headers.items()
    }


# ---------------------------------------------------------------- a whole call
def test_a_call_is_told_in_the_order_in_which_it_happened() -> None:
    heard = told("consent.inbound")
    far, agent = (item.channel.channel_id for item in heard if isinstance(item, Sighted))
    assert next(item for item in heard if isinstance(item, Dialled)).caller_id == far
    names = [
        (type(item.event).__name__, "far" if item.event.channel_id == far else "agent")
        for item in heard
        if isinstance(item, Said)
    ]
    assert names == [
        ("ChannelAnswered", "far"),
        ("DigitPressed", "far"),
        ("ChannelAnswered", "agent"),
        ("Bridged", "far"),
        ("Bridged", "agent"),
        ("Unbridged", "far"),  # CHANNEL_HANGUP of either comes before the CHANNEL_UNBRIDGE of both
        ("ChannelHungUp", "far"),
        ("Unbridged", "agent"),
        ("ChannelHungUp", "agent"),
    ]
    assert {item.cause for item in facts(heard, ChannelHungUp)} == {16}
    assert facts(heard, DigitPressed)[0].digit == "1"
    assert facts(heard, ChannelAnswered)[0].at == datetime(2026, 11, 23, 20, 54, 9, 530767, tzinfo=UTC)
    assert {item.bridge_id for item in facts(heard, Bridged)} == {min(far, agent)}


def test_who_enters_is_told_with_what_the_dialplan_passed() -> None:
    answer = messages("consent.outbound")[0]
    said = {"variable_callguard_type": "support", "variable_callguard_direction": "inbound"}
    own = Translator()
    sighted, entered = own.entered({**answer, **said, "variable_callguard_place": "US-CA"}, NOW)
    assert isinstance(sighted, Sighted) and isinstance(entered, Entered)
    assert entered.args == ("1", "support", "inbound", answer["Channel-Call-UUID"]) and entered.waiting
    assert not entered.channel.answered and entered.channel.words == {"place": "US-CA"}
    (left,) = own.read(event("CHANNEL_EXECUTE_COMPLETE", entered.channel.channel_id, Application="socket"), NOW)
    assert isinstance(left, Said) and isinstance(left.event, ChannelLeft)
    assert own.read(event("CHANNEL_EXECUTE_COMPLETE", entered.channel.channel_id, Application="socket"), NOW) == []


def test_who_waits_and_hangs_up_leaves_first() -> None:
    own = Translator()
    own.entered(event("CHANNEL_DATA"), NOW)
    heard = own.read(event("CHANNEL_HANGUP", Hangup_Cause="nonsense"), NOW)
    assert [type(item.event) for item in heard if isinstance(item, Said)] == [ChannelLeft, ChannelHungUp]
    assert own.read(event("CHANNEL_DESTROY"), NOW) == []  # said already


def test_an_attended_transfer_brings_another_party_into_the_bridge() -> None:
    heard = told("attended-transfer-caller-leg.inbound")
    moves = [item for item in facts(heard, Event) if isinstance(item, Bridged | Unbridged)]
    far = moves[0].channel_id
    there: set[str] = set()
    seen = []
    for move in moves:
        if move.bridge_id in [item.bridge_id for item in moves if item.channel_id == far]:
            there = there | {move.channel_id} if isinstance(move, Bridged) else there - {move.channel_id}
            seen.append(frozenset(there))
    sighted = [item.channel for item in heard if isinstance(item, Sighted)]
    agent, guest = (
        next(c.channel_id for c in sighted if c.endpoint == name) for name in ("sofia/lab/agent", "sofia/lab/sup")
    )
    assert frozenset((far, agent)) in seen and frozenset((far, guest)) in seen
    assert seen.index(frozenset((far, agent))) < seen.index(frozenset((far, guest)))


def test_members_of_a_conference_are_in_one_bridge() -> None:
    heard = told("third-party-conference.inbound")
    members = [item.channel_id for item in facts(heard, Bridged) if item.bridge_id == "conference-room1"]
    assert len(set(members)) == 3
    left = [item.channel_id for item in facts(heard, Unbridged) if item.bridge_id == "conference-room1"]
    assert set(left) == set(members)


def test_a_listener_by_three_way_is_in_the_bridge_of_whom_it_hears() -> None:
    heard = told("third-party-three_way.inbound")
    listener = next(
        item.channel.channel_id for item in heard if isinstance(item, Sighted) and "super" in item.channel.name
    )
    joined = [item for item in facts(heard, Bridged) if item.channel_id == listener]
    assert len(joined) == 1 and joined[0].bridge_id == facts(heard, Bridged)[0].bridge_id
    assert [item for item in facts(heard, Unbridged) if item.channel_id == listener]


def test_who_enters_a_conference_is_in_it_before_a_word_is_heard_there() -> None:
    """A real one mixes first and says add-member then: sixty milliseconds of a stranger were in the file."""
    own = bridged("a", "b")
    heard = own.read(event("CHANNEL_EXECUTE", "a", Application="conference", Application_Data="r1@default+42"), NOW)
    assert [(type(item), item.channel_id) for item in facts(heard, Event)] == [(Unbridged, "a"), (Bridged, "a")]
    assert own.bridges["a"] == conference("r1")
    room = {"Event_Subclass": "conference::maintenance", "Action": "add-member", "Conference_Name": "r1"}
    assert own.read(event("CUSTOM", "a", **room), NOW) == []
    moved = own.read(event("CUSTOM", "a", **room | {"Conference_Name": "r2"}), NOW)
    assert len(moved) == 2 and own.bridges["a"] == conference("r2")
    own.read(event("CHANNEL_EXECUTE_COMPLETE", "a", Application="conference"), NOW)
    assert "a" not in own.bridges
    assert own.read(event("CHANNEL_EXECUTE_COMPLETE", "b", Application="conference"), NOW) == [] and "b" in own.bridges


# ---------------------------------------------------------------- listeners
def bridged(*legs: str) -> Translator:
    own = Translator()
    own.known.update(legs)
    own.read(event("CHANNEL_BRIDGE", legs[0], Bridge_A_Unique_ID=legs[0], Bridge_B_Unique_ID=legs[1]), NOW)
    return own


@pytest.mark.requirement("S73")
def test_a_listener_without_a_name_is_a_party_too() -> None:
    own = bridged("a", "b")
    heard = own.read(event("MEDIA_BUG_START", "b", Media_Bug_Function="eavesdrop"), NOW)
    assert [(item.channel_id, item.heard_id) for item in facts(heard, ListeningStarted)] == [(f"{EAR}b", "b")]
    gone = own.read(event("MEDIA_BUG_STOP", "b", Media_Bug_Function="eavesdrop"), NOW)
    assert [type(item) for item in facts(gone, Event)] == [ChannelHungUp]
    assert own.read(event("MEDIA_BUG_START", "b", Media_Bug_Function="session_record"), NOW) == []
    assert own.read(event("MEDIA_BUG_START", "elsewhere", Media_Bug_Function="eavesdrop"), NOW) == []


def test_whoever_listened_before_the_bridge_is_heard_of_before() -> None:
    own = Translator()
    own.known.update("ab")
    early = own.read(event("MEDIA_BUG_START", "b", Media_Bug_Function="eavesdrop"), NOW)
    assert [item.heard_id for item in facts(early, ListeningStarted)] == ["b"]
    heard = own.read(event("CHANNEL_BRIDGE", "a", Bridge_A_Unique_ID="a", Bridge_B_Unique_ID="b"), NOW)
    assert {item.channel_id for item in facts(heard, Bridged)} == {"a", "b"}
    assert [type(item) for item in facts(list(own.listening(NOW)), Event)] == [ListeningStarted]
    gone = own.read(event("CHANNEL_HANGUP", "b"), NOW)
    assert {item.channel_id for item in facts(gone, ChannelHungUp)} == {"b", f"{EAR}b"} and not own.listens


def test_a_listener_to_all_joins_each_call_that_it_hears() -> None:
    own = bridged("a", "b")
    own.read(event("CHANNEL_EXECUTE", "boss", Application="eavesdrop", Application_Data="all"), NOW)
    heard = own.read(event("MEDIA_BUG_START", "b", Media_Bug_Function="eavesdrop"), NOW)
    assert [(item.channel_id, item.heard_id) for item in facts(heard, ListeningStarted)] == [("boss", "b")]
    end = own.read(event("CHANNEL_EXECUTE_COMPLETE", "boss", Application="eavesdrop"), NOW)
    assert [item.channel_id for item in facts(end, ListeningEnded)] == ["boss"] and not own.listens


def test_after_a_gap_a_listener_is_where_it_was_put_and_leaves_from_there() -> None:
    own = bridged("a", "b")
    own.bridges["boss"] = own.bridges["a"]
    own.listen_anew({"boss": "b"}, frozenset({"boss"}))
    assert [item.channel_id for item in facts(list(own.listening(NOW)), ListeningStarted)] == ["boss"]
    end = own.read(event("CHANNEL_EXECUTE_COMPLETE", "boss", Application="eavesdrop"), NOW)
    assert [type(item) for item in facts(end, Event)] == [ListeningEnded, Unbridged]


def test_a_third_one_stays_one_while_we_speak_to_it() -> None:
    own = bridged("a", "b")
    own.read(event("CHANNEL_EXECUTE", "agent", Application="three_way", Application_Data="b"), NOW)
    own.listen_anew({"agent": "b"}, frozenset({"agent"}))
    assert own.silent == set() and list(own.listening(NOW)) == []


def test_a_third_one_follows_the_one_that_it_joins() -> None:
    own = Translator()
    own.read(event("CHANNEL_EXECUTE", "boss", Application="three_way", Application_Data="b"), NOW)
    heard = own.read(event("CHANNEL_BRIDGE", "a", Bridge_A_Unique_ID="a", Bridge_B_Unique_ID="b"), NOW)
    assert {item.channel_id for item in facts(heard, Bridged)} == {"a", "b", "boss"}


# ---------------------------------------------------------------- keys
def test_only_keys_that_a_phone_sent_count() -> None:
    heard = told("dtmf-sources.outbound")
    assert len(facts(heard, DigitPressed)) == len(
        [m for m in messages("dtmf-sources.outbound") if m.get("DTMF-Source") == "RTP"]
    )
    assert [item.what for item in facts(heard, Unexpected)] == ["DTMF"]


@pytest.mark.requirement("S123")
@pytest.mark.parametrize(
    ("source", "counts"),
    [("RTP", True), ("ENDPOINT", True), (IN_BAND, False), ("APP", False), ("UNKNOWN", False), ("", False)],
)
def test_where_a_key_may_come_from(source: str, counts: bool) -> None:
    key = event("DTMF", DTMF_Digit="2", DTMF_Source=source)
    (heard,) = Translator().read(key, NOW)
    assert isinstance(heard, Said) and isinstance(heard.event, DigitPressed) is counts
    (heard,) = Translator((*DIGIT_SOURCES, IN_BAND)).read(key, NOW)
    assert isinstance(heard, Said) and isinstance(heard.event, DigitPressed) is (counts or source == IN_BAND)


@pytest.mark.parametrize(("said", "digit"), [("#", "#"), ("A", "A"), ("~", "x"), ("12", "x"), ("", "x")])
def test_a_key_is_a_key_or_an_x(said: str, digit: str) -> None:
    heard = Translator().read(event("DTMF", DTMF_Digit=said, DTMF_Source="RTP"), NOW)
    assert facts(heard, DigitPressed)[0].digit == digit


def test_the_log_keeps_no_key_and_no_variable() -> None:
    raw = scrubbed({"Event-Name": "DTMF", "DTMF-Digit": "4", "variable_pin": "4711"})
    assert raw == {"Event-Name": "DTMF", "DTMF-Digit": "x"}


# ---------------------------------------------------------------- who it is
OUT = {"Call-Direction": "outbound", "Channel-Name": "sofia/internal/agent1@192.0.2.9:5060"}
IN = {"Call-Direction": "inbound", "Channel-Name": "sofia/internal/agent1@evil.example"}
USER = {"variable_user_name": "agent1", "variable_domain_name": "pbx.example"}


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (OUT, "sofia/internal/agent1"),
        (OUT | {"variable_dialed_user": "agent1", "variable_dialed_domain": "pbx.example"}, "user/agent1@pbx.example"),
        (OUT | {"variable_sip_gateway_name": "trunk"}, "gateway/trunk"),
        (IN, "sofia/internal"),  # who calls may call himself what he wants
        (IN | USER, "sofia/internal"),
        (IN | USER | {"variable_sip_authorized": "true"}, "user/agent1@pbx.example"),
        (IN | {"variable_sip_gateway": "trunk"}, "gateway/trunk"),
        ({}, ""),
    ],
)
def test_an_endpoint_is_what_the_pbx_knows_and_not_what_the_caller_says(message: Message, name: str) -> None:
    assert endpoint(message).endpoint == name


def test_a_caller_s_own_words_stay_in_number_and_name() -> None:
    created = endpoint({**IN, "Caller-Caller-ID-Number": "x\n1", "Caller-Caller-ID-Name": "'; DROP"})
    assert (created.number, created.display) == ("x\n1", "'; DROP")
    dialled = endpoint({**OUT, "Caller-Callee-ID-Number": "agent1", "Caller-Caller-ID-Number": "other"})
    assert dialled.number == "agent1"


def test_halves_of_a_loopback_are_plumbing_and_a_pair() -> None:
    one = {"Unique-ID": "a", "Channel-Name": "loopback/100-a", "variable_other_loopback_leg_uuid": "b"}
    other = {"Unique-ID": "b", "Channel-Name": "loopback/100-b", "variable_other_loopback_leg_uuid": "a"}
    assert [endpoint(item).name for item in (one, other)] == ["loopback/a;1", "loopback/a;2"]
    assert endpoint({"Unique-ID": "a", "Channel-Name": "loopback/100-a"}).name == "loopback/a;1"


@pytest.mark.parametrize("evil", ["a b", "x" * 49, "a/../b", "a\nb", ""])
def test_a_conference_with_an_odd_name_has_none(evil: str) -> None:
    assert conference(evil) == "conference-other" and conference("room_1") == "conference-room_1"


# ---------------------------------------------------------------- odd input
def test_hold_and_its_end() -> None:
    own = Translator()
    kinds = [type(facts(own.read(event(name), NOW), Event)[0]) for name in ("CHANNEL_HOLD", "CHANNEL_UNHOLD")]
    assert kinds == [ChannelHeld, ChannelUnheld]


@pytest.mark.parametrize("stamp", ["", "x", "-5", "9" * 18, "1" * 30])
def test_a_time_that_is_none_is_now(stamp: str) -> None:
    assert time_of({"Event-Date-Timestamp": stamp}, NOW) == NOW or stamp == "9" * 18


NAMES = """CHANNEL_CREATE CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_HANGUP CUSTOM DTMF MEDIA_BUG_START""".split()
KEYS = """Unique-ID Other-Leg-Unique-ID Bridge-A-Unique-ID Bridge-B-Unique-ID Event-Date-Timestamp DTMF-Digit""".split()
HEADERS = st.dictionaries(st.sampled_from(KEYS), st.text(max_size=70))


@given(st.lists(st.tuples(st.sampled_from(NAMES), HEADERS), max_size=8))
def test_no_event_breaks_anything(many: list[tuple[str, dict[str, str]]]) -> None:
    own = Translator()
    for name, headers in many:
        for heard in own.read({"Event-Name": name, **headers}, NOW):
            assert isinstance(heard, Said | Sighted | Dialled)
