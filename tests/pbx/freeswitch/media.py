"""What a scripted FreeSWITCH records: numbered frames of 20 ms, through the buffer that a media bug has.

What belongs here: one recording's file as it grows. What does not: commands and events (scripted.py). Measured on a
real one: on a leg without outgoing audio the recorder lags behind by 25 frames, with RECORD_PRE_BUFFER_FRAMES=1 by one
or two; a mask is digital silence and acts on what is written, so that an unmask lets out what was spoken before it.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from pathlib import Path

FRAME = 160
"""Samples of a frame."""
SECONDS = 0.02


def header(length: int) -> bytes:
    """A WAV header: stereo, 16 bit, 8 kHz; LENGTH: bytes of sound, 0 while it is not known."""
    shape = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 8000, 32000, 4, 16)
    return struct.pack("<4sI4s", b"RIFF", 36 + length, b"WAVE") + shape + struct.pack("<4sI", b"data", length)


class Recording:
    """A session_record bug. `number` of the frame that is spoken now; both sides say it in every sample, except what is
    played to the channel, which is the right side then. `held`: the channel is on hold, and nothing is written.
    """

    def __init__(self, path: Path, variables: dict[str, str]) -> None:
        self.path, self.variables = path, variables
        self.masked = False
        self.full = self.held = False
        self.number = 0
        self.written = 0
        lag = 1 if variables.get("RECORD_PRE_BUFFER_FRAMES") == "1" else 25
        self._buffer: deque[tuple[int, bytes]] = deque()
        self._played = b""
        self.lag = lag
        self._file = path.open("wb")
        self._file.write(header(0))
        self._file.flush()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        while True:
            await asyncio.sleep(max(0.0, started + (self.number + 1) * SECONDS - loop.time()))
            self.number += 1
            self._buffer.append((self.number, self._played[: FRAME * 2]))
            self._played = self._played[FRAME * 2 :]
            while len(self._buffer) > self.lag:
                self._write(*self._buffer.popleft())

    def play(self, sound: bytes) -> None:
        """This is played to the channel from now on: 16 bit, 8 kHz."""
        self._played = sound

    def _write(self, number: int, played: bytes) -> None:
        if self.full or self.held:
            return
        own = struct.pack("<h", 0 if self.masked else 1 + number % 30_000)
        heard = b"" if self.masked else played
        sides = [own * FRAME, heard + own * (FRAME - len(heard) // 2)]
        pairs = zip(*(memoryview(side).cast("H") for side in sides), strict=True)
        self._file.write(struct.pack(f"<{2 * FRAME}H", *(sample for pair in pairs for sample in pair)))
        self._file.flush()
        self.written += 1

    def close(self) -> str:
        """End it: the header becomes final. Its Record-Completion-Cause by command."""
        self.task.cancel()
        self._file.seek(0)
        self._file.write(header(self.written * FRAME * 4))
        self._file.close()
        return "uri-failure" if self.full else "success-maxtime" if self.written else "empty-file"
