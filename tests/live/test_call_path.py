"""The calls of tests/e2e/test_call_path.py on a real FreeSWITCH: the same words, the same promises."""

from __future__ import annotations

import pytest

from tests.e2e.site import AGENT_NUMBERS, at, sent_before, states, types
from tests.e2e.test_call_path import (  # noqa: F401
    test_a_call_type_may_keep_what_was_recorded_before_a_withdrawal_and_nothing_after,
    test_a_call_type_that_is_never_recorded_goes_straight_through,
    test_a_call_type_that_the_policy_lacks_goes_on_unrecorded_with_an_incident,
    test_announce_records_who_stays_on_and_nobody_who_presses_2,
    test_fault_asterisk_unimrcp_44_key_1_counts_only_after_the_notice_and_twice_is_once,
    test_fault_ava_617_a_withdrawal_is_off_before_it_says_so_and_destroys_what_was_captured,
    test_fault_fusionpbx_5373_keys_of_the_wrong_side_mean_nothing,
    test_fault_node_ari_client_85_silence_is_asked_once_more_and_then_is_a_refusal,
    test_key_2_at_any_moment_of_the_notice_leaves_no_file_and_the_call_goes_on,
    test_the_first_words_in_the_file_are_that_it_is_recorded,
)
from tests.live.measure import note
from tests.live.site import LiveSite

pytestmark = pytest.mark.asyncio(loop_scope="session")

FLUSHED = 0.3
"""Seconds around the beginning and the end of a line that is played into a bridge, in which FreeSWITCH drops sound."""


@pytest.mark.requirement("S1", "S43", "S44", "S81", "S123", "S124", "S125")
async def test_key_1_after_the_notice_is_recorded_from_the_bridge_on(site: LiveSite) -> None:
    async with site.talk() as talk:
        await talk.recorded()
        await talk.row("notice_ended", script="recording_on")
        await talk.says(2)
        stored = await talk.ends()
    order = "call_started notice_started notice_ended consent_granted bridged recording_requested recording_opened"
    found = types(stored)
    assert sorted(order.split(), key=found.index) == order.split()
    assert states(stored) == ["verified"] and site.files(stored) == [".wav"] and not stored.incidents
    left, right = talk.tape().numbers()
    assert left == sorted(set(left)) and len(left) > 100
    assert not set(left) & sent_before(talk.far, at(stored, "recording_requested"))
    assert len(right) > 80 and min(right) >= AGENT_NUMBERS
    lost = sorted(set(range(left[0], left[-1])) - set(left))
    note("sound of the caller that is lost where a line is played into the bridge", len(lost) * 0.02)
    cut = [at(stored, f"notice_{what}", script="recording_on").timestamp() for what in ("started", "ended")]
    flushed = [n for n in lost if any(abs(talk.far.sent[n].wall - moment) < FLUSHED for moment in cut)]
    assert len(flushed) <= 8 and len(lost) - len(flushed) <= 3  # a packet that comes late on a busy machine is lost too
