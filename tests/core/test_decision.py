from __future__ import annotations

import json

from callguard.core.decision import decision_of, plain
from callguard.core.events import Role
from callguard.core.policy import Mode
from tests.core.play import play


def test_a_decision_is_what_json_gives_back() -> None:
    for talk in (play().starts(), play().recording().joined_by(), play().recording().presses("*7").stopped().whole()):
        decided = decision_of(talk.last)
        assert json.loads(json.dumps(decided)) == decided


def test_a_decision_names_effects_and_reasons() -> None:
    decided = decision_of(play().recording().joined_by(role=Role.GUEST).last)
    assert [effect["effect"] for effect in decided["effects"]] == ["MaskRecording", "PlayPrompt", "WakeAt", "WakeAt"]
    assert decided["reasons"] == ["not every party may be recorded"]


def test_plain() -> None:
    assert plain({"a": (Mode.ASK, 0.1, 2, None, True)}) == {"a": ["ask", "0.100000", 2, None, True]}
    assert type(plain(Mode.ASK)) is str
