"""The PBX's clock held against ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callguard.core.events import ChannelHungUp
from callguard.lab.asterisk import Asterisk
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.site import AmiAddress
from callguard.pbx.asterisk.skew import STEP, THEIRS, Skew, said_at
from callguard.pbx.asterisk.translate import translate
from callguard.ports import Said

AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
GONE = {
    "type": "ChannelDestroyed",
    "timestamp": "2026-03-01T13:02:00.250+0100",
    "cause": 16,
    "channel": {"id": "1.1"},
}


def test_two_minutes_are_taken_off_and_both_times_stay() -> None:
    skew = Skew()
    skew.note(120.0)
    message = skew.ours(GONE)
    assert message[THEIRS] == GONE["timestamp"]
    assert translate(message, "callguard", AT) == [Said(ChannelHungUp(at=AT, channel_id="1.1", cause=16))]


@pytest.mark.parametrize("seconds", [0.0, STEP, -STEP])
def test_a_clock_that_is_right_changes_nothing(seconds: float) -> None:
    skew = Skew()
    skew.note(seconds)
    assert skew.ours(GONE) is GONE


def test_what_was_measured_a_little_otherwise_keeps_its_time_and_a_step_does_not() -> None:
    skew = Skew()
    for seen, kept in ((120.0, 120.0), (120.08, 120.0), (119.95, 120.0), (-5.0, -5.0), (0.04, 0.0)):
        skew.note(seen)
        assert skew.seconds == kept


@pytest.mark.parametrize("stamp", ["", "yesterday", "0001-01-01T00:00:00.000+0000", 7])
def test_a_time_that_is_none_is_left_as_it_is(stamp: object) -> None:
    skew = Skew()
    skew.note(timedelta(days=1).total_seconds())
    message = {**GONE, "timestamp": stamp}
    assert skew.ours(message) is message


async def test_asterisk_tells_its_time(asterisk: Asterisk) -> None:
    ami = await Ami.connect(
        AmiAddress(host=asterisk.ami_host, port=asterisk.ami_port, user=asterisk.ami_user, secret=asterisk.ami_secret),
        lambda _: None,
    )
    skew = Skew()
    skew.seconds = 3600.0
    await skew.measure(ami)
    await ami.close()
    assert skew.seconds == 0.0


@pytest.mark.parametrize(
    ("stamp", "said"),
    [("2026-11-26T00:00:00.250+0000", 1_795_651_200.25), ("2026-11-26T00:00:00", None), ("", None), ("soon", None)],
)
def test_when_a_message_says_that_it_happened(stamp: str, said: float | None) -> None:
    assert said_at({"timestamp": stamp}) == said
