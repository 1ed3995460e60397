"""A whole site on a real FreeSWITCH: Postgres, the FreeSWITCH of this machine, and callguard as its admin would run it.

What belongs here: what differs from a site on Asterisk (stand.py). What does not: the FreeSWITCH itself
(freeswitch.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from callguard.lab.freeswitch import FreeSwitch
from callguard.lab.stand import POLICY, Stand, quoted
from callguard.lab.switchconf import PROFILE

AGENTS = (f"sofia/{PROFILE}/agent*", "user/agent*")
"""What an agent is called here: dialled by address, and as a user."""


def switch_policy(text: str = POLICY) -> str:
    """A policy of the lab for FreeSWITCH: the same call types, its own agents."""
    return text.replace('agents = ["PJSIP/agent*"]', f"agents = [{', '.join(map(quoted, AGENTS))}]")


@dataclass
class FreeSwitchStand(Stand):
    """One site below `work`, whose PBX is the FreeSWITCH of this machine. `start` raises Unreachable without one."""

    policy: str = field(default_factory=switch_policy)
    freeswitch: FreeSwitch = field(init=False)

    @property
    def server(self) -> tuple[str, int]:
        """What a phone calls."""
        return self.freeswitch.server

    @property
    def agent_ports(self) -> dict[str, int]:
        """{"agent1": UDP port its phone has to listen on}."""
        return self.freeswitch.agent_ports

    @property
    def recordings(self) -> Path:
        """Where recordings lie."""
        return self.work / "recordings"

    async def start_pbx(self) -> None:
        """The FreeSWITCH, until it serves."""
        self.freeswitch = FreeSwitch(
            self.work / "freeswitch", dialplan=self.dialplan, agents=self.agents, bind=self.bind
        )
        await self.freeswitch.start()

    async def stop_pbx(self) -> None:
        """The FreeSWITCH, as far as it came."""
        if hasattr(self, "freeswitch"):
            await self.freeswitch.stop()

    def pbx_config(self) -> str:
        """What callguard.toml says about the PBX."""
        own = self.freeswitch.site
        return f"""\
[pbx]
kind = "freeswitch"

[freeswitch]
port = {own.esl_port}
password = {quoted(own.esl_password)}
listen = "127.0.0.1:{own.listen_port}"
"""
