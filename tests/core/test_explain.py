from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.core.explain import answer, explain, whereabouts_of
from callguard.core.override import Override
from callguard.core.place import LineType, Role
from callguard.core.purpose import NumberPolicy
from callguard.core.question import read_question
from callguard.core.strictest import Measure, Occasion
from callguard.errors import ConfigError
from tests.core.law import EXAMPLES, PACK, TEXAS, asked, document, example

KEYS = (
    "jurisdictions consent express notice beep_ok announcement_in_recording purpose_stated action reasons rule_pack"
).split()
FLAGS = ("express", "notice", "announcement_in_recording", "purpose_stated")


@pytest.mark.requirement("S9", "S46")
@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["case_id"])
def test_example(case: dict[str, str]) -> None:
    got = explain(example(case), PACK)
    assert list(got) == KEYS
    assert got["jurisdictions"] == case["expected_jurisdictions"].split(";")
    assert [got["consent"], got["beep_ok"], got["action"]] == [
        case["expected_consent"], case["expected_beep_ok"], case["expected_action"],
    ]  # fmt: skip
    assert {flag: got[flag] for flag in FLAGS} == {flag: case[f"expected_{flag}"] == "yes" for flag in FLAGS}
    assert got["rule_pack"] == PACK.version


CALIFORNIA: dict[str, Any] = {"role": "customer", "number": "+14155551234", "line": "landline"}
AUSTIN: dict[str, Any] = {"role": "customer", "number": "+15125551234", "line": "landline"}
PORTLAND: dict[str, Any] = {"role": "customer", "number": "+15035551234", "line": "landline", "via": "speakerphone"}
NEW_YORK: dict[str, Any] = {"role": "customer", "number": "+12125551234", "line": "landline"}
IVR: dict[str, Any] = {"role": "system", "kind": "voicemail", "joined_at": 30}


@pytest.mark.requirement("S9")
@pytest.mark.parametrize(
    ("event", "parties", "jurisdictions", "action"),
    [
        ("start", [TEXAS, IVR], ["US-TX"], "record"),
        ("start", [IVR], ["ZZ"], "ask_consent_then_record"),
        ("start", [{"role": "room_guest"}], ["ZZ"], "ask_consent_then_record"),
        ("transfer", [TEXAS, CALIFORNIA, IVR], ["US-TX", "US-CA"], "announce_then_record"),
        ("transfer", [TEXAS, CALIFORNIA, {"role": "transfer_target", "site": "US-TX"}], ["US-TX", "US-CA"],
         "pause_announce_to_all_then_resume"),
        ("join", [TEXAS, AUSTIN, {"role": "supervisor", "site": "US-FL", "mode": "whisper"}], ["US-TX", "US-FL"],
         "pause_ask_all_then_resume"),
        ("leave", [TEXAS, {**CALIFORNIA, "left_at": 60}], ["US-TX", "US-CA"], "keep_strictest_until_new_recording"),
        ("start", [TEXAS, {**CALIFORNIA, "left_at": 60}, AUSTIN], ["US-TX", "US-CA"], "announce_then_record"),
        ("room_guest_detected", [{"role": "agent", "site": "US-ID"}, PORTLAND, {"role": "room_guest", "known": False}],
         ["US-ID", "US-OR"], "pause_announce_to_all_then_resume"),
        ("room_guest_detected", [TEXAS, AUSTIN, {"role": "room_guest"}], ["US-TX"], "record"),
        ("start_telemarketing", [TEXAS, NEW_YORK], ["US-TX", "US-NY"], "announce_then_record"),
        ("start_telemarketing", [TEXAS, AUSTIN], ["US-TX"], "record"),
        ("start_with_beep_only", [{"role": "agent", "site": "US-CT"}, AUSTIN], ["US-CT", "US-TX"],
         "beep_while_recording"),
        ("silence", [TEXAS, {**CALIFORNIA, "answer": "silence"}], ["US-TX", "US-CA"], "record"),
        ("late_notice", [TEXAS, {**CALIFORNIA, "announce_at": 40}], ["US-TX", "US-CA"],
         "record_only_after_announcement"),
        ("late_notice", [TEXAS, AUSTIN], ["US-TX"], "record"),
        ("withdraw", [TEXAS, {**AUSTIN, "answer": "withdraw"}], ["US-TX"], "stop_recording_continue_call"),
        ("start", [TEXAS, {**AUSTIN, "on_hold": True}], ["US-TX"], "record"),
        ("consult", [TEXAS, {**CALIFORNIA, "on_hold": True}, {"role": "transfer_target", "site": "US-TX"}],
         ["US-TX", "US-CA"], "pause_announce_to_all_then_resume"),
    ],
)  # fmt: skip
def test_parties_that_come_go_and_hear(
    event: str, parties: list[dict[str, Any]], jurisdictions: list[str], action: str
) -> None:
    got = asked(event, *parties)
    assert (got["jurisdictions"], got["action"]) == (jurisdictions, action)


def test_a_code_that_is_a_country_is_said_to_be_one() -> None:
    got = asked("start", {"role": "agent", "site": "CA"})
    assert got["jurisdictions"] == ["CA"]
    assert "CA is Canada, US-CA is California" in got["reasons"][0]


@pytest.mark.requirement("S42")
def test_reasons_name_places_rows_confidence_and_disputes_but_no_number() -> None:
    got = asked("start", TEXAS, {"role": "customer", "number": "+13055551234", "line": "landline", "crm": "US-NY"})
    text = "\n".join(got["reasons"])
    assert "party 2 (customer): US-NY and US-FL: the CRM; its number; the area code" in text
    assert "Fla. Stat. 934.03" in text
    assert got["reasons"][-1] == "start: ask_consent_then_record; confidence medium; disputed: US-FL"
    assert "305" not in text.replace("2305", "") and "5551234" not in text


def test_overrides_in_force_and_expired_are_named() -> None:
    def override(code: str, expires: date) -> Override:
        changes = (("consent", "all_party"), ("notice_required", "yes"), ("beep_ok", "no"))
        return Override(code, changes, "counsel 12", "legal", expires)

    three = [override("US-TX", date(2027, 1, 1)), override("FR", date(2027, 1, 1)), override("GB", date(2026, 1, 1))]
    got = explain(document("start", TEXAS), PACK.overridden(three, date(2026, 12, 1)))
    assert (got["action"], got["consent"]) == ("announce_then_record", "all_party")
    assert [line for line in got["reasons"] if "override" in line] == [
        "override of US-TX by legal until 2027-01-01: "
        "consent = all_party, notice_required = yes, beep_ok = no (counsel 12)",
        "expired, without effect: override of GB by legal until 2026-01-01: "
        "consent = all_party, notice_required = yes, beep_ok = no (counsel 12)",
    ]
    assert got["rule_pack"] != PACK.version


def test_bad_input_is_refused_as_a_whole() -> None:
    with pytest.raises(ConfigError, match="2 problem"):
        explain({"event": "begin", "parties": []}, PACK)


def test_whereabouts_in_words() -> None:
    (place,) = answer(read_question(document("start", {"role": "system"})), PACK).places
    assert whereabouts_of(place) == "no place of its own: a system of our own has no say"


# ---------------------------------------------------------------- whatever the parties
NUMBERS = [f"+1{area}5551234" for area in sorted(PACK.npa)] + [
    "+442079460000", "+441534500000", "+447781123456", "+447624123456", "+61412345678", "+41791234567", "+3222345678",
    "+97235551234", "+78001234567", "0000000000", "911", "x",
]  # fmt: skip
places = st.sampled_from([*sorted(PACK.rows), "", "Texas", "CN", "CA-ON", "US-QQ"])
parties = st.fixed_dictionaries(
    {"role": st.sampled_from(list(Role))},
    optional={
        "site": places, "hq": places, "crm": places, "number": st.sampled_from(NUMBERS),
        "line": st.sampled_from(list(LineType)), "cli": st.just("anonymous"), "sip": st.just("sip:a@b"),
        "joined_at": st.just(60), "left_at": st.just(90), "via": st.just("speakerphone"),
        "answer": st.sampled_from(["yes", "no", "silence", "unclear", "withdraw"]),
    },
)  # fmt: skip
groups = st.lists(parties, min_size=1, max_size=5)
policies = st.sampled_from(list(NumberPolicy))


def demanded(some: list[dict[str, Any]], policy: str) -> tuple[int, ...]:
    return answer(read_question(document("start", *some, policy=policy)), PACK).demand.strictness


@pytest.mark.requirement("S9")
@given(groups, parties, policies)
def test_one_more_party_never_weakens(some: list[dict[str, Any]], more: dict[str, Any], policy: str) -> None:
    placed = [item for item in some if item["role"] not in ("system", "room_guest")]
    before, after = demanded(placed or [TEXAS], policy), demanded([*(placed or [TEXAS]), more], policy)
    assert all(late >= early for early, late in zip(before, after, strict=True))


@given(groups, st.randoms(use_true_random=False), policies, st.sampled_from(list(Occasion)))
def test_the_order_of_parties_does_not_matter(some: list[dict[str, Any]], random: Any, policy: str, event: str) -> None:
    mixed = random.sample(some, len(some))
    one, other = asked(event, *some, policy=policy), asked(event, *mixed, policy=policy)
    assert set(one.pop("jurisdictions")) == set(other.pop("jurisdictions"))
    assert sorted(one.pop("reasons")[len(some) :]) == sorted(other.pop("reasons")[len(some) :])
    assert one == other


@pytest.mark.requirement("S9")
@given(groups, policies, st.sampled_from(list(Occasion)))
def test_nobody_known_is_never_weaker_than_anybody_known(
    some: list[dict[str, Any]], policy: str, event: Occasion
) -> None:
    nowhere = demanded([{"role": "customer"}], policy)
    assert all(most >= here for most, here in zip(nowhere, demanded(some, policy), strict=True))
    assert asked(event, {"role": "customer"})["action"] not in (Measure.RECORD, Measure.BEEP)


@pytest.mark.parametrize("code", sorted(set(PACK.rows) - {"US"}))
def test_every_row_is_reached(code: str) -> None:
    assert asked("start", {"role": "agent", "site": code})["jurisdictions"] == [code]
    assert code in " ".join(asked("start", {"role": "customer", "crm": code})["reasons"])


def test_the_federal_row_is_reached_through_its_states_alone() -> None:
    rows = PACK.rows_for(["US-TX"])
    assert [row.iso_code for row in rows] == ["US-TX", "US"]
    assert "US" not in {PACK.resolve(code) for code in (*PACK.rows, "US-QQ")}
    assert replace(rows[1], name="x").covers(rows[1])
