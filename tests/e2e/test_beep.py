"""The tone that says again and again that a call is recorded: who hears it, and that it is in the file."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from callguard.audio.tone import HERTZ
from callguard.audio.wav import WavReader
from callguard.lab.media import RATE, Samples, Silence
from tests.e2e.quick import LANGUAGE
from tests.e2e.site import POLICY, Site, incidents, states

WINDOW = RATE // 20


def beeps(sound: Samples) -> list[tuple[float, float, float]]:
    """(beginning, seconds, level in dB of full scale) of every stretch of SOUND that is the tone and little else. A
    packet or two that came late on a busy machine part no beep."""
    windows = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW).astype(float)
    wave = np.exp(-2j * np.pi * HERTZ * np.arange(WINDOW) / RATE)
    peak = 2 * np.abs(windows @ wave) / WINDOW
    tone = (peak > 100) & (peak**2 / 2 > 0.8 * np.mean(windows**2, axis=1))
    on = np.flatnonzero(tone)
    for last, following in itertools.pairwise(on):
        tone[last:following] |= following - last <= 2
    edges = np.flatnonzero(np.diff(np.concatenate(([0], tone, [0]))))
    return [
        (start / 20, (end - start) / 20, float(20 * np.log10(peak[start:end].max() / 32767)))
        for start, end in edges.reshape(-1, 2)
    ]


BEEPED = f'[call_type.beeped]\nlanguage = "{LANGUAGE}"\nbeep = "always"\nbeep_every_s = 3\nbeep_level_db = -12\n'


async def test_both_parties_hear_it_at_its_level_and_pace_and_not_while_the_recording_is_paused(folder: Path) -> None:
    async with await Site.open(folder, policy=f"{POLICY}\n{BEEPED}") as site:
        await heard_and_not_heard(site)


async def heard_and_not_heard(site: Site) -> None:
    async with site.talk("beeped") as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        talk.call.rtp.source = talk.answered.rtp.source = Silence()
        await talk.says(5.2)
        await talk.answered.press("*8")
        await talk.row("mask_acknowledged")
        paused = [len(side.heard().samples) for side in (talk.call, talk.answered)]
        await talk.says(4)
        heard = [side.heard().samples for side in (talk.call, talk.answered)]
        stored = await talk.ends()
    assert states(stored) == ["verified"] and incidents(stored) == set()
    with WavReader(talk.file()) as reader:
        file = reader.read(reader.frames)
    for sound in (*(sound[:end] for sound, end in zip(heard, paused, strict=True)), file[:, 1].copy()):
        first, second, *_ = beeps(sound)  # on a busy machine the pause may come behind the next one
        assert second[0] - first[0] == pytest.approx(3, abs=0.25)
        for _, seconds, level in (first, second):
            assert seconds == pytest.approx(0.5, abs=0.1) and level == pytest.approx(-12, abs=1)
    assert [beeps(sound[end:]) for sound, end in zip(heard, paused, strict=True)] == [[], []]
