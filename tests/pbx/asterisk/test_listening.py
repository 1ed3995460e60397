"""What AMI says about who listens in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from callguard.core.events import ListeningEnded, ListeningStarted
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.listening import found, heard
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


# ---------------------------------------------------------------- who began before anybody told us
def channel(id: str, name: str, app: str = "Dial", data: str = "") -> dict[str, object]:
    return {"id": id, "name": name, "dialplan": {"app_name": app, "app_data": data}}


TALK = (channel("1.1", "PJSIP/caller-01"), channel("1.2", "PJSIP/agent1-02"), channel("1.3", "PJSIP/agent12-03"))


@pytest.mark.requirement("S73")
@pytest.mark.parametrize(
    ("listener", "heard_ids"),
    [
        (channel("9", "PJSIP/boss-04", "ChanSpy", "PJSIP/agent1-02,qw"), ("1.2",)),
        (channel("9", "PJSIP/boss-04", "ChanSpy", "pjsip/AGENT1"), ("1.2", "1.3")),
        (channel("9", "PJSIP/boss-04", "ChanSpy", ""), ("1.1", "1.2", "1.3")),
        (channel("9", "PJSIP/boss-04", "ExtenSpy", "601@internal"), ("1.1", "1.2", "1.3")),
        (channel("9", "Snoop/1.2-00000007", "Stasis"), ("1.2",)),
    ],
)
def test_who_listened_before_is_read_from_the_list_of_channels(
    listener: dict[str, object], heard_ids: tuple[str, ...]
) -> None:
    assert found((*TALK, listener)) == {"9": heard_ids}


def test_others_listen_to_nobody() -> None:
    assert found((*TALK, channel("9", "PJSIP/boss-04", "ChanSpy", "DAHDI/1"), {})) == {}
