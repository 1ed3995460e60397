"""A party that appears in a call: whoever can hear, or waits at its gate, is told and, if need be, asked, alone.

What belongs here: who has to be told, when there is a point in it, and who comes in. What does not: the telling itself
(asking.py), the mask that lies over the recording meanwhile (quorum.py): that needs no decision of ours, only a hearer
without standing.
"""

from __future__ import annotations

from functools import partial

from callguard.core import asking
from callguard.core.call import Call, Channel
from callguard.core.consent import Signal, Standing
from callguard.core.effects import SendOn
from callguard.core.events import ChannelEntered, ListeningStarted, Role
from callguard.core.outcome import Step, unexpected
from callguard.core.policy import Mode


def entered(call: Call, event: ChannelEntered) -> Step:
    """A party of this call waits in our application, at the gate: who has to be told is settled as for others."""
    if event.channel_id in call.channels:
        return Step(call.change(event.channel_id, waiting=True))
    return Step(call, (SendOn(channel_id=event.channel_id),), reasons=("not of this call",))


def listens(call: Call, event: ListeningStarted) -> Step:
    """Staff that talked here and listens now is a listener as any other, unless the notice says that staff may."""
    known = call.channels.get(event.channel_id)
    if known is None:
        return unexpected(call, event.channel_id, event.type)
    call = call.change(event.channel_id, listens=event.heard_id)
    if known.role is Role.AGENT and not call.call_type.listeners_covered:
        call = call.change(event.channel_id, role=Role.GUEST, standing=Standing.UNNOTIFIED)
    return Step(call)


def settle(call: Call) -> Step:
    """Tell every newcomer, each in its own ear; whoever waits at the gate and has nothing to hear comes in."""
    done = Step(call)
    for channel in _asked_in_vain(call):
        done = done.then(partial(_let_be, channel.channel_id))
    for channel in newcomers(call) if may_ask(call) else ():
        done = done.then(partial(_tell, channel.channel_id))
    for channel in done.call.entering():
        done = done.then(partial(_let_in, channel.channel_id))
    return done


def _asked_in_vain(call: Call) -> tuple[Channel, ...]:
    """Third parties that are being told or asked although nothing can be recorded any more, whatever they say."""
    far = call.far
    if not call.barred and (far is None or far.standing is not Standing.REFUSED):
        return ()
    third = (channel for channel in call.live() if channel.channel_id != call.anchor and channel.is_asked)
    return tuple(channel for channel in third if _is_being_asked(channel))


def _is_being_asked(channel: Channel) -> bool:
    told = channel.standing is Standing.UNNOTIFIED and channel.playing is not None
    return told or channel.standing.is_open


def may_ask(call: Call) -> bool:
    """Whether anything could be recorded if everybody agreed: else nobody is disturbed."""
    far = call.far
    agreed = far is not None and not far.gone and _is_over_its_notice(far)
    hopeless = call.barred or call.pending or bool(call.faults) or call.mode is Mode.NEVER
    never_armed = call.least_privilege and call.running is None
    return agreed and not hopeless and not never_armed


def newcomers(call: Call) -> tuple[Channel, ...]:
    """Who can hear the far party, or is about to, and was never told."""
    third = (channel for channel in (*call.hearers(), *call.entering()) if channel.channel_id != call.anchor)
    return tuple(channel for channel in third if channel.is_asked and _is_untold(channel))


def _is_untold(channel: Channel) -> bool:
    unheard = channel.standing is Standing.UNNOTIFIED and channel.playing is None
    return unheard and channel.told < asking.TELLINGS


def _is_over_its_notice(far: Channel) -> bool:
    """It agreed; or it is asked once more because the rule grew, which two can be at the same time."""
    asked_anew = far.told > 0 and far.standing.is_open
    return far.standing is Standing.GRANTED or asked_anew


def _let_in(channel_id: str, call: Call) -> Step:
    """Nobody is kept at the gate for a question that is none any more."""
    channel = call.channels[channel_id]
    is_open = channel.playing is not None or channel.standing.is_open
    if is_open and may_ask(call):
        return Step(call)
    return Step(call.change(channel_id, waiting=False, playing=None), (SendOn(channel_id=channel_id),))


def _let_be(channel_id: str, call: Call) -> Step:
    return asking.signal(call, channel_id, Signal.POINTLESS)


def _tell(channel_id: str, call: Call) -> Step:
    return asking.tell(asking.anew(call, channel_id), channel_id)
