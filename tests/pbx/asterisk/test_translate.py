from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.core.events import (
    Bridged,
    Cause,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeft,
    ChannelUnheld,
    DigitPressed,
    Event,
    PauseSignalled,
    RogueRecordingSeen,
    Unbridged,
    Unexpected,
)
from callguard.pbx.asterisk.translate import FILTERED, QUIET, endpoint, held, scrubbed, translate, waits_in
from callguard.ports import Dialled, Endpoint, Entered, Heard, Said, Sighted

NOW = datetime(2030, 1, 1, tzinfo=UTC)
AT = datetime(2026, 11, 23, 20, 4, 56, 123000, tzinfo=UTC)
HOSTILE = "$(reboot)`x`\r\nAction: Originate\0'; DROP TABLE call; --<img onerror=x>${SHELL(x)}=cmd|"


def channel(**changes: Any) -> dict[str, Any]:
    base = {
        "id": "17.5",
        "name": "PJSIP/agent-1-00000002",
        "state": "Up",
        "caller": {"name": "Zoë", "number": "15551234567"},
        "dialplan": {"context": "in", "exten": "100", "priority": 2, "app_name": "Stasis", "app_data": "callguard,1,x"},
    }
    return base | changes


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": "2026-11-23T22:04:56.123+0200", "application": "callguard", **fields}


def heard(message: object) -> list[Heard]:
    return translate(message, "callguard", NOW)


END = Endpoint("17.5", "PJSIP/agent-1-00000002", "PJSIP/agent-1", True, "15551234567", "Zoë")


def fact(kind: type[Event], **fields: Any) -> list[Heard]:
    return [Said(kind(**{"at": AT, "channel_id": "17.5", **fields}))]


TABLE: list[tuple[dict[str, Any], list[Heard]]] = [
    (event("StasisStart", channel=channel(), args=["1", "support"]), [Entered(AT, END, ("1", "support"))]),
    (event("StasisStart", channel=channel(), args=[], application="other"), []),
    (event("StasisEnd", channel=channel()), fact(ChannelLeft)),
    (event("StasisEnd", channel=channel(), application="other"), []),
    (event("ChannelCreated", channel=channel()), [Sighted(AT, END)]),
    (event("ChannelStateChange", channel=channel()), fact(ChannelAnswered)),
    (event("ChannelStateChange", channel=channel(state="Ringing")), []),
    (event("ChannelEnteredBridge", channel=channel(), bridge={"id": "b1"}), fact(Bridged, bridge_id="b1")),
    (event("ChannelLeftBridge", channel=channel(), bridge={"id": "b1"}), fact(Unbridged, bridge_id="b1")),
    (event("ChannelEnteredBridge", channel=channel(), bridge={"id": "b1", "bridge_type": "holding"}), []),
    (event("ChannelLeftBridge", channel=channel(), bridge={"id": "b1", "bridge_type": "holding"}), []),
    (event("ChannelHold", channel=channel()), fact(ChannelHeld)),
    (event("ChannelUnhold", channel=channel()), fact(ChannelUnheld)),
    (event("ChannelDtmfReceived", channel=channel(), digit="1"), fact(DigitPressed, digit="1")),
    (event("ChannelDtmfReceived", channel=channel(), digit="42"), fact(DigitPressed, digit="x")),
    (event("ChannelDestroyed", channel=channel(), cause=16), fact(ChannelHungUp, cause=16)),
    (event("ChannelDestroyed", channel=channel(), cause="?"), fact(ChannelHungUp, cause=0)),
    (event("Dial", caller={"id": "a"}, peer={"id": "b"}, dialstatus=""), [Dialled(AT, "a", "b")]),
    (event("Dial", caller={"id": "a"}, peer={"id": "b"}, dialstatus="ANSWER"), []),
    (
        event("Dial", caller={"id": "a"}, peer={"id": "b", "channelvars": {"CALLGUARD_SITE": "US-CA"}}, dialstatus=""),
        [Sighted(AT, Endpoint("b", "", "", words={"site": "US-CA"})), Dialled(AT, "a", "b")],
    ),
    (
        event("Dial", caller={"id": "a"}, peer={"id": "b", "channelvars": {"CALLGUARD_SITE": ""}}, dialstatus=""),
        [Dialled(AT, "a", "b")],
    ),
    (event("Dial", peer={"id": "b"}, dialstatus=""), []),
    (event("RecordingStarted", recording={"target_uri": "channel:17.5"}), fact(RogueRecordingSeen)),
    (
        event("RecordingStarted", recording={"target_uri": "bridge:b:1"}),
        fact(RogueRecordingSeen, channel_id="", bridge_id="b:1"),
    ),
    (event("ChannelNovelty", channel=channel()), fact(Unexpected, what="ChannelNovelty")),
    (event("BridgeNovelty", bridge={"id": "b"}), []),
    (
        event("ChannelUserevent", channel=channel(), eventname="callguard_pause", userevent={}),
        fact(PauseSignalled, cause=Cause.EVENT),
    ),
    (event("ChannelVarset", channel=channel(), variable="x", value="y"), []),
    (event("ChannelCreated", channel=channel(name="Snoop/17.5-00000001")), []),
    (event("ChannelDestroyed", channel=channel(name="Snoop/17.5-00000001"), cause=16), fact(ChannelHungUp, cause=16)),
    (event("ChannelDestroyed", channel=channel(id="callguard-callguard-12"), cause=16), []),
    (event("StasisStart", channel=channel(id="callguard-callguard-12"), args=[]), []),
    (event("ChannelHold", channel={}), []),
]


@pytest.mark.parametrize(
    ("message", "expected"), TABLE, ids=lambda value: value.get("type") if isinstance(value, dict) else ""
)
def test_table(message: dict[str, Any], expected: list[Heard]) -> None:
    assert heard(message) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PJSIP/agent1-0000000a", "PJSIP/agent1"),
        ("Local/3@agents-00000001;2", "Local/3@agents"),
        ("PJSIP/a-b-c-00000002", "PJSIP/a-b-c"),
        ("odd", "odd"),
        ("", ""),
    ],
)
def test_endpoint_of_a_channel_name(name: str, expected: str) -> None:
    assert endpoint(channel(name=name)).endpoint == expected


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-11-23T22:04:56", "0001-01-01T00:00:00+2359", 7, None])
def test_a_time_that_is_none_is_now(stamp: object) -> None:
    (said,) = heard(event("ChannelHold", channel=channel()) | {"timestamp": stamp})
    assert isinstance(said, Said) and said.event.at == NOW


def test_who_waits() -> None:
    assert waits_in(channel(), "callguard")
    assert not waits_in(channel(), "callguard2")
    assert not waits_in(channel(dialplan={"app_name": "Dial", "app_data": "callguard"}), "callguard")
    assert not waits_in({}, "callguard")


def test_digits_do_not_reach_the_stored_message() -> None:
    raw = scrubbed(event("ChannelDtmfReceived", channel=channel(), digit="4"))
    assert raw["digit"] == "x" and raw["type"] == "ChannelDtmfReceived"


@pytest.mark.parametrize(("said", "seconds"), [(500, 0.5), (10**9, 8.0), (-5, 0.0), ("500", 0.0), (None, 0.0)])
def test_for_how_long_a_key_was_held(said: object, seconds: float) -> None:
    assert held(event("ChannelDtmfReceived", channel=channel(), digit="4", duration_ms=said)) == seconds
    assert "digit" not in scrubbed(event("ChannelHold"))


def test_a_version_may_have_dots_and_a_place_may_not() -> None:
    args = ["1", "support", "inbound", "1.2", "place=US.TX", "dialplan=2026-11_26.3"]
    (entered,) = heard(event("StasisStart", channel=channel(), args=args))
    assert isinstance(entered, Entered) and entered.channel.words == {"dialplan": "2026-11_26.3"}


@pytest.mark.parametrize(
    ("linked_id", "calling"), [("17.1", [Dialled(AT, "", "17.5")]), ("17.4", []), ("", [])], ids=["told", "own", "none"]
)
def test_who_takes_a_waiting_channels_place_came_with_its_arguments(linked_id: str, calling: list[Heard]) -> None:
    """Its own list is empty (Asterisk 22)."""
    args = ("1", "sales", "outbound", linked_id, "place=DE")
    waiting = {"app_name": "Stasis", "app_data": ",".join(("callguard", *args))}
    place = channel(id="17.4", name="PJSIP/trunk-00000001", dialplan=waiting)
    came = Entered(AT, replace(END, words={"place": "DE"}), args)
    assert heard(event("StasisStart", channel=channel(), args=[], replace_channel=place)) == [*calling, came]


@pytest.mark.requirement("S126")
def test_a_hostile_caller_name_stays_in_its_field() -> None:
    said = heard(event("StasisStart", channel=channel(caller={"name": HOSTILE, "number": HOSTILE}), args=["1"]))
    assert isinstance(said[0], Entered) and said[0].channel.display == HOSTILE
    digits = heard(event("ChannelDtmfReceived", channel=channel(caller={"name": HOSTILE}), digit="1"))
    assert HOSTILE not in repr(digits)
    (odd,) = heard(event(HOSTILE, channel=channel()))
    assert isinstance(odd, Said) and isinstance(odd.event, Unexpected) and odd.event.what.isalnum()


def test_what_is_filtered_is_never_needed() -> None:
    assert set(FILTERED) <= QUIET


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KINDS = sorted({str(message["type"]) for message, _ in TABLE})
_FIELDS = ["channel", "bridge", "caller", "peer", "args", "digit", "cause", "recording", "timestamp", "application"]


@given(_JSON)
def test_no_json_raises(message: object) -> None:
    assert isinstance(heard(message), list)


@given(st.sampled_from(_KINDS), st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_no_field_of_a_known_type_raises(kind: str, fields: dict[str, object]) -> None:
    for said in heard({"type": kind, **fields}):
        json.dumps(said.event.data()) if isinstance(said, Said) else None


@given(st.sampled_from(_KINDS), st.sampled_from(["id", "name", "state", "caller", "dialplan"]), _JSON)
def test_no_channel_raises(kind: str, key: str, value: object) -> None:
    assert isinstance(heard(event(kind, channel=channel() | {key: value})), list)
