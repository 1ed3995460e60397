"""Looks at the file of a recording while FreeSWITCH writes it: one WAV of two sides.

What belongs here: reading size, header and new samples; it runs in a thread, so that a slow disk cannot stop the event
loop. What does not: what they mean (watch.py), finished files (callguard/audio).
"""

from __future__ import annotations

import os
from pathlib import Path

from callguard.pbx.asterisk.probe import Look, opened

FRAME = 4
"""Bytes of one sample of both sides."""
_LONGEST_HEAD = 4096


def file_of(folder: Path, recording_id: str) -> Path:
    """The file of a recording: named by its id and nothing else."""
    return folder / f"{recording_id}.wav"


def look(path: Path, since: int | None) -> Look:
    """Look at the file; with SINCE, read its sound from that sample on too. One that cannot be read is not there."""
    try:
        with opened(path) as file:
            head = file.read(_LONGEST_HEAD)
            place = head.find(b"data", 12)
            if place < 0:
                return Look(True)
            begin, size = place + 8, os.fstat(file.fileno()).st_size
            stated = int.from_bytes(head[place + 4 : begin], "little")
            length = max(0, size - begin)
            samples, final = length // FRAME, 0 < stated <= length
            if since is None:
                return Look(True, samples, final)
            file.seek(begin + FRAME * since)
            left, right = _sides(file.read(FRAME * max(0, samples - since)))
    except OSError:
        return Look()
    return Look(True, samples, final, since, left, right)


def _sides(sound: bytes) -> tuple[bytes, bytes]:
    """Interleaved samples of 16 bits as left and right."""
    pairs = memoryview(sound[: len(sound) // FRAME * FRAME]).cast("H")
    return pairs[0::2].tobytes(), pairs[1::2].tobytes()
