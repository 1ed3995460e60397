"""How many of FreeSWITCH's events one core reads in a second, on the mix that a real one sent, beside greenswitch."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from greenswitch.esl import ESLEvent

from callguard.pbx.freeswitch.codec import Decoder, message_of, plain_message
from callguard.pbx.freeswitch.sequence import Sequence
from callguard.pbx.freeswitch.translate import Translator, stamp_of
from callguard.pbx.lag import Lag
from tests.pbx.freeswitch.capture import NAMES, wire

ROUNDS = 5
PER_SECOND = 10_000
_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBER = re.compile(rb"(?<=Event-Sequence: )[0-9]+|(?<=Timestamp: )[0-9]{16}|(?<=-time: )[0-9]{16}")


def mix() -> list[bytes]:
    """The bodies of all events that the captures of the inbound socket hold."""
    names = [name for name in NAMES if name.endswith(".inbound")]
    frames = [frame for name in names for frame in Decoder().feed(wire(name))]
    return [frame.body for frame in frames if frame.kind == "text/event-plain"]


def renewed(bodies: list[bytes]) -> list[bytes]:
    """The same events of other calls at other times: nothing of them was seen before, but what stands in all calls."""
    own: dict[bytes, bytes] = {}
    shift = uuid.uuid4().int % 10**9

    def number(found: re.Match[bytes]) -> bytes:
        return str((int(found[0]) + shift) % 10 ** len(found[0])).zfill(len(found[0])).encode()

    renamed = (_ID.sub(lambda found: own.setdefault(found[0], str(uuid.uuid4()).encode()), body) for body in bodies)
    return [_NUMBER.sub(number, body) for body in renamed]


def framed(bodies: list[bytes], kind: str) -> bytes:
    """Events as they come over the socket."""
    head = b"Content-Length: %d\nContent-Type: text/event-" + kind.encode() + b"\n\n"
    return b"".join(head % len(body) + body for body in bodies)


def as_json(bodies: list[bytes]) -> list[bytes]:
    return [json.dumps(dict(plain_message(body))).encode() for body in bodies]


def rate(rounds: list[bytes], read: Callable[[bytes], int]) -> float:
    """Events a second of processor time: the best round, for others use this machine too."""
    best = 0.0
    for data in rounds:
        begin = time.process_time()
        count = read(data)
        best = max(best, count / (time.process_time() - begin))
    return best


def codec(data: bytes) -> int:
    """In the pieces that a socket hands over."""
    decoder, count = Decoder(), 0
    for place in range(0, len(data), 65_536):
        count += sum(message_of(frame) is not None for frame in decoder.feed(data[place : place + 65_536]))
    return count


def heard(data: bytes) -> int:
    """All that is done with an event before a call hears of it."""
    translator, sequence, lag, count = Translator(("RTP",)), Sequence(5.0), Lag(), 0
    now = datetime.now(UTC)
    for frame in Decoder().feed(data):
        if (message := message_of(frame)) is not None:
            count += 1
            sequence.heard(message, 0.0)
            lag.heard(stamp_of(message), 0.0)
            list(translator.read(message, now))
    return count


def theirs(bodies: list[bytes]) -> int:
    """What greenswitch 0.0.19 does with the body of an event."""
    return sum(bool(ESLEvent(body.decode()).headers) for body in bodies)


def test_ten_thousand_events_a_second_on_one_core() -> None:
    bodies = mix()
    rounds = [renewed(bodies) for _ in range(ROUNDS)]
    headers = sum(len(plain_message(body)) for body in bodies) / len(bodies)
    print(f"\n{len(bodies)} events of real calls, {headers:.0f} headers each; events a second and core")
    figures = {
        "callguard, text": rate([framed(own, "plain") for own in rounds], codec),
        "callguard, JSON": rate([framed(as_json(own), "json") for own in rounds], codec),
        "callguard, text, until a call hears of it": rate([framed(own, "plain") for own in rounds], heard),
        "greenswitch 0.0.19, text": max(_theirs(own) for own in rounds),
    }
    for name, figure in figures.items():
        print(f"{name:44}{figure:10.0f}")
    assert figures["callguard, text, until a call hears of it"] >= PER_SECOND
    assert figures["callguard, JSON"] >= PER_SECOND


def _theirs(bodies: list[bytes]) -> float:
    begin = time.process_time()
    count = theirs(bodies)
    return count / (time.process_time() - begin)
