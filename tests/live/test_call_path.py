"""The calls of tests/e2e/test_call_path.py on a real FreeSWITCH: the same words, the same promises."""

from __future__ import annotations

import pytest

from tests.e2e.test_call_path import (  # noqa: F401
    test_a_call_type_that_is_never_recorded_goes_straight_through,
    test_announce_records_who_stays_on_and_nobody_who_presses_2,
    test_key_1_after_the_notice_is_recorded_from_the_bridge_on,
    test_key_1_counts_only_after_the_notice_and_twice_is_once,
    test_key_2_at_any_moment_of_the_notice_leaves_no_file_and_the_call_goes_on,
    test_keys_of_the_wrong_side_mean_nothing,
    test_silence_is_asked_once_more_and_then_is_a_refusal,
    test_the_first_words_in_the_file_are_that_it_is_recorded,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")
