"""From settings to one of two adapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from callguard.cli.pbx import esl_address, freeswitch_settings, pbx_of, rescue_of
from callguard.errors import BadInput, Unreachable
from callguard.pbx.asterisk.pbx import AsteriskPbx
from callguard.pbx.freeswitch.pbx import FreeSwitchPbx
from callguard.settings import Settings, load_settings
from tests.cli.command import callguard
from tests.test_settings import FREESWITCH, GOOD


def settings(folder: Path, text: str) -> Settings:
    (folder / "data").mkdir(exist_ok=True)
    path = folder / "callguard.toml"
    path.write_text(text)
    return load_settings(path)


@pytest.mark.requirement("S123")
async def test_each_kind_has_its_adapter(tmp_path: Path) -> None:
    assert isinstance(pbx_of(settings(tmp_path, FREESWITCH)), FreeSwitchPbx)
    assert isinstance(pbx_of(settings(tmp_path, GOOD)), AsteriskPbx)


async def test_each_kind_has_its_rescue(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="AMI"):
        await rescue_of(settings(tmp_path, GOOD.replace("[recordings]", "ami_port = 1\n[recordings]")))()
    with pytest.raises(Unreachable, match="event socket"):
        await rescue_of(settings(tmp_path, FREESWITCH.replace("[database]", "port = 1\n[database]")))()


def test_the_settings_of_freeswitch_go_where_they_belong(tmp_path: Path) -> None:
    own = freeswitch_settings(settings(tmp_path, FREESWITCH))
    assert (own.listen, own.listen_port, own.digits) == ("127.0.0.1", 8084, ("RTP", "ENDPOINT"))
    assert own.recordings == tmp_path / "recordings" and own.esl.password == "s3cret-esl" and own.esl.tls is None
    more = 'listen = "[::1]:9000"\nin_band_digits = true\ntls = true\n[database]'
    own = freeswitch_settings(settings(tmp_path, FREESWITCH.replace("[database]", more)))
    assert (own.listen, own.listen_port, own.digits[-1]) == ("::1", 9000, "INBAND_AUDIO") and own.esl.tls


@pytest.mark.parametrize("password", ["", "ClueCon"])
def test_everybodys_password_is_refused_where_everybody_can_come(tmp_path: Path, password: str) -> None:
    text = FREESWITCH.replace("s3cret-esl", password)
    assert esl_address(settings(tmp_path, text)).password == password  # on loopback the controller warns
    with pytest.raises(BadInput, match=r"freeswitch\.password"):
        esl_address(settings(tmp_path, text.replace("[database]", 'host = "192.0.2.1"\n[database]')))


def test_doctor_looks_at_the_pbx_that_the_settings_name(tmp_path: Path) -> None:
    settings(tmp_path, FREESWITCH.replace("[database]", "port = 1\n[database]"))
    told = callguard("doctor", "--config", tmp_path / "callguard.toml")
    assert told.status == 1 and b"FreeSWITCH's event socket at 127.0.0.1:1 is not reachable" in told.out
