from __future__ import annotations

from typing import Any

import pytest

from callguard.core.place import LineType, Role
from callguard.core.purpose import NumberPolicy
from callguard.core.question import KEYS, Answer, Question, read_question
from callguard.core.strictest import Occasion, Scene
from callguard.errors import ConfigError
from tests.core.law import EXAMPLES, TEXAS, document, example

FULL: dict[str, Any] = {
    "role": "guest", "site": "US-CA", "hq": "US-TX", "crm": "FR", "number": "+15125551234", "line": "mobile",
    "cli": "anonymous", "sip": "sip:a@b", "via": "speakerphone", "answer": "no", "call_type": "telemarketing",
    "purpose": "quality", "joined_at": 60, "left_at": 90.5, "on_hold": True, "announced": False, "announce_at": 3,
    "mode": "whisper", "known": False, "kind": "interpreter",
}  # fmt: skip


def problems(value: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_question(value)
    return caught.value.problems


def question(event: str, *parties: dict[str, Any]) -> Question:
    return read_question(document(event, *parties))


def test_all_keys_of_a_party_are_read() -> None:
    assert set(FULL) == set(KEYS)
    (present,) = question("join", FULL).parties
    assert (present.party.role, present.party.line, present.party.hq) == (Role.GUEST, LineType.MOBILE, "US-TX")
    assert (present.answer, present.speakerphone, present.telemarketing) == (Answer.NO, True, True)
    assert present.joined and present.left


def test_null_is_as_if_it_were_not_there() -> None:
    (present,) = question("start", {**dict.fromkeys(KEYS), "role": "customer"}).parties
    assert (present.party.number, present.party.line, present.answer) == ("", LineType.UNKNOWN, None)
    assert not present.joined and not present.left


def test_number_policy_is_hint_unless_said() -> None:
    asked = read_question({"event": "join", "parties": [TEXAS]})
    assert (asked.policy, asked.occasion) == (NumberPolicy.HINT, Occasion.JOIN)


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["case_id"])
def test_examples_can_be_read(case: dict[str, str]) -> None:
    assert read_question(example(case)).policy == case["number_policy"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], ['must be an object: {"event": "start", "parties": [{"role": "agent"}]}']),
        (None, ['must be an object: {"event": "start", "parties": [{"role": "agent"}]}']),
        ({}, ["event: is missing", "parties: must be a list of 1 to 500 parties"]),
        ({"event": "start", "parties": None}, ["parties: must be a list of 1 to 500 parties"]),
        ({"event": "start", "parties": []}, ["parties: must be a list of 1 to 500 parties"]),
        ({"event": "start", "parties": {"role": "agent"}}, ["parties: must be a list of 1 to 500 parties"]),
        ({"event": "start", "parties": [TEXAS] * 501}, ["parties: must be a list of 1 to 500 parties"]),
        ({"event": "start", "parties": ["agent"]}, ["parties[0]: must be an object"]),
        ({"event": "start", "parties": [{}]}, ["parties[0].role: is missing"]),
        ({"event": "start", "number_policy": None, "parties": [TEXAS]}, ["number_policy: is missing"]),
    ],
)
def test_what_is_no_question(value: object, expected: list[str]) -> None:
    assert problems(value) == expected


def test_everything_is_named_at_once_and_no_value_is() -> None:
    party = {
        "role": "boss", "site": 7, "number": 15125551234, "line": "fixed", "cli": "+15125551234", "joined_at": -1,
        "left_at": "noon", "announce_at": float("inf"), "on_hold": "yes", "crm": "x" * 513, "colour\x1b[31m": 1,
        "n" * 99: 2, "known": 1,
    }  # fmt: skip
    found = problems({"event": "begin", "number_policy": "maybe", "partys": [], "parties": [TEXAS, party]})
    assert found[:3] == [
        "partys: unknown key",
        "event: must be one of " + ", ".join(Occasion),
        "number_policy: must be one of hint, trust",
    ]
    assert found[3:5] == ["parties[1].colour?[31m: unknown key", f"parties[1].{'n' * 40}...: unknown key"]
    named = "role line cli site crm number joined_at left_at announce_at on_hold known".split()
    assert [problem.split(":")[0] for problem in found[5:]] == [f"parties[1].{key}" for key in named]
    assert "1512555" not in " ".join(found)


# ---------------------------------------------------------------- the scene
GUEST: dict[str, Any] = {"role": "guest", "crm": "FR"}
IVR: dict[str, Any] = {"role": "system"}


@pytest.mark.parametrize(
    ("parties", "scene"),
    [
        ([TEXAS], Scene()),
        ([TEXAS, {**GUEST, "answer": "no"}], Scene(refused=True)),
        ([TEXAS, {**GUEST, "answer": "withdraw"}], Scene(refused=True)),
        ([TEXAS, {**GUEST, "answer": "no", "left_at": 9}], Scene()),
        ([TEXAS, {**GUEST, "answer": "silence"}], Scene()),
        ([TEXAS, IVR], Scene(only_systems=True)),
        ([TEXAS, GUEST, IVR], Scene()),
        ([TEXAS, GUEST, {**IVR, "joined_at": 60}], Scene(only_systems=True)),
        ([TEXAS, {**GUEST, "joined_at": 20}, {**IVR, "joined_at": 60}], Scene()),
        ([TEXAS, {**GUEST, "call_type": "telemarketing"}], Scene(telemarketing=True)),
        ([TEXAS, {**GUEST, "via": "speakerphone"}], Scene(in_room=True)),
        ([TEXAS, {"role": "room_guest"}], Scene(in_room=True)),
    ],
)
def test_what_is_true_of_the_call(parties: list[dict[str, Any]], scene: Scene) -> None:
    assert question("join", *parties).scene == scene
