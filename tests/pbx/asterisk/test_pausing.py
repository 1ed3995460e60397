"""Signals for a pause, as Asterisk spells them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from callguard.core.events import Cause, PauseSignalled
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.pausing import heard, user_event

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def message(**headers: str) -> Message:
    return Message(tuple(headers.items()))


def variable(value: str, name: str = "CALLGUARD_PAUSE") -> Message:
    return message(Event="VarSet", Channel="PJSIP/a-1", Uniqueid="1.1", Variable=name, Value=value)


@pytest.mark.requirement("S82")
@pytest.mark.parametrize(
    ("value", "on"),
    [("1", True), ("on", True), ("card", True), (" Off ", False), ("0", False), ("", False), ("no", False)],
)
def test_a_variable_begins_and_ends(value: str, on: bool) -> None:
    assert heard(variable(value), AT) == PauseSignalled(at=AT, channel_id="1.1", cause=Cause.VARIABLE, on=on)


def test_an_inherited_variable_is_the_same_one() -> None:
    assert heard(variable("1", "__CALLGUARD_PAUSE"), AT) == heard(variable("1"), AT)


@pytest.mark.requirement("S82")
@pytest.mark.parametrize(("name", "on"), [("callguard_pause", True), ("callguard_resume", False)])
def test_a_user_event_of_ami_names_its_channel(name: str, on: bool) -> None:
    said = heard(message(Event="UserEvent", UserEvent=name, Uniqueid="1.1"), AT)
    assert said == PauseSignalled(at=AT, channel_id="1.1", cause=Cause.EVENT, on=on) == user_event(name, "1.1", AT)


@pytest.mark.parametrize(
    "other",
    [
        variable("1", "CALLGUARD_PAUSED"),
        message(Event="VarSet", Variable="CALLGUARD_PAUSE", Value="1"),
        message(Event="UserEvent", UserEvent="crm", Uniqueid="1.1"),
        message(Event="UserEvent", UserEvent="callguard_pause"),
        message(Event="UserEvent", UserEvent="callguard_pause", Uniqueid="1.1", ChannelState="6"),
        message(Event="Hangup", Uniqueid="1.1"),
        message(),
    ],
)
def test_nothing_else_is_a_signal(other: Message) -> None:
    assert heard(other, AT) is None
