from __future__ import annotations

import socket

from callguard.lab.asterisk import Asterisk
from callguard.lab.probe import server_name


async def test_the_name_tells_one_asterisk_from_another(asterisk: Asterisk) -> None:
    assert await server_name(asterisk.server) == asterisk.site.user_agent


async def test_a_port_where_nobody_speaks_sip_has_no_name() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        assert await server_name(silent.getsockname(), timeout=0.2) == ""
