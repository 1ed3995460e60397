"""What AMI says about who listens in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from callguard.core.events import ChannelHungUp, Event, ListeningEnded, ListeningStarted
from callguard.errors import LinkDown
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.listening import Listeners, found, heard
from callguard.pbx.asterisk.site import OWN_PREFIX
from callguard.pbx.asterisk.swap import Swap

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


# ---------------------------------------------------------------- who is in whose place
class Links:
    """ARI's list of channels, or none."""

    def __init__(self, *there: dict[str, object]) -> None:
        self.there, self.asked = list(there), 0

    async def channels(self) -> list[dict[str, object]]:
        self.asked += 1
        if not self.there:
            raise LinkDown("gone")
        return self.there


async def after(listeners: Listeners, gone: str) -> None:
    listeners.gone(ChannelHungUp(at=AT, channel_id=gone))
    await asyncio.sleep(0)
    await asyncio.sleep(0)


@pytest.mark.requirement("S6", "S73")
async def test_who_is_found_in_the_place_of_a_listener_that_never_stopped_listens() -> None:
    told: list[Event] = []
    listeners, own = Listeners(told.append), channel(f"{OWN_PREFIX}1", "Snoop/1.1-01", "Stasis")
    links = Links(*TALK, channel("9", "PJSIP/boss-05", "ChanSpy", "PJSIP/agent1-"), own)
    listeners.attach(links)  # type: ignore[arg-type]  # its list is all that is used
    listeners.managed(said("ChanSpyStart", SpyerUniqueid="8", SpyeeUniqueid="1.2"), AT)
    await after(listeners, "8")
    assert told[1:] == [ListeningStarted(at=AT, channel_id="9", heard_id="1.2")]
    await after(listeners, "8")
    assert len(told) == 2 and links.asked == 1, "whoever is gone is gone once"
    listeners.managed(said("ChanSpyStop", SpyerUniqueid="9"), AT)
    await after(listeners, "9")
    assert told[2:] == [ListeningEnded(at=AT, channel_id="9")] and links.asked == 1, "it stopped: nobody can be there"


@pytest.mark.requirement("S73")
async def test_nobody_is_told_of_twice_and_a_lost_link_tells_of_nobody() -> None:
    told: list[Event] = []
    listeners, boss = Listeners(told.append), channel("9", "PJSIP/boss-05", "ChanSpy", "PJSIP/agent1-")
    other = channel("8", "PJSIP/boss-06", "ChanSpy", "PJSIP/agent1-")
    listeners.attach(Links(*TALK, boss))  # type: ignore[arg-type]
    assert listeners.looked([*TALK, boss, other]) == {"9": ("1.2",), "8": ("1.2",)}
    await after(listeners, "8")
    assert told == []
    listeners.attach(Links())  # type: ignore[arg-type]
    await after(listeners, "9")
    assert told == []


@pytest.mark.requirement("S6", "S73")
def test_who_takes_the_place_of_a_channel_is_heard_by_its_listeners() -> None:
    told: list[Event] = []
    listeners = Listeners(told.append)
    for listener, channel_id in (("8", "1.2"), ("9", "1.3")):
        listeners.managed(said("ChanSpyStart", SpyerUniqueid=listener, SpyeeUniqueid=channel_id), AT)
    listeners.moved(Swap(("1.2",), "2.1", AT))
    assert told[2:] == [ListeningStarted(at=AT, channel_id="8", heard_id="2.1")]
    listeners.moved(Swap(("1.2",), "2.2", AT))
    listeners.moved(Swap(("2.1",), "2.2", AT))
    assert told[3:] == [ListeningStarted(at=AT, channel_id="8", heard_id="2.2")], "who is gone is heard by nobody"


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
        (channel("9", "PJSIP/boss-04", "ChanSpy", "all,q"), ("1.1", "1.2", "1.3")),
        (channel("9", "PJSIP/boss-04", "ChanSpy", '"PJSIP/agent1-",q'), ("1.2",)),
        (channel("9", "PJSIP/boss-04", "ChanSpy", "1.3,qu"), ("1.3",)),
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
