"""Our own clocks."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime

from callguard.engine import clock
from callguard.engine.clock import Reading


def test_both_clocks_are_read() -> None:
    before, one, two = datetime.now(UTC), clock.read(), clock.read()
    assert before <= one.wall <= two.wall <= datetime.now(UTC) and one.wall.tzinfo is UTC
    assert one.monotonic_ns <= two.monotonic_ns and isinstance(one.synchronised, bool)


def test_ids_are_version_7_in_the_order_of_time_and_never_the_same() -> None:
    made = [clock.uuid7() for _ in range(1000)]
    assert len(set(made)) == 1000
    for text in (made[0], made[-1]):
        one = uuid.UUID(text)
        assert (one.version, one.variant) == (7, uuid.RFC_4122)
        assert abs((one.int >> 80) / 1000 - time.time()) < 60
    millisecond = [int(text.replace("-", "")[:12], 16) for text in made]
    assert millisecond == sorted(millisecond)


class Stopped:
    """A clock that stands still, and a die with one face."""

    def read(self) -> Reading:
        return Reading(datetime(2026, 1, 2, tzinfo=UTC), 7, True)

    def random(self, count: int) -> bytes:
        return bytes(count)


def test_time_and_chance_can_be_taken_from_elsewhere() -> None:
    before = clock.use(Stopped())
    try:
        assert clock.read().monotonic_ns == 7 and clock.uuid7() == clock.uuid7()
    finally:
        clock.use(before)
    assert clock.uuid7() != clock.uuid7()
