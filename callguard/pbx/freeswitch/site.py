"""Where one FreeSWITCH is reached and where its files lie: the settings of the adapter.

What belongs here: frozen values, and which password may not stand. What does not: reading them from a file
(callguard/settings.py), using them.
"""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path

ANSWER_SECONDS = 5.0
"""Seconds that an answer may take."""
HEARTBEAT = 1.5
"""Seconds. A link is given up after 1.5 times as much: a dead or stopped FreeSWITCH is noticed within 2.3 s."""
OWN_PREFIX = "callguard-"
"""How everything that we name on the PBX begins: playbacks, scheduled stops."""
KNOWN_TO_ALL = ("", "ClueCon")
"""Passwords that open every FreeSWITCH that nobody configured."""
DIGIT_SOURCES = ("RTP", "ENDPOINT")
"""What a key may come from: RFC 4733 and SIP INFO. Never APP or UNKNOWN: any program can make these."""
IN_BAND = "INBAND_AUDIO"
"""A key that FreeSWITCH heard in the sound: counted where the site's profiles detect them so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EslAddress:
    """The inbound event socket. `tls` None means plain TCP."""

    host: str
    password: str = field(repr=False)
    port: int = 8021
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeSwitchSettings:
    """One FreeSWITCH. `listen`, `listen_port`: where its `socket` application reaches us; port 0 takes a free one.

    `recordings`: a folder that FreeSWITCH writes and we read, on a local disk; `register`: our fsynced file. `digits`:
    sources of keys that count.
    """

    esl: EslAddress
    recordings: Path
    register: Path
    listen: str = "127.0.0.1"
    listen_port: int = 8084
    heartbeat: float = HEARTBEAT
    digits: tuple[str, ...] = DIGIT_SOURCES
    look_every: float = 5.0

    @property
    def silent_ms(self) -> int:
        """How long the link may have hung when it is lost: two beats, or an answer that never came."""
        return round(max(2 * self.heartbeat, ANSWER_SECONDS) * 1000)


def is_loopback(host: str) -> bool:
    """Whether HOST is this machine and nobody else can reach it."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def password_problem(host: str, password: str) -> str:
    """What is wrong with the event socket's PASSWORD at HOST; '' when nothing is."""
    if password not in KNOWN_TO_ALL:
        return ""
    which = "ClueCon, which everybody knows" if password else "empty"
    return f"the password is {which}; set another one in event_socket.conf.xml" + (
        "" if is_loopback(host) else ": whoever reaches this address could run any command there"
    )
