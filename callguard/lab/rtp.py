"""One RTP stream of a lab phone: paced sending, digits, and what was received with its arrival times.

What belongs here: RFC 3550 packets and RFC 4733 events over one UDP socket. What does not: who is called (sip.py), what
is said (media.py).
"""

from __future__ import annotations

import asyncio
import random
import struct
import time
from dataclasses import dataclass, field
from typing import cast
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from callguard.lab.media import PACKET, RATE, Samples, Silence, Source, from_mulaw, to_mulaw
from callguard.lab.message import DIGITS, PCMU

PERIOD = PACKET / RATE
KEYS = "0123456789*#ABCD"
_LATE = 0.2  # a sender later than this gives up the lost packets, as a phone would


@dataclass(frozen=True)
class Heard:
    """What arrived: `samples` end to end, and per packet of 160 its arrival, monotonic and wall clock seconds."""

    samples: Samples
    monotonic: NDArray[np.float64]
    wall: NDArray[np.float64]

    def between(self, start: float, end: float) -> Samples:
        """The samples whose packets arrived in that span of the monotonic clock."""
        inside = (self.monotonic >= start) & (self.monotonic < end)
        return self.samples.reshape(-1, PACKET)[inside].reshape(-1)


class RtpStream(asyncio.DatagramProtocol):
    """A socket that sends `source` every 20 ms once `send_to` was called, and keeps what it receives."""

    def __init__(self, source: Source | None = None) -> None:
        self.source: Source = source or Silence()
        self.muted = False
        self.loses = 0  # one packet of so many
        self._transport: asyncio.DatagramTransport | None = None
        self._target: tuple[str, int] | None = None
        self._packets: list[tuple[float, float, bytes]] = []
        self._keys: list[tuple[int, int, bool]] = []  # (event, duration, last) still to be sent, one a packet
        self._sequence, self._stamp = random.randrange(1 << 15), random.randrange(1 << 30)
        self._ssrc = random.getrandbits(32)
        self._key_stamp = 0
        self._begun = False

    @classmethod
    async def open(cls, host: str, source: Source | None = None) -> RtpStream:
        """Bound to a free port of `host`."""
        loop = asyncio.get_running_loop()
        _, stream = await loop.create_datagram_endpoint(lambda: cls(source), local_addr=(host, 0))
        return stream

    @property
    def port(self) -> int:
        """The local UDP port."""
        return 0 if self._transport is None else int(self._transport.get_extra_info("sockname")[1])

    def send_to(self, target: tuple[str, int]) -> None:
        """Start sending there, or move there."""
        self._target = target
        pace = _pace()
        pace.streams[self] = None
        pace.start()

    def close(self) -> None:
        """Stop and give the port back; what was heard stays."""
        _pace().streams.pop(self, None)
        if self._transport is not None:
            self._transport.close()

    async def press(self, key: str, seconds: float = 0.1) -> None:
        """Press one key for that long; returns when its last packet was handed over."""
        steps = max(1, round(seconds / PERIOD))
        event = KEYS.index(key)
        self._keys += [(event, n * PACKET, False) for n in range(1, steps + 1)] + [(event, steps * PACKET, True)] * 3
        while self._keys and self in _pace().streams:
            await asyncio.sleep(PERIOD / 2)

    def heard(self) -> Heard:
        """Everything received so far."""
        whole = [(at, wall, data) for at, wall, data in self._packets if len(data) == PACKET]
        samples = from_mulaw(b"".join(data for _, _, data in whole))
        return Heard(samples, np.array([at for at, _, _ in whole]), np.array([wall for _, wall, _ in whole]))

    # --- asyncio's side ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        # up to Python 3.11 asyncio's own class is no asyncio.DatagramTransport
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep one packet of audio."""
        if len(data) > 12 and data[0] >> 6 == 2 and data[1] & 0x7F == PCMU:
            self._packets.append((time.monotonic(), time.time(), data[12 + 4 * (data[0] & 15) :]))

    def speak(self) -> None:
        """Send the next 20 ms: a key, or sound."""
        self._stamp = (self._stamp + PACKET) & 0xFFFFFFFF
        if self._keys:
            self._send_key(*self._keys.pop(0))
        elif not self.muted:
            self._put(PCMU, not self._begun, self._stamp, to_mulaw(self.source.packet()))
            self._begun = True

    def _send_key(self, event: int, duration: int, last: bool) -> None:
        starts = duration == PACKET and not last
        if starts:
            self._key_stamp = self._stamp
        self._put(DIGITS, starts, self._key_stamp, struct.pack("!BBH", event, 0x8A if last else 0x0A, duration))

    def _put(self, kind: int, marker: bool, stamp: int, payload: bytes) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        if self.loses and self._sequence % self.loses == 0:
            return
        head = struct.pack("!BBHII", 0x80, kind | (0x80 if marker else 0), self._sequence, stamp, self._ssrc)
        if self._transport is not None and self._target is not None and not self._transport.is_closing():
            self._transport.sendto(head + payload, self._target)


@dataclass
class _Pace:
    """One task for every stream of an event loop: a task and a timer for each would be most of the work."""

    streams: dict[RtpStream, None] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run, unless it does."""
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        due = time.monotonic()
        while self.streams:
            due += PERIOD
            late = time.monotonic() - due
            if late > _LATE:
                due += late
            await asyncio.sleep(max(0.0, -late))
            for stream in tuple(self.streams):
                stream.speak()
        self.task = None


_paces: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pace] = WeakKeyDictionary()


def _pace() -> _Pace:
    return _paces.setdefault(asyncio.get_running_loop(), _Pace())
