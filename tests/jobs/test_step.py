"""The table of steps."""

from __future__ import annotations

from datetime import timedelta

from callguard.jobs.step import ATTEMPTS, ELSEWHERE, ORDER, following, pause, queue_of


def test_a_step_follows_another_and_what_is_not_there_is_left_out() -> None:
    assert [following(step, ORDER) for step in ORDER] == [*ORDER[1:], None]
    assert following("ingest", {"ingest", "trim"}) == "trim" and following("trim", {"ingest", "trim"}) is None
    assert following("discard", ORDER) is None


def test_attempts_are_capped_and_each_waits_longer_than_the_one_before() -> None:
    pauses = [pause(attempt) for attempt in range(1, ATTEMPTS + 1)]
    waits = [wait for wait in pauses if wait]
    assert pauses[-1] is None and len(waits) == ATTEMPTS - 1 and waits == sorted(waits)
    assert waits[0] == timedelta(seconds=5) and waits[-1] == timedelta(hours=1)
    assert timedelta(hours=2) < sum(waits, timedelta()) < timedelta(hours=6)


def test_each_step_is_done_where_there_is_what_it_needs() -> None:
    assert [queue_of(step, "p1") for step in ("ingest", "trim", *ELSEWHERE)] == ["pbx.p1", "trim", "vault"]
