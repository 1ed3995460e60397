"""Moments as people write them: an age ("30d", "12h", "45m") or a date, in UTC where no zone is said.

What belongs here: reading them. What does not: what is asked for since then.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from callguard.engine import clock

_AGE = re.compile(r"([0-9]{1,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Moment(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """An aware datetime in UTC."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """VALUE as a time; a usage error where it is none."""
        if isinstance(value, datetime):
            return value
        if age := _AGE.fullmatch(value):
            return clock.read().wall - timedelta(**{_UNITS[age[2]]: int(age[1])})
        try:
            at = datetime.fromisoformat(value)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither an age such as 30d, 12h or 45m nor a time such as 2027-01-31T08:00", param)


since_option = click.option("--since", type=Moment(), help="An age (30d, 12h, 45m) or a time (2027-01-31T08:00), UTC.")
