"""Calls that must be recorded: without a proved recording no order is taken, and the caller hears so.

What belongs here: when the order line opens and closes. What does not: the recording itself (recorder.py). The
conversation goes on in any case.
"""

from __future__ import annotations

from dataclasses import replace

from callguard.core.call import Call
from callguard.core.consent import Standing
from callguard.core.effects import OpenOrders, PlayPrompt, WithholdOrders
from callguard.core.events import Script
from callguard.core.outcome import Step
from callguard.core.recording import Mask, State


def settle(call: Call) -> Step:
    """Open the order line while sound is known to reach the file; close it, and say why, when it does not."""
    if not call.call_type.must_record or call.far is None:
        return Step(call)
    running = call.running
    if running and running.state is State.GROWING and running.mask is Mask.OFF:
        if call.orders_open:
            return Step(call)
        opened = OpenOrders(recording_id=running.recording_id, segment_no=running.segment_no, channel_id=call.anchor)
        return Step(replace(call, orders_open=True), (opened,), reasons=("the recording is proved",))
    return _closed(call).then(_told)


def _closed(call: Call) -> Step:
    if not call.orders_open:
        return Step(call)
    return Step(replace(call, orders_open=False), (WithholdOrders(channel_id=call.anchor),))


def _told(call: Call) -> Step:
    """Who agreed and is not recorded after all hears that once. Who did not agree has heard it instead of a refusal's
    sentence."""
    far = call.far
    failed = call.barred or (call.recording is not None and call.running is None)
    if far is None or far.gone or call.withheld or not failed or far.standing is not Standing.GRANTED:
        return Step(call)
    say = PlayPrompt(channel_id=call.anchor, script=Script.WITHHELD, whisper=not far.waiting)
    return Step(replace(call, withheld=True), (say,))
