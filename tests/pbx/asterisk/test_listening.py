"""What AMI says about who listens in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from callguard.core.events import ListeningEnded, ListeningStarted
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.listening import heard
from callguard.pbx.asterisk.site import OWN_PREFIX

AT = datetime(2026, 1, 1, tzinfo=UTC)


def said(event: str, **headers: str) -> Message:
    return Message((("Event", event), *headers.items()))


@pytest.mark.requirement("S73")
def test_a_spy_hears_a_channel_until_it_stops() -> None:
    begun = heard(said("ChanSpyStart", SpyerUniqueid="9.1", SpyeeUniqueid="1.1"), AT)
    assert begun == ListeningStarted(at=AT, channel_id="9.1", heard_id="1.1")
    ended = heard(said("ChanSpyStop", SpyerUniqueid="9.1", SpyeeUniqueid="1.1"), AT)
    assert ended == ListeningEnded(at=AT, channel_id="9.1")


@pytest.mark.parametrize(
    "message",
    [
        said("ChanSpyStart"),
        said("ChanSpyStop"),
        said("Hangup", SpyerUniqueid="9.1"),
        said("ChanSpyStart", SpyerUniqueid=f"{OWN_PREFIX}callguard-1", SpyeeUniqueid="1.1"),
    ],
)
def test_everything_else_says_nothing(message: Message) -> None:
    assert heard(message, AT) is None
