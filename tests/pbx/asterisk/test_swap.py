"""Who takes a channel's place: read from what ARI says of an attended transfer, and AMI of a pickup and in its list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from callguard.core.events import Bridged, ChannelHungUp, Unbridged
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.swap import Swap, Swaps, together

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LEGS = {"transferer_first_leg": {"id": "first"}, "transferer_second_leg": {"id": "second"}}
OUT = {**LEGS, "transfer_target": {"id": "target"}, "transferer_second_leg_bridge": {"id": "b1"}}
INTO = {**LEGS, "transferee": {"id": "caller"}, "transferer_first_leg_bridge": {"id": "b1"}}


def transfer(more: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BridgeAttendedTransfer", "destination_type": "application", "result": "Success", **more}


def room(*channel_ids: str) -> Swaps:
    own = Swaps()
    own.looked({"room": channel_ids})
    return own


@pytest.mark.requirement("S6", "S22")
def test_the_peer_of_one_leg_is_where_the_other_leg_was() -> None:
    assert room("first").transferred(transfer(OUT), NOW) == Swap(("first",), "target", NOW, "room")
    assert room("second").transferred(transfer(INTO), NOW) == Swap(("second",), "caller", NOW, "room")


@pytest.mark.requirement("S6", "S22")
def test_a_leg_in_no_bridge_gives_its_place_away_too() -> None:
    """It rings somebody, or waits in a queue."""
    assert room("else").transferred(transfer(INTO), NOW) == Swap(("second",), "caller", NOW)


@pytest.mark.requirement("S6", "S22")
def test_who_picks_up_is_in_the_place_of_who_rang() -> None:
    picked = (("Event", "Pickup"), ("Uniqueid", "new"), ("TargetUniqueid", "rang"))
    assert room().managed(Message(picked), NOW) == Swap(("rang",), "new", NOW)
    assert room().managed(Message(picked[:2]), NOW) is None


@pytest.mark.parametrize(
    "other",
    [{"type": "BridgeBlindTransfer"}, {"destination_type": "bridge"}, {"result": "Fail"}, {"transfer_target": None}],
)
def test_other_transfers_say_themselves_who_enters(other: dict[str, Any]) -> None:
    assert room("first").transferred(transfer({**OUT, **other}), NOW) is None


def test_a_leg_is_where_it_was_last_heard_of() -> None:
    own, asked = room("first", "else"), transfer(OUT)
    own.heard(Unbridged(at=NOW, channel_id="first", bridge_id="before"))
    assert where(own.transferred(asked, NOW)) == "room"
    own.heard(Unbridged(at=NOW, channel_id="first", bridge_id="room"))
    assert where(own.transferred(asked, NOW)) == ""
    own.heard(Bridged(at=NOW, channel_id="first", bridge_id="b2"))
    assert where(own.transferred(asked, NOW)) == "b2"
    own.heard(ChannelHungUp(at=NOW, channel_id="first"))
    assert where(own.transferred(asked, NOW)) == "" and own.bridges == {"else": "room"}


def where(swap: Swap | None) -> str:
    assert swap is not None
    return swap.bridge_id


class Manager:
    """What is asked of AMI."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send(self, action: str) -> None:
        self.asked.append(action)


def listed(own: Swaps, *rows: tuple[str, str]) -> list[Swap]:
    lines = [(("Event", "Status"), ("Uniqueid", channel_id), ("BridgeID", bridge_id)) for channel_id, bridge_id in rows]
    told = [own.managed(Message(line), NOW) for line in (*lines, (("Event", "StatusComplete"),))]
    return [item for item in told if item]


@pytest.mark.requirement("S6", "S22")
def test_who_is_gone_without_having_left_may_have_somebody_in_its_place() -> None:
    own, manager = room("first", "else"), Manager()
    own.attach(manager)  # type: ignore[arg-type]  # send is all that is used of it
    own.heard(ChannelHungUp(at=NOW, channel_id="first"))
    assert manager.asked == ["Status"]
    rows = (("else", "room"), ("new", "room"), ("other", "b2"), ("idle", ""))
    assert listed(own, *rows) == [Swap(("first",), "new", NOW, "room")]
    assert listed(own, *rows) == [], "asked for once, told once"


def test_who_left_before_or_has_hung_up_where_nobody_can_be_asked_is_just_gone() -> None:
    own, manager = room("first", "second"), Manager()
    own.heard(ChannelHungUp(at=NOW, channel_id="second"))
    own.attach(manager)  # type: ignore[arg-type]
    own.heard(Unbridged(at=NOW, channel_id="first", bridge_id="room"))
    own.heard(ChannelHungUp(at=NOW, channel_id="first"))
    assert manager.asked == [] and listed(own, ("new", "room")) == []


def test_a_list_that_was_asked_for_before_the_last_one_is_gone_does_not_end_the_search() -> None:
    own = room("first", "second")
    own.attach(Manager())  # type: ignore[arg-type]
    for gone in ("first", "second"):
        own.heard(ChannelHungUp(at=NOW, channel_id=gone))
    assert listed(own) == []
    assert listed(own, ("new", "room")) == [Swap(("first", "second"), "new", NOW, "room")]


@pytest.mark.requirement("S6")
def test_who_waits_in_a_holding_bridge_is_with_nobody() -> None:
    mixing = {"id": "b1", "bridge_type": "mixing", "channels": ["1.1", "1.2"]}
    lot = {"id": "b2", "bridge_type": "holding", "channels": ["1.3", "1.4"]}
    assert together([mixing, lot, {"id": "b3"}]) == {"b1": ("1.1", "1.2"), "b3": ()}
