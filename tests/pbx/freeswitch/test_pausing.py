"""What begins and ends a pause on FreeSWITCH: a variable, by whichever way it is set, and events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from callguard.core.effects import SendOn
from callguard.core.events import Cause, PauseSignalled
from callguard.pbx.freeswitch import pausing
from callguard.ports import Entered, Said
from tests.pbx.freeswitch.station import station_on

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OWN = "3f2a-1"


def variable(on: bool) -> PauseSignalled:
    return PauseSignalled(at=NOW, channel_id=OWN, cause=Cause.VARIABLE, on=on)


@pytest.mark.requirement("S82")
@pytest.mark.parametrize(
    ("app", "data", "on"),
    [
        ("set", "callguard_pause=on", True),
        ("set", "CALLGUARD_PAUSE=true", True),
        ("export", "nolocal:callguard_pause=1", True),
        ("multiset", "a=b callguard_pause=yes", True),
        ("multiset", "^^|a=b|callguard_pause=off|c=d", False),
        ("set", "callguard_pause=", False),
        ("set", "callguard_pause='no'", False),
        ("unset", "callguard_pause", False),
    ],
)
def test_an_application_that_sets_the_variable_is_heard(app: str, data: str, on: bool) -> None:
    message = {"Event-Name": "CHANNEL_EXECUTE", "Unique-ID": OWN, "Application": app, "Application-Data": data}
    assert pausing.heard(message, NOW) == variable(on)


@pytest.mark.requirement("S82")
@pytest.mark.parametrize(
    ("command", "argument", "on"),
    [
        ("uuid_setvar", f"{OWN} callguard_pause on", True),
        ("uuid_setvar", f"{OWN} callguard_pause", False),
        ("uuid_setvar", f"{OWN} CALLGUARD_PAUSE false", False),
        ("uuid_setvar_multi", f"{OWN} a=b;callguard_pause=on", True),
    ],
)
def test_an_api_that_sets_the_variable_is_heard(command: str, argument: str, on: bool) -> None:
    message = {"Event-Name": "API", "API-Command": command, "API-Command-Argument": argument}
    assert pausing.heard(message, NOW) == variable(on)


@pytest.mark.requirement("S82")
@pytest.mark.parametrize("name", ["Callguard-Channel", "Unique-ID"])
@pytest.mark.parametrize(("subclass", "on"), [("callguard::pause", True), ("callguard::resume", False)])
def test_an_event_names_its_channel(name: str, subclass: str, on: bool) -> None:
    message = {"Event-Name": "CUSTOM", "Event-Subclass": subclass, name: OWN}
    assert pausing.heard(message, NOW) == PauseSignalled(at=NOW, channel_id=OWN, cause=Cause.EVENT, on=on)


@pytest.mark.parametrize(
    "message",
    [
        {"Event-Name": "CHANNEL_EXECUTE", "Application": "set", "Application-Data": "my_callguard_pause=on"},
        {"Event-Name": "CHANNEL_EXECUTE", "Application": "log", "Application-Data": "INFO callguard_pause=on"},
        {"Event-Name": "CHANNEL_EXECUTE", "Application": "set", "Application-Data": "callguard_pauses=on"},
        {"Event-Name": "API", "API-Command": "uuid_getvar", "API-Command-Argument": f"{OWN} callguard_pause"},
        {"Event-Name": "API", "API-Command": "uuid_setvar"},
        {"Event-Name": "API", "API-Command": "uuid_setvar", "API-Command-Argument": "$x callguard_pause on"},
        {"Event-Name": "CUSTOM", "Event-Subclass": "callguard::pause", "Callguard-Channel": "a b"},
        {"Event-Name": "CUSTOM", "Event-Subclass": "conference::maintenance"},
        {"Event-Name": "CHANNEL_ANSWER"},
    ],
)
def test_nothing_else_is_one(message: dict[str, str]) -> None:
    assert pausing.heard({"Unique-ID": OWN, **message} if "Callguard-Channel" not in message else message, NOW) is None


def test_what_a_channel_brings_along_is_told_when_it_enters() -> None:
    assert pausing.entered({"variable_callguard_pause": "on"}, OWN, NOW) == variable(True)
    assert pausing.entered({"variable_callguard_pause": "off"}, OWN, NOW) is None
    assert pausing.entered({}, OWN, NOW) is None


@pytest.mark.requirement("S82")
async def test_all_of_them_reach_the_engine(tmp_path: Path) -> None:
    """A variable that is there already, one that is set, one by the API of any program, and both events."""
    async with station_on(tmp_path) as station:
        switch = station.switch
        far = await station.enter(callguard_pause="on")
        early = station.of(PauseSignalled)[0]
        told = [type(item.event) if isinstance(item, Said) else type(item) for item in station.heard]
        assert (early.channel_id, early.on) == (far, True) and told.index(PauseSignalled) < told.index(Entered)
        own = switch.channels[far]
        switch.fire("CHANNEL_EXECUTE", own, Application="set", Application_Data="callguard_pause=off")
        switch.called(f"uuid_setvar {far} callguard_pause on")
        switch.event("callguard::resume", Callguard_Channel=far)
        await station.wait(PauseSignalled, lambda fact: fact.cause is Cause.EVENT)
        assert [fact.on for fact in station.of(PauseSignalled)] == [True, False, True, False]
        station.pbx.perform(SendOn(channel_id=far))
