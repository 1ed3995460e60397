"""Telling and asking: from the first prompt to an answer, and what each answer brings about.

What belongs here: prompts of the far party and the effects of each turn of the consent table. What does not: the table
itself (consent.py), keys (keypad.py), the recorder (recorder.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from callguard.core import arming, recorder
from callguard.core.call import Call
from callguard.core.consent import Signal, Turn, move
from callguard.core.effects import Answer, PlayPrompt, SendOn, StopPrompt, WakeAt
from callguard.core.events import EffectFailed, NoticeEnded, NoticeFailed, NoticeStarted, Outcome, Script
from callguard.core.outcome import Step, incident, record, unexpected
from callguard.core.policy import Mode

ANSWER_WINDOW = 5.0
"""Seconds in which an answer counts; the question repeats once."""
OPT_OUT_WINDOW = 3.0
"""Seconds after an announcement in which key 2 refuses."""
HUNG_UP = "hung up"
"""Why a prompt ended: its listener hung up, and the fact of that is on its way."""
STOPPED = "stopped"
"""Why a prompt ended: we stopped it, and know what comes instead."""
PROMPT_PATIENCE = 12.0
"""Seconds after which a prompt that has not ended counts as failed: a caller is never kept waiting."""
EXPLAINING_PATIENCE = 90.0
"""The same for the long notice, which a caller asked for."""
LOOK_UP_PATIENCE = 0.35
"""Seconds in which a look-up may tell where a party is; later is unknown, and unknown is strict."""


def begin(call: Call) -> Step:
    """The far party waits in our application: tell it, or send it on where nothing may be recorded anyway."""
    if call.pending:
        return Step(call, (WakeAt(name="look_up", seconds=LOOK_UP_PATIENCE),))
    if call.mode is Mode.NEVER:
        return Step(call, reasons=("mode never",)).then(_send_on)
    if call.faults:
        return incident(call, "not_recordable").then(_send_on)
    if call.far is not None and not call.far.waiting:
        return tell_in_bridge(replace(call, untold=True))
    if call.far is not None and call.far.answered:
        return tell(call)
    call = replace(call, ticks=call.ticks + 1, playing=Script.NOTICE)
    return Step(call, (Answer(channel_id=call.anchor), WakeAt(name=f"prompt:{call.ticks}", seconds=PROMPT_PATIENCE)))


def leave_alone(call: Call) -> Step:
    """Nobody is asked in this call, so nothing is recorded in it: an agent was handed over before it dialled out."""
    return incident(replace(call, barred=True), "asked_wrong_end").then(_send_on)


def tell_in_bridge(call: Call) -> Step:
    """Bridged first, unrecorded: both parties hear the notice as soon as they hear each other."""
    if not call.untold or not call.others():
        return Step(call)
    return tell(replace(call, untold=False))


def tell(call: Call) -> Step:
    """Play the notice."""
    return _play(call, Script.NOTICE, call.anchor)


def _play(call: Call, script: Script, channel_id: str) -> Step:
    """Play SCRIPT to the party where it is: in our application, or, by a whisper, wherever the dialplan took it.

    Notice and question are for everybody in the bridge; a sentence about one party's answer is for that party alone.
    """
    whisper, to_all = not call.channels[channel_id].waiting, script in _ENDS
    if whisper and not to_all:
        return Step(call, (PlayPrompt(channel_id=channel_id, script=script, whisper=True),))
    call = replace(call, ticks=call.ticks + 1, playing=script)
    patience = EXPLAINING_PATIENCE if script is Script.LONG_NOTICE else PROMPT_PATIENCE
    wake = WakeAt(name=f"prompt:{call.ticks}", seconds=patience)
    return Step(call, (PlayPrompt(channel_id=channel_id, script=script, whisper=whisper, to_all=whisper), wake))


# ---------------------------------------------------------------- facts about prompts
_ENDS = {
    Script.NOTICE: Signal.NOTICE_ENDED,
    Script.QUESTION: Signal.QUESTION_ENDED,
    Script.LONG_NOTICE: Signal.EXPLAINED,
}
_FAILS = {
    Script.NOTICE: Signal.NOTICE_FAILED,
    Script.QUESTION: Signal.QUESTION_FAILED,
    Script.LONG_NOTICE: Signal.EXPLAINED,  # it is more than has to be said: the notice follows all the same
}
_LAST_WORDS = (Script.REFUSAL, Script.WITHHELD)
"""What a party hears that will not be recorded: then its call goes on."""


def notice_started(call: Call, event: NoticeStarted) -> Step:
    """A prompt began."""
    if event.script is Script.RECORDING_ON:
        return recorder.line_started(call, event)
    return _told(call, event, Signal.NOTICE_STARTED) if event.script is Script.NOTICE else Step(call)


def notice_ended(call: Call, event: NoticeEnded) -> Step:
    """A prompt was played to its end."""
    if call.playing is Script.LONG_NOTICE and event.script is not Script.LONG_NOTICE:
        return Step(call)  # it ended with the very key that asked for more
    if event.script in _ENDS:
        return _told(_silent(call, event), event, _ENDS[event.script])
    return _refusal_over(call, event)


def notice_failed(call: Call, event: NoticeFailed) -> Step:
    """A prompt was not played to its end: nobody was told anything. One cut by a hang-up did not fail: that follows."""
    if event.reason == HUNG_UP:
        return Step(call)  # should the channel be there after all, the prompt's own watch ends it
    if event.script is Script.RECORDING_ON:
        return recorder.line_failed(call, event.channel_id)
    if event.reason == STOPPED:
        return Step(call)
    if event.script in _FAILS:
        return _told(_silent(call, event), event, _FAILS[event.script])
    return _refusal_over(call, event)


def _told(call: Call, event: NoticeStarted | NoticeEnded | NoticeFailed, what: Signal) -> Step:
    """Only the far party is ever told and asked."""
    if event.channel_id != call.anchor:
        return unexpected(call, event.channel_id, f"{event.type} for another party")
    return signal(call, event.channel_id, what)


def _refusal_over(call: Call, event: NoticeEnded | NoticeFailed) -> Step:
    """The far party has heard that nothing is recorded: its call goes on."""
    far_heard = event.script in _LAST_WORDS and event.channel_id == call.anchor
    return _send_on(_silent(call, event)) if far_heard else Step(call)


def failed(call: Call, event: EffectFailed) -> Step:
    """Answering or playing was refused by the PBX."""
    script = call.playing if event.channel_id == call.anchor else Script.RECORDING_ON
    if script is None:
        return Step(call)
    return notice_failed(call, NoticeFailed(at=event.at, channel_id=event.channel_id, script=script))


def overdue(call: Call, number: int) -> Step:
    """The prompt with this number should have ended long ago. A later prompt has a watch of its own."""
    if call.playing is None or number != call.ticks:
        return Step(call)
    script, call = call.playing, replace(call, playing=None)
    stopped = Step(call, (StopPrompt(channel_id=call.anchor),))
    if script in _FAILS:
        return stopped.then(lambda now: signal(now, now.anchor, _FAILS[script]))
    return stopped.then(_send_on)


def window_closed(call: Call, number: int, what: Signal) -> Step:
    """A window for an answer is over, unless the telling began anew since it was opened."""
    return signal(call, call.anchor, what) if number == call.told else Step(call)


def _silent(call: Call, event: NoticeEnded | NoticeFailed) -> Call:
    ours = event.channel_id == call.anchor and event.script is call.playing
    return replace(call, playing=None) if ours else call


# ---------------------------------------------------------------- signals and turns
def signal(call: Call, channel_id: str, what: Signal) -> Step:
    """Look WHAT up in the consent table of this call's mode, and bring its turn about."""
    channel = call.channels.get(channel_id)
    if channel is None:
        return unexpected(call, channel_id, what.value)
    if channel.gone:  # nobody is there: no answer, and no silence either
        return Step(call)
    found = move(call.mode, channel.standing, what)
    if found is None:
        return unexpected(call, channel_id, f"{what.value} while {channel.standing.value}")
    standing, turn = found
    return _TURNS[turn](call.change(channel_id, standing=standing), channel_id)


def _nothing(call: Call, channel_id: str) -> Step:
    return Step(call)


def _open_window(call: Call, channel_id: str) -> Step:
    if call.mode is Mode.ANNOUNCE:  # told: the call goes on, recorded only if nobody refuses in the window
        return _send_on(call).then(lambda now: Step(now, (_window(now, "last_answer", OPT_OUT_WINDOW),)))
    return Step(call, (_window(call, "answer", ANSWER_WINDOW),))


def _open_last_window(call: Call, channel_id: str) -> Step:
    return Step(call, (_window(call, "last_answer", ANSWER_WINDOW),))


def _window(call: Call, name: str, seconds: float) -> WakeAt:
    return WakeAt(name=f"{name}:{call.told}" if call.told else name, seconds=seconds)


def _ask_again(call: Call, channel_id: str) -> Step:
    return _play(call, Script.QUESTION, channel_id)


def _explain(call: Call, channel_id: str) -> Step:
    return _hush(replace(call, told=call.told + 1)).then(lambda now: _play(now, Script.LONG_NOTICE, channel_id))


def _tell_again(call: Call, channel_id: str) -> Step:
    return _hush(replace(call, told=call.told + 1)).then(tell)


def _grant_express(call: Call, channel_id: str) -> Step:
    granted = record(call, Outcome.CONSENT_GRANTED, channel_id, how=Turn.GRANT_EXPRESS.value)
    return granted.then(_hush).then(_send_on)


def _grant_implied(call: Call, channel_id: str) -> Step:
    return record(call, Outcome.CONSENT_GRANTED, channel_id, how=Turn.GRANT_IMPLIED.value)


def _refuse(call: Call, channel_id: str) -> Step:
    """Never granted: nothing that was captured stays, and the party, whoever it is, hears so."""
    refused = record(call, Outcome.CONSENT_REFUSED, channel_id).then(recorder.destroy)
    if channel_id == call.anchor:
        refused = refused.then(_hush)
    return refused.then(lambda now: _play(now, _last_word(now), channel_id))


def _silence(call: Call, channel_id: str) -> Step:
    return record(call, Outcome.CONSENT_SILENT, channel_id).then(lambda now: _play(now, _last_word(now), channel_id))


def _last_word(call: Call) -> Script:
    """Where an order needs a recording, whoever refused one hears that too."""
    return Script.WITHHELD if call.call_type.must_record else Script.REFUSAL


def _honour(call: Call, channel_id: str) -> Step:
    """A refusal that is remembered: not asked, not recorded, not kept waiting."""
    return record(call, Outcome.CONSENT_REFUSED, channel_id, how=Turn.HONOUR.value).then(_send_on)


def _withdraw(call: Call, channel_id: str) -> Step:
    """Granted before, refused now. The sentence says that it is off: so it follows the recorder's stop, if one runs."""
    withdrawn = record(call, Outcome.CONSENT_WITHDRAWN, channel_id).then(recorder.condemn)
    if call.may_still_run:
        return withdrawn.then(lambda now: Step(replace(now, owed=True)))
    return withdrawn.then(lambda now: _play(now, Script.WITHDRAWAL, channel_id))


def _untold(call: Call, channel_id: str) -> Step:
    return incident(call, "notice_failed").then(_hush).then(_send_on)


def _hush(call: Call) -> Step:
    """End the prompt that was answered."""
    if call.playing is None:
        return Step(call)
    return Step(replace(call, playing=None), (StopPrompt(channel_id=call.anchor),))


def _send_on(call: Call) -> Step:
    """Back to the dialplan, once."""
    if call.far is None or not call.far.waiting:
        return Step(call)
    if arming.may_arm(call):
        return arming.arm(call)
    return Step(call.change(call.anchor, waiting=False), (SendOn(channel_id=call.anchor),))


def arming_overdue(call: Call, number: int) -> Step:
    """The far party has waited long enough for its recorder. NUMBER: a call arms one only."""
    return arming.overdue(call).then(unarmed) if arming.is_arming(call) else Step(call)


def unarmed(call: Call) -> Step:
    """The dialplan starts no recorder: the far party's call goes on, after what it hears just now."""
    return _send_on(call) if call.playing is None else Step(call)


_TURNS: dict[Turn, Callable[[Call, str], Step]] = {
    Turn.NOTHING: _nothing,
    Turn.OPEN_WINDOW: _open_window,
    Turn.ASK_AGAIN: _ask_again,
    Turn.OPEN_LAST_WINDOW: _open_last_window,
    Turn.GRANT_EXPRESS: _grant_express,
    Turn.GRANT_IMPLIED: _grant_implied,
    Turn.REFUSE: _refuse,
    Turn.SILENCE: _silence,
    Turn.WITHDRAW: _withdraw,
    Turn.UNTOLD: _untold,
    Turn.EXPLAIN: _explain,
    Turn.TELL_AGAIN: _tell_again,
    Turn.HONOUR: _honour,
}
