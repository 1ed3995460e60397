"""Incidents leave by syslog and standard error, as one line each."""

from __future__ import annotations

import contextlib
import io
import socket
from pathlib import Path

from callguard.engine.alerts import alert, open_alerts


def told(syslog: str) -> str:
    """What standard error shows of one alert."""
    with contextlib.redirect_stderr(io.StringIO()) as error:
        open_alerts(syslog)
        alert("mask_failed", "018d")
        alert("pbx_lost", "")
        open_alerts("")
    return error.getvalue()


def test_without_syslog_standard_error_has_it() -> None:
    assert told("").splitlines() == [
        "callguard incident kind=mask_failed call=018d",
        "callguard incident kind=pbx_lost call=-",
    ]


def test_by_a_socket_of_this_machine(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        log.settimeout(5)
        told(str(tmp_path / "log"))
        assert b"callguard incident kind=mask_failed call=018d" in log.recv(1000)


def test_by_the_network() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(5)
        told(f"127.0.0.1:{log.getsockname()[1]}")
        assert b"kind=mask_failed" in log.recv(1000)


def test_a_syslog_that_is_not_there_is_said_once_and_no_end(tmp_path: Path) -> None:
    lines = told(str(tmp_path / "none")).splitlines()
    assert lines[-1] == "callguard incident kind=pbx_lost call=-"
    assert any("syslog is not reachable" in line for line in lines)
