from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest

from callguard.cli.moment import Moment


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 30 * 86400), ("12h", 43200), ("45m", 2700), ("0m", 0)], ids=lambda value: str(value)
)
def test_an_age_counts_from_now(text: str, seconds: int) -> None:
    off = datetime.now(UTC) - Moment().convert(text, None, None) - timedelta(seconds=seconds)
    assert abs(off) < timedelta(seconds=5)


def test_a_time_is_in_utc_where_no_zone_is_said() -> None:
    for text in ("2027-01-31T08:00", "2027-01-31T09:00+01:00"):
        assert Moment().convert(text, None, None) == datetime(2027, 1, 31, 8, tzinfo=UTC)
    at = datetime(2027, 1, 31, tzinfo=UTC)
    assert Moment().convert(at, None, None) is at


@pytest.mark.parametrize("text", ["yesterday", "", "5", "9999-99-99", "0001-01-01T00:00+14:00", "9999999d"])
def test_anything_else_is_a_usage_error(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Moment().convert(text, None, None)
