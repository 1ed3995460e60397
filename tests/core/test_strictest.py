from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callguard.core.row import Beep, Confidence, Consent
from callguard.core.strictest import (
    FLOOR,
    IN_ROOM,
    NOBODY,
    TELEMARKETING,
    Demand,
    Measure,
    Occasion,
    Scene,
    measure,
    merge,
)
from tests.core.law import PACK

codes = st.sampled_from(sorted(PACK.rows))
WEAK = merge(PACK.rows_for(["US-TX"]))
NOTICE = merge(PACK.rows_for(["US-CA"]))
EXPRESS = merge(PACK.rows_for(["ZZ"]))
ALL = tuple(Occasion)


def of(*names: str) -> Demand:
    return merge(PACK.rows_for(names))


# ---------------------------------------------------------------- merging
@pytest.mark.requirement("S9")
@given(st.lists(codes, min_size=1, max_size=6), codes)
def test_one_more_row_never_weakens(some: list[str], more: str) -> None:
    assert of(*some, more).covers(of(*some))


@given(st.lists(codes, min_size=1, max_size=6), st.randoms())
def test_order_does_not_matter(some: list[str], random: object) -> None:
    there, back = of(*some), of(*reversed(some))
    assert there.as_data() == back.as_data() and there.special == back.special and there.confidence == back.confidence


@pytest.mark.requirement("S9")
@given(st.lists(codes, max_size=6))
def test_nowhere_and_nobody_ask_for_everything(some: list[str]) -> None:
    assert of("ZZ").strictness >= of(*some).strictness == max(of(*some).strictness, of(*some).strictness)
    assert all(mine >= theirs for mine, theirs in zip(of("ZZ").strictness, of(*some).strictness, strict=True))
    assert of().strictness == NOBODY.strictness == of("ZZ").strictness


@pytest.mark.parametrize(
    ("names", "beep"),
    [
        (("US-TX",), Beep.NA), (("US-CT",), Beep.YES), (("US-CT", "US-TX"), Beep.YES), (("US-CT", "US-CA"), Beep.NO),
    ],
)  # fmt: skip
def test_a_tone_is_enough_only_where_every_row_that_needs_a_notice_says_so(names: tuple[str, ...], beep: Beep) -> None:
    assert of(*names).beep_ok is beep


def test_confidence_is_of_the_least_sure_row_and_disputes_are_named() -> None:
    both = of("US-FL", "FI", "JE")
    assert (both.confidence, both.disputes) == (Confidence.LOW, ("US-FL",))
    assert of("US-NY").confidence is Confidence.HIGH and of("US-NY").disputes == ()


def test_each_row_gives_its_reason_and_citation() -> None:
    first, second = of("US-MD").reasons
    assert first.startswith("US-MD Maryland: consent of all, express, notice [Md. Code") and "sources disagree" in first
    assert second.startswith("US United States (federal floor): consent of one party, no notice, tortious_purpose_bars")
    assert "a tone is enough, announcement inside the recording, beep_interval_s=15" in of("US-CT").reasons[0]
    assert "purpose stated" in of("GB").reasons[0]


def test_a_demand_covers_another_only_with_its_special_words() -> None:
    assert not of("US-TX").covers(of("US-NY")) and of("US-NY").covers(of("US-TX"))


# ---------------------------------------------------------------- the floor
@pytest.mark.parametrize("occasion", ALL)
@pytest.mark.parametrize(("demand", "column"), [(EXPRESS, "express"), (NOTICE, "notice"), (WEAK, "neither")])
def test_every_occasion_is_a_line_of_the_table(occasion: Occasion, demand: Demand, column: str) -> None:
    assert measure(occasion, demand) is getattr(FLOOR[occasion], column)


@pytest.mark.requirement("S42")
@pytest.mark.parametrize("occasion", ALL)
def test_express_consent_is_never_taken_for_granted(occasion: Occasion) -> None:
    assert measure(occasion, EXPRESS) not in (Measure.RECORD, Measure.BEEP, Measure.ANNOUNCE, Measure.PAUSE_ANNOUNCE)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("US-CT", "US-TX"), Measure.BEEP), (("US-CT", "US-WA"), Measure.ANNOUNCE), (("US-TX",), Measure.RECORD),
        (("US-CT", "US-FL"), Measure.ASK),
    ],
)  # fmt: skip
def test_a_tone_alone(names: tuple[str, ...], expected: Measure) -> None:
    assert measure(Occasion.START_WITH_BEEP_ONLY, of(*names)) is expected


@pytest.mark.parametrize(
    ("occasion", "scene", "expected"),
    [
        (Occasion.START_TELEMARKETING, Scene(), Measure.ANNOUNCE),
        (Occasion.START, Scene(telemarketing=True), Measure.ANNOUNCE),
        (Occasion.JOIN, Scene(telemarketing=True), Measure.PAUSE_ANNOUNCE),
        (Occasion.START, Scene(), Measure.RECORD),
        (Occasion.ROOM_GUEST_DETECTED, Scene(in_room=True), Measure.RECORD),
    ],
)
def test_new_york_asks_for_a_notice_in_sales_calls(occasion: Occasion, scene: Scene, expected: Measure) -> None:
    assert TELEMARKETING in of("US-NY").special
    assert measure(occasion, of("US-NY", "US-TX"), scene) is expected


@pytest.mark.parametrize(
    ("occasion", "scene", "expected"),
    [
        (Occasion.ROOM_GUEST_DETECTED, Scene(), Measure.PAUSE_ANNOUNCE),
        (Occasion.START, Scene(in_room=True), Measure.ANNOUNCE),
        (Occasion.START, Scene(), Measure.RECORD),
        (Occasion.START_TELEMARKETING, Scene(), Measure.RECORD),
    ],
)
def test_oregon_asks_for_a_notice_in_a_room(occasion: Occasion, scene: Scene, expected: Measure) -> None:
    assert IN_ROOM in of("US-OR").special
    assert measure(occasion, of("US-OR", "US-ID"), scene) is expected


def test_a_special_notice_is_the_least_and_never_less_than_the_rule() -> None:
    assert measure(Occasion.START_TELEMARKETING, of("US-NY", "US-FL")) is Measure.ASK
    assert measure(Occasion.ROOM_GUEST_DETECTED, of("US-OR", "US-FL")) is Measure.PAUSE_ASK


@pytest.mark.parametrize("occasion", [Occasion.JOIN, Occasion.TRANSFER, Occasion.CONSULT])
def test_a_system_of_ours_that_comes_surprises_nobody(occasion: Occasion) -> None:
    alone = Scene(only_systems=True)
    expected = [Measure.ASK, Measure.ANNOUNCE, Measure.RECORD]
    assert [measure(occasion, demand, alone) for demand in (EXPRESS, NOTICE, WEAK)] == expected


@pytest.mark.requirement("S13")
@pytest.mark.parametrize("occasion", ALL)
def test_a_refusal_stands_whatever_happens_next(occasion: Occasion) -> None:
    expected = Measure.KEEP if occasion is Occasion.LEAVE else Measure.STOP
    assert {measure(occasion, demand, Scene(refused=True)) for demand in (EXPRESS, NOTICE, WEAK)} == {expected}


def test_one_party_is_still_consent_of_somebody() -> None:
    assert WEAK.consent is Consent.ONE_PARTY and WEAK.as_data()["consent"] == "one_party"


@pytest.mark.parametrize(
    ("names", "scene"), [(("US-CT", "US-NY"), Scene(telemarketing=True)), (("US-CT", "US-OR"), Scene(in_room=True))]
)
def test_a_tone_is_not_the_notice_that_a_special_word_asks_for(names: tuple[str, ...], scene: Scene) -> None:
    assert measure(Occasion.START_WITH_BEEP_ONLY, of(*names)) is Measure.BEEP
    assert measure(Occasion.START_WITH_BEEP_ONLY, of(*names), scene) is Measure.ANNOUNCE
