"""The hang-ups of tests/e2e/test_hangup.py on a real FreeSWITCH."""

from __future__ import annotations

import pytest

from tests.e2e.test_hangup import (  # noqa: F401
    test_a_hangup_before_anything_was_said_leaves_nothing_live,
    test_a_hangup_right_after_the_answer_leaves_nothing_live,
    test_fault_asterisk_1790_a_hangup_at_any_point_of_the_notice_leaves_nothing_live,
    test_the_agent_may_hang_up_first,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")
