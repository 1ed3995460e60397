"""The line in every file: played once, and once more where its hearer was taken away."""

from __future__ import annotations

import pytest

from callguard.core.asking import HUNG_UP
from callguard.core.effects import PlayPrompt, StopRecording
from callguard.core.events import Role, Script
from callguard.core.line import settle
from tests.core.play import AGENT, FAR, OTHER_AGENT, Play, play

LINE = Script.RECORDING_ON


def in_the_line(talk: Play | None = None, to: str = AGENT) -> Play:
    talk = (talk or play().talking()).acknowledged().wait(0.1).opened().plays(LINE, to=to, whisper=True)
    return talk.wait(0.1).begins(LINE, to=to).wait(0.5)


@pytest.mark.requirement("S22")
def test_where_its_hearer_leaves_who_stays_hears_it_anew() -> None:
    talk = play().granted().sees(AGENT, Role.AGENT).sees(OTHER_AGENT, Role.AGENT).bridges(AGENT, OTHER_AGENT, FAR)
    talk = in_the_line(talk, to=OTHER_AGENT).unbridges(OTHER_AGENT).fails(LINE, to=OTHER_AGENT, reason="not played")
    talk.plays(LINE, to=AGENT, whisper=True)
    assert not talk.count(StopRecording)
    talk.wait(0.2).begins(LINE, to=AGENT)
    assert talk.file.line_at == talk.now and not talk.file.line_owed


def test_it_waits_for_somebody_to_hear_it() -> None:
    talk = in_the_line().fails(LINE, to=AGENT, reason=HUNG_UP).is_quiet()
    talk.hangs_up(AGENT)
    assert not [item for item in talk.last.effects if isinstance(item, PlayPrompt)]
    talk.joined_by(OTHER_AGENT, Role.AGENT).did(StopRecording).stopped().acknowledged().opened()
    talk.plays(LINE, to=FAR, whisper=True)


def test_nothing_is_owed_where_nothing_is_recorded() -> None:
    talk = in_the_line().hangs_up()
    talk.fails(LINE, to=AGENT, reason=HUNG_UP).is_quiet()
    assert settle(talk.call).call == talk.call
