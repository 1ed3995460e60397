"""What the agents of a call know without a screen: whether it is recorded, paused or not recorded.

What belongs here: the status, and when which agent is shown it. What does not: how a phone shows it (pbx/). Nothing
hangs on it: an indication that fails changes nothing about the call.
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core.call import Call, Channel
from callguard.core.effects import Indicate, WakeAt
from callguard.core.events import Link, Role, Script
from callguard.core.outcome import Step
from callguard.core.purpose import Indicator
from callguard.core.recorder import ALONE_GRACE
from callguard.core.recording import Mask, Recording, State
from callguard.core.word import Status

GRACE = ALONE_GRACE
"""Seconds that a status has to last to be shown: channels that swap show nothing."""
CUES = (Script.PAUSED, Script.RESUMED, Script.NOT_RECORDED)
"""What only agents hear: where one is missing the call goes on without it."""
_PAUSES = (Status.PAUSED, Status.STILL_PAUSED)
_ASKING = (Script.NOTICE, Script.QUESTION, Script.LONG_NOTICE)


def settle(call: Call) -> Step:
    """Watch what the agents do not know yet; they are shown it once it has lasted."""
    if call.call_type.indicator is Indicator.NONE:
        return Step(call)
    call = _with_hearers_of_line(call)
    news = () if Link.PBX in call.faults else _news(call)  # later: nothing reaches a phone now
    if news == call.news:
        return Step(call)
    if not news:
        return Step(replace(call, news=()))
    call = replace(call, news=news, news_watch=call.news_watch + 1)
    return Step(call, (WakeAt(name=f"indicate:{call.news_watch}", seconds=GRACE),))


def lasted(call: Call, number: int) -> Step:
    """The news that the watch NUMBER was for has lasted: show it."""
    if number != call.news_watch:
        return Step(call)
    done = Step(replace(call, news=()))
    for channel_id, bridge, status in call.news:
        agent = done.call.channels[channel_id]
        now = done.call.change(channel_id, shown=status, shown_in=bridge)
        done = done.also(Step(now, (_indicate(call, agent, status),)))
    return done


def status_of(call: Call) -> Status | None:
    """Whether this call is recorded; None while an answer to that is under way."""
    running = call.running
    if running:
        status = _of_running(running)
        return Status.STILL_PAUSED if call.forgotten and status is Status.PAUSED else status
    return None if call.may_still_run or _undecided(call) else Status.NOT_RECORDED


def _of_running(recording: Recording) -> Status | None:
    """Never "recorded" before sound reaches the file, never "paused" while it may."""
    if recording.mask in (Mask.ON, Mask.UNMASKING):
        return Status.PAUSED
    in_file = recording.state in (State.OPENED, State.GROWING) and recording.mask is Mask.OFF
    return Status.RECORDED if in_file else None


def _undecided(call: Call) -> bool:
    """Whether the far party is still being told or asked."""
    far = call.far
    asked = far is not None and far.standing.is_open
    return call.pending or call.untold or asked or (far is not None and far.playing in _ASKING)


def _with_hearers_of_line(call: Call) -> Call:
    """The line is about to say "recorded" to all who are there: nobody has to whisper it to them."""
    running = call.running
    if running and running.state is State.OPENED and running.line_at is None:
        for agent in _agents(call):
            call = call.with_channel(replace(agent, line=running.recording_id))
    return call


def _agents(call: Call) -> tuple[Channel, ...]:
    """Staff in conversation with the far party."""
    return tuple(channel for channel in call.others() if channel.role is Role.AGENT and channel.bridge)


def _news(call: Call) -> tuple[tuple[str, str, Status], ...]:
    """(channel, where it was shown, status) of every agent in the conversation who does not know."""
    status = status_of(call)
    if status is None:
        return ()
    new = (agent for agent in _agents(call) if not _knows(call, agent, status))
    return tuple((agent.channel_id, _company(call, agent), status) for agent in new)


def _knows(call: Call, agent: Channel, status: Status) -> bool:
    """A name is the PBX's to change whenever it bridges anew, or somebody comes or goes; a tone was heard."""
    stays = call.call_type.indicator is Indicator.TONE or agent.shown_in == _company(call, agent)
    return agent.shown is status and stays


def _company(call: Call, agent: Channel) -> str:
    """The bridge that an agent is in, and how many are in it."""
    return f"{agent.bridge} {len(call.hearers())}"


def _indicate(call: Call, agent: Channel, status: Status) -> Indicate:
    by = call.call_type.indicator
    script = _spoken(call, agent, status) if by is Indicator.TONE else None
    return Indicate(channel_id=agent.channel_id, status=status, by=by, script=script)


def _spoken(call: Call, agent: Channel, status: Status) -> Script | None:
    """What is whispered; None where the line that all parties hear has said it or is about to, and where nothing is
    ever recorded: that needs no prompts.
    """
    if status in _PAUSES:
        return Script.PAUSED
    if status is Status.NOT_RECORDED:
        return Script.NOT_RECORDED if call.call_type.records else None
    if agent.shown in _PAUSES:
        return Script.RESUMED
    heard = call.running is not None and agent.line == call.running.recording_id
    return None if heard else Script.RECORDING_ON
