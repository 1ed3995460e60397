"""Telling and asking: from the first prompt to an answer, and what each answer brings about.

What belongs here: prompts of a party and the effects of each turn of the consent table. What does not: the table itself
(consent.py), who has to be told (joining.py), keys (keypad.py), the recorder (recorder.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from callguard.core import arming, line, recorder
from callguard.core.call import Call, Channel
from callguard.core.consent import Signal, Standing, Turn, move
from callguard.core.effects import Answer, LeaveOut, PlayPrompt, SendOn, StopPrompt, WakeAt
from callguard.core.events import EffectFailed, NoticeEnded, NoticeFailed, NoticeStarted, Outcome, Role, Script
from callguard.core.outcome import Step, incident, record, unexpected
from callguard.core.policy import Mode, OnRefusal

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
TELLINGS = 2
"""How often a third party is told anew whose notice failed."""
LOOK_UP_PATIENCE = 0.35
"""Seconds in which a look-up may tell where a party is; later is unknown, and unknown is strict."""


def begin(call: Call) -> Step:
    """The far party waits in our application: tell it, or send it on where nothing may be recorded anyway."""
    if call.pending:
        return Step(call, (WakeAt(name="look_up", seconds=LOOK_UP_PATIENCE),))
    if call.mode is Mode.NEVER or call.barred:
        return Step(call, reasons=("mode never" if call.mode is Mode.NEVER else "halted",)).then(_send_far_on)
    if call.faults:
        return incident(call, "not_recordable").then(_send_far_on)
    if call.far is not None and not call.far.waiting:
        return tell_in_bridge(replace(call, untold=True))
    if call.far is not None and call.far.answered:
        return tell(call, call.anchor)
    call = _plays(call, Script.NOTICE, call.anchor)
    return Step(call, (Answer(channel_id=call.anchor), WakeAt(name=f"prompt:{call.ticks}", seconds=PROMPT_PATIENCE)))


def leave_alone(call: Call) -> Step:
    """Nobody is asked in this call, so nothing is recorded in it: an agent was handed over before it dialled out."""
    return incident(replace(call, barred=True), "asked_wrong_end").then(_send_far_on)


def tell_in_bridge(call: Call) -> Step:
    """Bridged first, unrecorded: both parties hear the notice as soon as they hear each other."""
    if not call.untold or not call.others():
        return Step(call)
    return tell(replace(call, untold=False), call.anchor)


def tell(call: Call, channel_id: str) -> Step:
    """Play the notice."""
    return _play(call, Script.NOTICE, channel_id)


def anew(call: Call, channel_id: str) -> Call:
    """CALL as the telling of this party begins anew: windows that are open mean nothing any more."""
    channel = call.channels[channel_id]
    return call.change(channel_id, told=channel.told + 1, window=0, retold=channel.playing is Script.NOTICE)


def _asked(call: Call, event: NoticeStarted | NoticeEnded) -> Call:
    """CALL as this party hears the question, or heard it where the news of its beginning were lost."""
    channel = call.channels.get(event.channel_id)
    if channel is None or event.script is not Script.QUESTION:
        return call
    return call.change(event.channel_id, asked_at=min(channel.asked_at, event.at))


def _play(call: Call, script: Script, channel_id: str) -> Step:
    """Play SCRIPT to the party where it is: in our application, or, by a whisper, wherever the dialplan took it.

    Notice and question of the far party are for staff in the bridge too; whatever a third party hears, and a sentence
    about one party's answer, are for that party alone.
    """
    whisper, asks = not call.channels[channel_id].waiting, script in _ENDS
    if whisper and not asks:
        return Step(call, (PlayPrompt(channel_id=channel_id, script=script, whisper=True),))
    to_all = whisper and channel_id == call.anchor and all(other.role is Role.AGENT for other in call.others())
    call = _plays(call, script, channel_id)
    patience = EXPLAINING_PATIENCE if script is Script.LONG_NOTICE else PROMPT_PATIENCE
    wake = WakeAt(name=f"prompt:{call.ticks}", seconds=patience)
    return Step(call, (PlayPrompt(channel_id=channel_id, script=script, whisper=whisper, to_all=to_all), wake))


def _plays(call: Call, script: Script, channel_id: str) -> Call:
    """CALL while SCRIPT plays to this party, under a watch of its own."""
    call = replace(call, ticks=call.ticks + 1)
    return call.change(channel_id, playing=script, watch=call.ticks)


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
    call = _asked(call, event)
    if event.script is Script.RECORDING_ON:
        return line.started(call, event)
    if event.script is not Script.NOTICE:
        return Step(call)
    return _told(call.change(event.channel_id, retold=False), event, Signal.NOTICE_STARTED)


def notice_ended(call: Call, event: NoticeEnded) -> Step:
    """A prompt was played to its end."""
    channel = call.channels.get(event.channel_id)
    if event.script is Script.NOTICE and channel and channel.retold:
        return Step(call)  # it ended with the very key, or word, for which it begins anew
    if event.script is Script.RECORDING_ON:
        return line.ended(call, event.channel_id)
    if event.script in _ENDS:
        return _told(_silent(_asked(call, event), event), event, _ENDS[event.script])
    return _refusal_over(call, event)


def notice_failed(call: Call, event: NoticeFailed) -> Step:
    """A prompt was not played to its end: nobody was told anything. One cut by a hang-up did not fail: that follows."""
    if event.script is Script.RECORDING_ON:
        reason = event.reason
        return line.failed(call, event.channel_id, hung_up=reason == HUNG_UP, stopped=reason == STOPPED)
    if event.reason == HUNG_UP:
        return Step(call)  # should the channel be there after all, the prompt's own watch ends it
    if event.reason == STOPPED:
        return Step(call)
    if event.script in _FAILS:
        return _told(_silent(call, event), event, _FAILS[event.script])
    return _refusal_over(call, event)


def _told(call: Call, event: NoticeStarted | NoticeEnded | NoticeFailed, what: Signal) -> Step:
    """Only who was never told, or is being asked, is told and asked: staff and plumbing are not."""
    channel = call.channels.get(event.channel_id)
    if channel is None or not channel.is_asked:
        return unexpected(call, event.channel_id, f"{event.type} for another party")
    return signal(call, event.channel_id, what)


def _refusal_over(call: Call, event: NoticeEnded | NoticeFailed) -> Step:
    """A party has heard that nothing is recorded: its call goes on, unless the policy leaves out who refuses."""
    channel = call.channels.get(event.channel_id)
    if channel is None or event.script not in _LAST_WORDS:
        return Step(call)
    call = _silent(call, event)
    if not _is_left_out(call, channel):
        return _send_on(call, channel.channel_id)
    return Step(call.change(channel.channel_id, waiting=False), (LeaveOut(channel_id=channel.channel_id),))


def _is_left_out(call: Call, channel: Channel) -> bool:
    """Whether this third party is not let in, or goes again: never one that has a call of its own."""
    third = channel.channel_id != call.anchor and not channel.visits and not channel.gone
    return third and channel.standing is Standing.REFUSED and call.call_type.on_refusal is OnRefusal.LEAVE_OUT


def failed(call: Call, event: EffectFailed) -> Step:
    """Answering or playing was refused by the PBX."""
    script = _playing(call, event.channel_id)
    if script is None:
        if event.channel_id == call.anchor:
            return Step(call)
        script = Script.RECORDING_ON
    return notice_failed(call, NoticeFailed(at=event.at, channel_id=event.channel_id, script=script))


def overdue(call: Call, number: int) -> Step:
    """The prompt with this number should have ended long ago. A later prompt has a watch of its own."""
    channel = next((item for item in call.channels.values() if item.playing and item.watch == number), None)
    if channel is None or channel.playing is None:
        return Step(call)
    script, who = channel.playing, channel.channel_id
    stopped = Step(call.change(who, playing=None), (StopPrompt(channel_id=who),))
    if script in _FAILS:
        return stopped.then(lambda now: signal(now, who, _FAILS[script]))
    return stopped.then(lambda now: _send_on(now, who))


def window_closed(call: Call, number: int, what: Signal) -> Step:
    """The far party's window for an answer is over, unless the telling began anew since it was opened."""
    far = call.far
    return signal(call, call.anchor, what) if number == (far.told if far else 0) else Step(call)


def party_window_closed(call: Call, number: int, what: Signal) -> Step:
    """The same for a third party: NUMBER names the window."""
    found = next((item for item in call.channels.values() if item.window == number), None)
    return signal(call, found.channel_id, what) if found and number else Step(call)


def _playing(call: Call, channel_id: str) -> Script | None:
    channel = call.channels.get(channel_id)
    return channel.playing if channel else None


def _silent(call: Call, event: NoticeEnded | NoticeFailed) -> Call:
    ours = event.script is _playing(call, event.channel_id)
    return call.change(event.channel_id, playing=None) if ours else call


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
    if what in (Signal.NO, Signal.WITHDRAW):
        call = call.change(channel_id, silent=False)
    return _TURNS[turn](call.change(channel_id, standing=standing), channel_id)


def _nothing(call: Call, channel_id: str) -> Step:
    return Step(call)


def _open_window(call: Call, channel_id: str) -> Step:
    if call.mode is Mode.ANNOUNCE:  # told: the call goes on, recorded only if nobody refuses in the window
        return _send_on(call, channel_id).then(lambda now: _window(now, "last_answer", channel_id, OPT_OUT_WINDOW))
    return _window(call, "answer", channel_id, ANSWER_WINDOW)


def _open_last_window(call: Call, channel_id: str) -> Step:
    return _window(call, "last_answer", channel_id, ANSWER_WINDOW)


def _window(call: Call, name: str, channel_id: str, seconds: float) -> Step:
    """A deadline tells no channel: a third party's window has a number of its own."""
    told = call.channels[channel_id].told
    if channel_id == call.anchor:
        return Step(call, (WakeAt(name=f"{name}:{told}" if told else name, seconds=seconds),))
    call = replace(call, ticks=call.ticks + 1).change(channel_id, window=call.ticks + 1)
    return Step(call, (WakeAt(name=f"party_{name}:{call.ticks}", seconds=seconds),))


def _ask_again(call: Call, channel_id: str) -> Step:
    return _play(call, Script.QUESTION, channel_id)


def _explain(call: Call, channel_id: str) -> Step:
    hushed = _hush(anew(call, channel_id), channel_id)
    return hushed.then(lambda now: _play(now, Script.LONG_NOTICE, channel_id))


def _tell_again(call: Call, channel_id: str) -> Step:
    return _hush(anew(call, channel_id), channel_id).then(lambda now: tell(now, channel_id))


def _grant_express(call: Call, channel_id: str) -> Step:
    call = call.change(channel_id, attested="")
    return _granted(record(call, Outcome.CONSENT_GRANTED, channel_id, how=Turn.GRANT_EXPRESS.value), channel_id)


def _grant_attested(call: Call, channel_id: str) -> Step:
    """An agent's word for it. The row says whose."""
    how, by = Turn.GRANT_ATTESTED.value, call.channels[channel_id].attested
    call = call.change(channel_id, silent=False)
    return _granted(record(call, Outcome.CONSENT_GRANTED, channel_id, how=how, by=by), channel_id)


def _granted(granted: Step, channel_id: str) -> Step:
    return granted.then(lambda now: _hush(now, channel_id)).then(lambda now: _send_on(now, channel_id))


def _grant_prior(call: Call, channel_id: str) -> Step:
    return record(call, Outcome.CONSENT_GRANTED, channel_id, how=Turn.GRANT_PRIOR.value)


def _grant_implied(call: Call, channel_id: str) -> Step:
    return record(call, Outcome.CONSENT_GRANTED, channel_id, how=Turn.GRANT_IMPLIED.value)


def _refuse(call: Call, channel_id: str) -> Step:
    """Never granted: of the far party nothing stays, of a third party nothing was captured. Both hear so."""
    refused = record(call, Outcome.CONSENT_REFUSED, channel_id)
    if channel_id == call.anchor:
        refused = refused.then(recorder.destroy)
    return refused.then(lambda now: _hush(now, channel_id)).then(lambda now: _play(now, _last_word(now), channel_id))


def _silence(call: Call, channel_id: str) -> Step:
    silent = record(call.change(channel_id, silent=True), Outcome.CONSENT_SILENT, channel_id)
    return silent.then(lambda now: _play(now, _last_word(now), channel_id))


def _last_word(call: Call) -> Script:
    """Where an order needs a recording, whoever refused one hears that too."""
    return Script.WITHHELD if call.call_type.must_record else Script.REFUSAL


def _honour(call: Call, channel_id: str) -> Step:
    """A refusal that is remembered: not asked, not recorded, not kept waiting."""
    honoured = record(call, Outcome.CONSENT_REFUSED, channel_id, how=Turn.HONOUR.value)
    return honoured.then(lambda now: _send_on(now, channel_id))


def _withdraw(call: Call, channel_id: str) -> Step:
    """Granted before, refused now. The sentence says that it is off: so it follows the recorder's stop, if one runs."""
    call = call.change(channel_id, withdrew=True)
    withdrawn = record(call, Outcome.CONSENT_WITHDRAWN, channel_id).then(recorder.condemn)
    if call.may_still_run:
        return withdrawn.then(lambda now: Step(now.change(channel_id, owed=True)))
    return withdrawn.then(lambda now: _play(now, Script.WITHDRAWAL, channel_id))


def _untold(call: Call, channel_id: str) -> Step:
    """The far party's call goes on. A third party is told once more before somebody has to know."""
    hushed = _hush(call, channel_id)
    if channel_id != call.anchor and call.channels[channel_id].told < TELLINGS:
        return hushed
    return incident(call, "notice_failed").then(lambda now: hushed).then(lambda now: _send_on(now, channel_id))


def _let_be(call: Call, channel_id: str) -> Step:
    """What it would answer is no question any more: it hears no more of it."""
    return _hush(call.change(channel_id, window=0), channel_id)


def _hush(call: Call, channel_id: str) -> Step:
    """End the prompt that was answered."""
    if _playing(call, channel_id) is None:
        return Step(call)
    return Step(call.change(channel_id, playing=None), (StopPrompt(channel_id=channel_id),))


def _send_far_on(call: Call) -> Step:
    return _send_on(call, call.anchor)


def _send_on(call: Call, channel_id: str) -> Step:
    """Back to the dialplan, once."""
    channel = call.channels.get(channel_id)
    if channel is None or not channel.waiting:
        return Step(call)
    if channel_id == call.anchor and arming.may_arm(call):
        return arming.arm(call)
    return Step(call.change(channel_id, waiting=False), (SendOn(channel_id=channel_id),))


def arming_overdue(call: Call, number: int) -> Step:
    """The far party has waited long enough for its recorder. NUMBER: a call arms one only."""
    return arming.overdue(call).then(unarmed) if arming.is_arming(call) else Step(call)


def unarmed(call: Call) -> Step:
    """The dialplan starts no recorder: the far party's call goes on, after what it hears just now."""
    return _send_far_on(call) if _playing(call, call.anchor) is None else Step(call)


_TURNS: dict[Turn, Callable[[Call, str], Step]] = {
    Turn.NOTHING: _nothing,
    Turn.OPEN_WINDOW: _open_window,
    Turn.ASK_AGAIN: _ask_again,
    Turn.OPEN_LAST_WINDOW: _open_last_window,
    Turn.GRANT_EXPRESS: _grant_express,
    Turn.GRANT_IMPLIED: _grant_implied,
    Turn.GRANT_ATTESTED: _grant_attested,
    Turn.GRANT_PRIOR: _grant_prior,
    Turn.REFUSE: _refuse,
    Turn.SILENCE: _silence,
    Turn.WITHDRAW: _withdraw,
    Turn.UNTOLD: _untold,
    Turn.EXPLAIN: _explain,
    Turn.TELL_AGAIN: _tell_again,
    Turn.LET_BE: _let_be,
    Turn.HONOUR: _honour,
}
