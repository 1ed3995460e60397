"""Ports of the labs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from callguard.errors import Unreachable
from callguard.lab import ports


def test_no_two_labs_share_one_and_the_system_gives_none_away() -> None:
    with ports.Ports(50, 2) as one, ports.Ports(50, 2) as other:
        assert not {*one.udp, *one.tcp} & {*other.udp, *other.tcp}
        assert not set(one.udp) & set(one.tcp)  # who serves SIP takes its port for TCP too
        assert (len(set(one.udp)), len(set(one.tcp))) == (50, 2)
        lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        assert max(*one.udp, *one.tcp) < min(lowest, 10000)


def test_what_somebody_has_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with ports.Ports(3, 2) as first:
        udp, tcp = first.udp[0], first.tcp[0]
    monkeypatch.setattr(ports, "_BLOCKS", [udp // ports.BLOCK * ports.BLOCK])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, socket.socket() as listening:
        taken.bind(("127.0.0.1", udp))
        listening.bind(("127.0.0.1", tcp))
        with ports.Ports(3, 2) as again:
            assert udp not in again.udp and tcp not in again.tcp
            with pytest.raises(Unreachable, match="no 1 free UDP"):
                ports.Ports(1, 0)
    with pytest.raises(Unreachable):
        ports.Ports(ports.BLOCK + 1, 0)
