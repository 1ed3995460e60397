"""Requests, in the imperative: all that `step` can ask of the world.

Restrictive effects (mask, stop, discard, send on) are performed at once; permissive ones (start, arm, unmask) follow
the commit of the event that caused them. The others harm nobody and follow the commit too, except a prompt's end.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from callguard.core.purpose import Indicator
from callguard.core.word import Script, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A request. `restrictive`: performed without waiting for the log."""

    restrictive: ClassVar[bool] = False
    channel_id: str = ""

    def record(self) -> dict[str, Any]:
        """This request as JSON, for the decision row."""
        return {"effect": type(self).__name__, **{item.name: getattr(self, item.name) for item in fields(self)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Effect):
    """Answer the channel, so that the notice can be heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayPrompt(Effect):
    """Play a prompt to the party at this channel. `whisper`: the channel is in a call, play into it by a snoop.

    `to_all`: the party at the other end of its bridge hears it too, and so does the recording.
    """

    script: Script
    whisper: bool = False
    to_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPrompt(Effect):
    """End the prompt that plays on this channel: it was answered. `script`: that one alone, whatever else plays."""

    restrictive = True
    script: Script | None = None

    def record(self) -> dict[str, Any]:
        """As every request; without `script` where it names none: rows from before one could stay the same."""
        whole = Effect.record(self)
        return whole if self.script else {key: value for key, value in whole.items() if key != "script"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicate(Effect):
    """Let the agent at this channel, and nobody else, know whether the call is recorded. `by`: on the phone's display
    or by a whisper; `script`: what is whispered, None where the agent hears it anyway.
    """

    status: Status
    by: Indicator
    script: Script | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundBeep(Effect):
    """Let the party at this channel, the other end of its bridge and the recording hear the tone, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOn(Effect):
    """Send the channel back to the dialplan: its call goes on."""

    restrictive = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOut(Effect):
    """End this channel's part in the call: its party refused, and the policy lets nobody in who does."""

    restrictive = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEffect(Effect):
    """A request about one recording; `channel_id` is the channel that the recorder hangs on."""

    recording_id: str
    segment_no: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecording(RecordingEffect):
    """Start the recorder, one file a leg. `swapped`: it hangs on the other side's channel."""

    swapped: bool = False

    def record(self) -> dict[str, Any]:
        """As every request; without `swapped` where it is not: rows from before there was any stay the same."""
        whole = RecordingEffect.record(self)
        return whole if self.swapped else {key: value for key, value in whole.items() if key != "swapped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRecording(RecordingEffect):
    """Send the channel back to the dialplan, which starts the recorder itself, one file a leg, silent at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskRecording(RecordingEffect):
    """Silence in the file; its clock runs on."""

    restrictive = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmaskRecording(RecordingEffect):
    """Sound in the file again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecording(RecordingEffect):
    """Stop the recorder."""

    restrictive = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRogue(Effect):
    """Stop somebody else's recorder on this channel, or on the bridge `bridge_id`."""

    restrictive = True
    bridge_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardRecording(RecordingEffect):
    """Destroy what was captured and return a receipt."""

    restrictive = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRecording(RecordingEffect):
    """Hold the finished audio against the log; the verdict comes back as an event.

    `seconds`: length by the log; `masks`: (start, end) in samples, end -1 up to the end of the file; `line_seconds`:
    where the recording-is-on line began, -1.0 when none was played; `blanks`: like masks, to be made silent first;
    `digits`: whether keys that sound are to be as well.
    """

    seconds: float
    masks: tuple[tuple[int, int], ...] = ()
    line_seconds: float = -1.0
    blanks: tuple[tuple[int, int], ...] = ()
    digits: bool = False

    def record(self) -> dict[str, Any]:
        """As every request, without what is not to be blanked: rows from before anything could be stay the same."""
        whole = RecordingEffect.record(self)
        return {key: value for key, value in whole.items() if value or key not in ("blanks", "digits")}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrders(RecordingEffect):
    """The recording is proved: orders may be taken on this call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithholdOrders(Effect):
    """No orders on this call: nothing proves that it is recorded."""

    restrictive = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeAt(Effect):
    """Feed in `DeadlinePassed(name)` after so many seconds, unless the call has ended."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Effect):
    """Tell a human by a path that is not Postgres. `incident` is its kind."""

    incident: str
