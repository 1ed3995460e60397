"""The tone that says that a call is recorded: 1400 Hz for half a second, as a file that a PBX can play.

Belongs here: its sound and its file. Does not: when it is heard (core/beeping.py).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from callguard.audio.prompt import RATE, Prompt
from callguard.audio.staged import staged
from callguard.audio.wav import Samples, WavWriter
from callguard.errors import BadInput

HERTZ, SECONDS, FADE = 1400, 0.5, 0.005
TONES = ".callguard-tones"
"""The folder of tones below the recordings': the one place that callguard writes to and every PBX reads from."""


def beep(level_db: int) -> Samples:
    """The tone, its peak LEVEL_DB of full scale, without a click at either end."""
    time = np.arange(round(RATE * SECONDS)) / RATE
    edge = np.minimum(1.0, np.minimum(time, time[::-1]) / FADE)
    sound: Samples = (32767 * 10 ** (level_db / 20) * edge * np.sin(2 * np.pi * HERTZ * time)).astype(np.int16)
    return sound


def make_beep(recordings: Path, level_db: int) -> Prompt:
    """The tone as a file below RECORDINGS, written unless it is there. Raises BadInput."""
    path = recordings / TONES / f"beep{level_db}.wav"
    try:
        path.parent.mkdir(exist_ok=True)  # the folder of recordings is not ours to make
        with staged(path, "the beep") as file:
            writer = WavWriter(file, RATE, 1)
            writer.write(beep(level_db).reshape(-1, 1))
            writer.finish()
        path.parent.chmod(0o755)
        path.chmod(0o644)  # the PBX may be another user
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as wrong:
        raise BadInput(f"the beep cannot be written to {path.parent}: {wrong.strerror}") from wrong
    return Prompt(id="beep", language="", text_version="", sha256=digest, path=path, duration_s=SECONDS, text="")
