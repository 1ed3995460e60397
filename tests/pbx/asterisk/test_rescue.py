"""What the guard can do on Asterisk, against a scripted AMI."""

from __future__ import annotations

import pytest

from callguard.errors import Unreachable
from callguard.pbx.asterisk.rescue import NO_RIGHT, AsteriskRescue
from callguard.pbx.asterisk.site import AmiAddress
from tests.test_guard import ScriptedAmi


async def test_a_recorder_is_stopped_by_its_id_and_a_channel_sent_on() -> None:
    async with ScriptedAmi().running() as ami:
        own = await AsteriskRescue.connect(AmiAddress(host="127.0.0.1", port=ami.port, user="guard", secret="x"), "cg")
        assert await own.stop("r1", "far", "0x1") and await own.stop("r2", "other", "") and await own.send_on("waits")
        assert [stop["MixMonitorID"] for stop in ami.of("StopMixMonitor")] == ["0x1", "mix-of-channel"]
        assert ami.of("Redirect")[0]["Priority"] == "unrecorded"
        ami.refuse["StopMixMonitor"] = NO_RIGHT
        assert await own.stop("r1", "far", "0x1") is False
        ami.refuse["StopMixMonitor"] = "No such channel"
        assert await own.stop("r1", "far", "0x1") is None
        await own.close()
        assert not await own.send_on("waits")


async def test_who_waits_is_who_entered_our_application_by_the_snippet() -> None:
    async with ScriptedAmi().running() as ami:
        own = await AsteriskRescue.connect(AmiAddress(host="127.0.0.1", port=ami.port, user="guard", secret="x"), "cg")
        assert await own.waiting() == ()
        ami.channels = {
            "waits": ("Stasis", "cg,1,support,inbound"),
            "whisper": ("Stasis", "cg,whisper"),
            "elsewhere": ("Stasis", "other,1,support"),
            "talks": ("Queue", "cg,1"),
        }
        assert await own.waiting() == ("waits",) == await own.waiting()
        ami.refuse["CoreShowChannels"] = NO_RIGHT
        assert await own.waiting() == ()
        await own.close()
        assert await own.waiting() == ()


async def test_nobody_there_is_named() -> None:
    with pytest.raises(Unreachable, match="AMI"):
        await AsteriskRescue.connect(AmiAddress(host="127.0.0.1", port=1, user="guard", secret="x"), "cg")
