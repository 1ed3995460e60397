from __future__ import annotations

import pytest

from callguard.core.effects import (
    Alert,
    Answer,
    DiscardRecording,
    Effect,
    MaskRecording,
    MeasureRecording,
    PlayPrompt,
    SendOn,
    StartRecording,
    StopPrompt,
    StopRecording,
    StopRogue,
    UnmaskRecording,
    WakeAt,
)
from callguard.core.events import Script


@pytest.mark.parametrize("kind", [MaskRecording, StopRecording, DiscardRecording, SendOn, StopPrompt, StopRogue])
def test_what_restricts_never_waits_for_the_log(kind: type[Effect]) -> None:
    assert kind.restrictive


@pytest.mark.parametrize("kind", [StartRecording, UnmaskRecording, PlayPrompt, Answer, MeasureRecording, WakeAt, Alert])
def test_what_permits_follows_the_log(kind: type[Effect]) -> None:
    assert not kind.restrictive


def test_a_request_is_written_down_with_its_name() -> None:
    assert PlayPrompt(channel_id="far", script=Script.NOTICE).record() == {
        "effect": "PlayPrompt",
        "channel_id": "far",
        "script": "notice",
        "whisper": False,
        "to_all": False,
    }


def test_a_prompt_that_is_named_is_written_down_and_one_that_is_not_is_not() -> None:
    """Rows from before one could be named stay the same."""
    stop = StopPrompt(channel_id="far")
    assert stop.record() == {"effect": "StopPrompt", "channel_id": "far"}
    line = {"effect": "StopPrompt", "channel_id": "far", "script": "recording_on"}
    assert StopPrompt(channel_id="far", script=Script.RECORDING_ON).record() == line
