"""The masks of tests/e2e/test_masks.py on a real FreeSWITCH, to the packet."""

from __future__ import annotations

import pytest

from tests.e2e.test_masks import (  # noqa: F401
    test_an_operator_pauses_resumes_and_withdraws_by_the_command_line,
    test_hold_is_masked_and_its_end_brings_the_sound_back,
    test_the_agents_keys_pause_and_resume,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")
