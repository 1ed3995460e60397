"""Signals for a pause: a channel variable that is set, and events of a payment page or a customer record.

What belongs here: pure reading of both. What does not: what a pause is (core), sockets. FreeSWITCH has no event for a
variable: the application that sets it is heard of before it runs, the API when it has. A script that sets one by itself
is not heard of, and uses the event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from callguard.core.events import Cause, PauseSignalled
from callguard.pbx.asterisk.pausing import OFF
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.outbound import CHANNEL_ID, channel_id_of

VARIABLE = "callguard_pause"
"""Channel variable that begins a pause on its call, or ends it; FreeSWITCH tells no case apart in names."""
EVENTS: Mapping[str, bool] = MappingProxyType({"callguard::pause": True, "callguard::resume": False})
"""Subclasses of CUSTOM, and whether a pause begins."""
NAMED = "Callguard-Channel"
"""Header by which such an event names its channel. One that a program sends with Unique-ID goes to that channel, and is
not heard while it talks; the application `event` has it and is."""
_SETS = ("set", "export", "bridge_export", "multiset", "unset")
_NAME = re.compile(rf"(?:^|[\s|;,^])(?:nolocal:)?{VARIABLE}(?!\w)(?:\s*=(?P<value>[^|;,\s]*))?", re.IGNORECASE)


def heard(message: Message, at: datetime) -> PauseSignalled | None:
    """What an event says, if anything."""
    return next(_signals(message, at), None)


def entered(message: Message, channel_id: str, at: datetime) -> PauseSignalled | None:
    """What a channel brings along that is handed over: set while the dialplan was looked up, which nobody hears of."""
    value = message.get(f"variable_{VARIABLE}", "")
    return _variable(channel_id, value, at) if _is_on(value) else None


def _signals(message: Message, at: datetime) -> Iterator[PauseSignalled]:
    match message.get("Event-Name"):
        case "CUSTOM" if message.get("Event-Subclass") in EVENTS:
            named = message.get(NAMED, "") or channel_id_of(message)
            if CHANNEL_ID.match(named):
                on = EVENTS[message["Event-Subclass"]]
                yield PauseSignalled(at=at, channel_id=named, cause=Cause.EVENT, on=on)
        case "CHANNEL_EXECUTE" if message.get("Application") in _SETS:
            yield from _set(channel_id_of(message), message.get("Application-Data", ""), at)
        case "API" if message.get("API-Command") in ("uuid_setvar", "uuid_setvar_multi"):
            channel_id, _, said = message.get("API-Command-Argument", "").strip().partition(" ")
            one = message["API-Command"] == "uuid_setvar"
            yield from _set(channel_id, said.strip().replace(" ", "=", 1) if one else said, at)


def _set(channel_id: str, said: str, at: datetime) -> Iterator[PauseSignalled]:
    hit = _NAME.search(said)
    if hit and CHANNEL_ID.match(channel_id):
        yield _variable(channel_id, hit["value"] or "", at)


def _variable(channel_id: str, value: str, at: datetime) -> PauseSignalled:
    return PauseSignalled(at=at, channel_id=channel_id, cause=Cause.VARIABLE, on=_is_on(value))


def _is_on(value: str) -> bool:
    return value.strip().strip("'\"").lower() not in OFF
