"""Signals for a pause: a channel variable that is set, and user events of a payment page or a customer record.

What belongs here: pure reading of both, from ARI and AMI. What does not: what a pause is (core), sockets.
A dialplan's own UserEvent comes by both ways: only ARI's counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from callguard.core.events import Cause, PauseSignalled
from callguard.pbx.asterisk.ami_codec import Message

VARIABLE = "CALLGUARD_PAUSE"
"""Channel variable that begins a pause on its call, or, with one of OFF, ends it."""
OFF = frozenset({"", "0", "off", "no", "false"})
"""Values that mean no pause; every other one means a pause: in doubt nothing is recorded."""
EVENTS: Mapping[str, bool] = MappingProxyType({"callguard_pause": True, "callguard_resume": False})
"""Names of user events, and whether a pause begins."""
FILTERS = ("Event: UserEvent", f"Variable: _*{VARIABLE}")
"""What AMI is asked to send, as regular expressions over a whole event."""


def user_event(name: str, channel_id: str, at: datetime) -> PauseSignalled | None:
    """What a user event about this channel says, if anything."""
    if name not in EVENTS or not channel_id:
        return None
    return PauseSignalled(at=at, channel_id=channel_id, cause=Cause.EVENT, on=EVENTS[name])


def heard(message: Message, at: datetime) -> PauseSignalled | None:
    """What an AMI event says, if anything. A UserEvent that was sent by AMI names its channel by `Uniqueid`."""
    channel_id = message.get("Uniqueid")
    match message.get("Event"):
        case "UserEvent" if not message.get("ChannelState"):  # else of a dialplan: ARI says it too
            return user_event(message.get("UserEvent"), channel_id, at)
        case "VarSet" if message.get("Variable").lstrip("_") == VARIABLE and channel_id:
            on = message.get("Value").strip().lower() not in OFF
            return PauseSignalled(at=at, channel_id=channel_id, cause=Cause.VARIABLE, on=on)
    return None
