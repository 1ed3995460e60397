"""Where one Asterisk is reached and where its files lie: the settings of the adapter.

What belongs here: frozen values. What does not: reading them from a file (callguard/settings.py), using them.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

WS_CLOSE = 1.0
"""Seconds that a websocket may take to close."""
HEARTBEAT = 1.5
"""Seconds. A link is given up after 1.5 times as much: a dead or stopped Asterisk is noticed within 2.3 s."""
OWN_PREFIX = "callguard-"
"""How the ids of everything that we make on the PBX begin: snoop channels and playbacks."""
HEARD = ("Event: MixMonitorStart", "Event: Confbridge.*Record", "Event: ChanSpySt", "Event: Pickup")
"""Which AMI events of class `call` are heard: what our session filters for, or manager.conf where it may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AriAddress:
    """ARI. `url`: "http://host:8088/ari"; `app`: the Stasis application, named by the dialplan too."""

    url: str
    user: str
    password: str = field(repr=False)
    app: str = "callguard"
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiAddress:
    """AMI. The user needs `write = system,call,reporting`, `read = call,user,dialplan`; `tls` None: plain TCP."""

    host: str
    user: str
    secret: str = field(repr=False)
    port: int = 5038
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskSettings:
    """One Asterisk. `recordings`: a folder that Asterisk writes and we read, on a local disk; `register`: our fsynced
    file.

    `heartbeat`: seconds of silence on a link after which it is asked for a sign of life; a link that stays silent for
    half as long again is lost.
    """

    ari: AriAddress
    ami: AmiAddress
    recordings: Path
    register: Path
    heartbeat: float = HEARTBEAT

    @property
    def silent_ms(self) -> int:
        """How long a link may have hung when it is lost: two beats, and a websocket that nobody closes."""
        return round((2 * self.heartbeat + WS_CLOSE) * 1000)
