"""Asterisk's words into ours: one ARI event, decoded from JSON, becomes a list of what the engine hears.

What belongs here: pure reading of foreign JSON. What does not: sockets (ari.py), prompts' own events (prompter.py).
Total: no shape of JSON raises. The caller-supplied values (number, name) go into Endpoint and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

from callguard.core.events import (
    Bridged,
    ChannelAnswered,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeft,
    ChannelUnheld,
    DigitPressed,
    Event,
    RogueRecordingSeen,
    Unbridged,
    Unexpected,
)
from callguard.pbx.asterisk import pausing
from callguard.pbx.asterisk.site import OWN_PREFIX
from callguard.pbx.words import WORDS, shaped
from callguard.ports import Dialled, Endpoint, Entered, Heard, Said, Sighted

Json: TypeAlias = Mapping[str, object]

QUIET = frozenset(
    """ApplicationMoveFailed ApplicationRegistered ApplicationReplaced ApplicationUnregistered BridgeAttendedTransfer
    BridgeBlindTransfer BridgeCreated BridgeDestroyed BridgeMerged BridgeVideoSourceChanged ChannelCallerId
    ChannelConnectedLine ChannelDialplan ChannelHangupRequest ChannelTalkingFinished ChannelTalkingStarted
    ChannelToneDetected ChannelTransfer ChannelVarset ContactStatusChange DeviceStateChanged
    EndpointStateChange PeerStatusChange PlaybackContinuing PlaybackFinished PlaybackStarted RESTResponse
    RecordingFailed RecordingFinished TextMessageReceived""".split()
)
"""Types that say nothing about who is told, asked or recorded, or that the adapter reads by itself."""
MARK = "callguard"
"""Name of the UserEvent by which the snippet speaks of a channel that is bridged at once."""
FILTERED = ("ChannelVarset", "ChannelDialplan", "ChannelConnectedLine", "ChannelCallerId", "DeviceStateChanged")
"""Types that Asterisk is asked not to send: two thirds of all events."""
LONGEST_MS = 8000
"""So long may one key be by its packets (RFC 4733: 65,535 samples); SIP INFO may say anything."""


def translate(message: object, app: str, now: datetime) -> list[Heard]:
    """What MESSAGE (any JSON) says, in order. APP is our Stasis application; NOW (aware) stands in for a missing
    time.
    """
    if not isinstance(message, Mapping) or _is_ours(message):
        return []
    kind, at = text(message, "type"), moment(message, now)
    if kind in ("StasisStart", "StasisEnd") and text(message, "application") != app:
        return []
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(message, at)
    channel_id = text(part(message, "channel"), "id")
    if kind in QUIET or not channel_id:
        return []
    return [Said(Unexpected(at=at, channel_id=channel_id, what=_word(kind)))]


def endpoint(channel: Json) -> Endpoint:
    """A channel object of ARI as an Endpoint. Its `endpoint` lacks the running number and the half of a Local
    channel.
    """
    caller, name = part(channel, "caller"), text(channel, "name")
    return Endpoint(
        channel_id=text(channel, "id"),
        name=name,
        endpoint=_endpoint_name(name),
        answered=text(channel, "state") == "Up",
        number=text(caller, "number"),
        display=text(caller, "name"),
        words=shaped({key: text(part(channel, "channelvars"), f"CALLGUARD_{key.upper()}") for key in WORDS}),
    )


def waits_in(channel: Json, app: str) -> bool:
    """Whether a channel object of ARI says that it waits in APP."""
    dialplan = part(channel, "dialplan")
    return text(dialplan, "app_name") == "Stasis" and text(dialplan, "app_data").split(",")[0].strip() == app


def is_own(channel: Json) -> bool:
    """Whether a channel object is a snoop of ours, by which we whisper."""
    return text(channel, "id").startswith(OWN_PREFIX)


def is_snoop(channel: Json) -> bool:
    """Whether it is a snoop of ours or anybody's: nothing that can be recorded. AMI tells of those that listen."""
    return is_own(channel) or text(channel, "name").startswith("Snoop/")


def is_holding(bridge: Json) -> bool:
    """Whether everybody waits there alone, and hears music or an announcer: a parking lot, BridgeWait."""
    return text(bridge, "bridge_type") == "holding"


def scrubbed(message: Json) -> Json:
    """MESSAGE as the log may keep it: a digit is replaced by 'x'."""
    return {**message, "digit": "x"} if "digit" in message else message


def held(message: Json) -> float:
    """For how many seconds a key was held; 0 where nobody says."""
    value = message.get("duration_ms")
    return min(value, LONGEST_MS) / 1000 if isinstance(value, int) and value > 0 else 0.0


def text(holder: Json, key: str) -> str:
    """The string under KEY, or ''."""
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def part(holder: Json, key: str) -> Json:
    """The object under KEY, or {}."""
    value = holder.get(key)
    return value if isinstance(value, Mapping) else {}


def parts(value: object) -> list[Json]:
    """The objects of a JSON list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def strings(value: object) -> tuple[str, ...]:
    """VALUE as strings, where it is a list."""
    return tuple(str(item) for item in value) if isinstance(value, Sequence) and not isinstance(value, str) else ()


# ---------------------------------------------------------------- inside
def _is_ours(message: Json) -> bool:
    """That somebody else's snoop is gone has to be heard: its call, which it listened to, is not over before."""
    apart = is_own if text(message, "type") == "ChannelDestroyed" else is_snoop
    return apart(part(message, "channel")) or apart(part(message, "peer"))


def moment(message: Json, now: datetime) -> datetime:
    """When MESSAGE says that it happened (aware, UTC); NOW where it does not."""
    try:
        at = datetime.fromisoformat(text(message, "timestamp"))
        return at.astimezone(UTC) if at.tzinfo else now
    except (ValueError, OverflowError):
        return now


def _endpoint_name(name: str) -> str:
    whole = name.removesuffix(";1").removesuffix(";2")
    before, dash, _ = whole.rpartition("-")
    return before if dash else whole


def _word(kind: str) -> str:
    """A foreign event type as a word that a log may hold."""
    return "".join(char for char in kind if char.isascii() and char.isalnum())[:64] or "nameless"


def _digit(message: Json) -> str:
    digit = text(message, "digit")
    return digit if len(digit) == 1 and digit in "0123456789*#ABCD" else "x"


def _integer(message: Json, key: str) -> int:
    value = message.get(key)
    return value if isinstance(value, int) and 0 <= value < 1000 else 0


_Make: TypeAlias = Callable[[Json, datetime, str], Event]
_Reader: TypeAlias = Callable[[Json, datetime], list[Heard]]


def _about_channel(make: _Make) -> _Reader:
    """A reader that says one fact about the channel of the message, if it names one."""

    def read(message: Json, at: datetime) -> list[Heard]:
        channel_id = text(part(message, "channel"), "id")
        return [Said(make(message, at, channel_id))] if channel_id else []

    return read


def _stasis_start(message: Json, at: datetime) -> list[Heard]:
    """Who takes a waiting channel's place (INVITE with Replaces, RFC 3891) comes without arguments, and nobody dialled
    it: what Asterisk says of the dialplan of the other one is true of the place.
    """
    channel, args = endpoint(part(message, "channel")), strings(message.get("args"))
    replaced, dialled = part(message, "replace_channel"), False
    if replaced and not args:
        args = tuple(text(part(replaced, "dialplan"), "app_data").split(",")[1:])
        dialled = len(args) > 3 and args[3] not in ("", text(replaced, "id"))
    said = dict(item.split("=", 1) for item in args[4:] if "=" in item)
    calling: list[Heard] = [Dialled(at, "", channel.channel_id)] if dialled else []
    return [*calling, Entered(at, _with(channel, said), args)] if channel.channel_id else []


def _with(channel: Endpoint, said: Mapping[str, str]) -> Endpoint:
    return replace(channel, words={**channel.words, **shaped(said)})


def _marked(message: Json, at: datetime) -> list[Heard]:
    """The snippet's UserEvent: this channel is being bridged, and is to be told there. Or one about a pause."""
    channel, said = endpoint(part(message, "channel")), part(message, "userevent")
    if signal := pausing.user_event(text(message, "eventname"), channel.channel_id, at):
        return [Said(signal)]
    if text(message, "eventname") != MARK or not channel.channel_id:
        return []
    args = ("1", text(said, "CallType"), text(said, "Direction"), text(said, "Linkedid"))
    words = _with(channel, {key: text(said, key.capitalize()) for key in WORDS})
    return [Entered(at, words, args, waiting=False)]


def _created(message: Json, at: datetime) -> list[Heard]:
    channel = endpoint(part(message, "channel"))
    return [Sighted(at, channel)] if channel.channel_id else []


def _dial(message: Json, at: datetime) -> list[Heard]:
    """Who dials whom. Variables of its endpoint (set_var) are not there yet when a channel is created."""
    caller, peer = text(part(message, "caller"), "id"), endpoint(part(message, "peer"))
    if not (caller and peer.channel_id) or text(message, "dialstatus"):
        return []
    said: list[Heard] = [Sighted(at, peer)] if peer.words else []
    return [*said, Dialled(at, caller, peer.channel_id)]


def _state_change(message: Json, at: datetime) -> list[Heard]:
    channel = part(message, "channel")
    up = text(channel, "state") == "Up" and text(channel, "id")
    return [Said(ChannelAnswered(at=at, channel_id=text(channel, "id")))] if up else []


def _foreign_recording(message: Json, at: datetime) -> list[Heard]:
    """ARI's own recorder, which we never use, runs on a channel or a bridge: somebody else's."""
    kind, target = recorded(message)
    about = {"channel": {"channel_id": target}, "bridge": {"bridge_id": target}}.get(kind)
    return [Said(RogueRecordingSeen(at=at, **about))] if about and target else []


def recorded(message: Json) -> tuple[str, str]:
    """What a message about ARI's own recorder names: "channel" or "bridge", and its id."""
    kind, _, target = text(part(message, "recording"), "target_uri").partition(":")
    return kind, target


def _in_bridge(kind: type[Bridged] | type[Unbridged]) -> _Reader:
    """A reader of where a channel is: in a holding bridge nobody hears it, and it is nowhere."""
    told = _about_channel(lambda said, at, who: kind(at=at, channel_id=who, bridge_id=text(part(said, "bridge"), "id")))
    return lambda message, at: [] if is_holding(part(message, "bridge")) else told(message, at)


_READERS: Mapping[str, _Reader] = {
    "StasisStart": _stasis_start,
    "StasisEnd": _about_channel(lambda _, at, who: ChannelLeft(at=at, channel_id=who)),
    "ChannelUserevent": _marked,
    "ChannelCreated": _created,
    "ChannelStateChange": _state_change,
    "ChannelDestroyed": _about_channel(
        lambda said, at, who: ChannelHungUp(at=at, channel_id=who, cause=_integer(said, "cause"))
    ),
    "ChannelEnteredBridge": _in_bridge(Bridged),
    "ChannelLeftBridge": _in_bridge(Unbridged),
    "ChannelHold": _about_channel(lambda _, at, who: ChannelHeld(at=at, channel_id=who)),
    "ChannelUnhold": _about_channel(lambda _, at, who: ChannelUnheld(at=at, channel_id=who)),
    "ChannelDtmfReceived": _about_channel(
        lambda said, at, who: DigitPressed(at=at, channel_id=who, digit=_digit(said))
    ),
    "Dial": _dial,
    "RecordingStarted": _foreign_recording,
}
