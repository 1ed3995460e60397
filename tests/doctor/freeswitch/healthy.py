"""A site on FreeSWITCH with nothing wrong, from which each test takes something away, and a FreeSWITCH to ask.

What belongs here: the healthy values, and answers as a real FreeSWITCH 1.11.2 gave them (real.json). What does not: a
check.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from callguard.doctor.site import Finding, Plan, SwitchPlan, SwitchSeen, SwitchSite
from callguard.lab.freeswitch import dialplan_dir
from callguard.pbx.freeswitch.site import EslAddress
from tests.doctor.healthy import HOST, healthy_plan
from tests.lint.freeswitch.site import ASK, BRIDGE, context, extension
from tests.pbx.freeswitch.scripted import PASSWORD
from tests.pbx.freeswitch.session import Exchange

REAL: dict[str, Any] = json.loads((Path(__file__).parent / "real.json").read_text())
SNIPPET = (dialplan_dir() / "callguard.xml").read_text("utf-8")
SOCKET_CONF = str(REAL["event_socket.conf"])
Check = Callable[[SwitchSite], Iterable[Finding]]


def loaded(*parts: str) -> str:
    """The dialplan as FreeSWITCH hands it out: PARTS, and the snippet."""
    inside = SNIPPET[SNIPPET.index("<include>") + len("<include>") : SNIPPET.index("</include>")]
    return f'<section name="dialplan">\n{"".join(parts)}{inside}</section>'


ASKS = context(extension(ASK + BRIDGE))
SEEN = SwitchSeen(
    version="1.11.2",
    modules=frozenset(REAL["modules"]),
    apps=frozenset(REAL["application"]),
    commands=frozenset(REAL["api"]),
    dialplan=loaded(ASKS),
    configuration={"event_socket.conf": SOCKET_CONF},
    same_folder=True,
    prompts=True,
    scheduled=True,
    ahead=0.1,
)


def switch_plan(folder: Path, port: int = 8021, password: str = PASSWORD) -> SwitchPlan:
    own = healthy_plan(folder)
    common = {each.name: getattr(own, each.name) for each in fields(Plan)} | {"name": "FreeSWITCH"}
    esl = EslAddress(host="127.0.0.1", port=port, password=password)
    return SwitchPlan(**common, esl=esl, snippets={"callguard.xml": SNIPPET})


def switch_site(folder: Path, plan: dict[str, object] | None = None, **changes: object) -> SwitchSite:
    """The site with CHANGES of what FreeSWITCH shows, and of the PLAN."""
    own = replace(switch_plan(folder, password="own-7f3a91c05e2d"), **(plan or {}))  # type: ignore[arg-type]
    return SwitchSite(plan=own, pbx=replace(SEEN, **changes), host=HOST)  # type: ignore[arg-type]


def said(check: Check, site: SwitchSite) -> list[tuple[str, str]]:
    """Severity and sentence of everything that CHECK finds."""
    return [(finding.severity.value, finding.what) for finding in check(site)]


class Asked(Exchange):
    """The scripted FreeSWITCH, which answers the doctor's questions too. `files`: configurations by name."""

    def __init__(self) -> None:
        super().__init__()
        self.files = {"event_socket.conf": SOCKET_CONF}
        self.dialplan = loaded(ASKS)
        self.ahead = 0
        self.socket = "127.0.0.1:8084"

    def _version(self, _: list[str]) -> str:
        return str(REAL["version"]) + "\n"

    def _strepoch(self, _: list[str]) -> str:
        return str(int(time.time()) + self.ahead)

    def _show(self, args: list[str]) -> str:
        if args[0] == "channels":
            return super()._show(args)
        key = "ikey" if args[0] == "modules" else "name"
        rows = [{"type": args[0], key: name} for name in REAL[args[0]]]
        return json.dumps({"row_count": len(rows), "rows": rows})

    def _xml_locate(self, args: list[str]) -> str:
        if args[0] == "dialplan":
            return self.dialplan
        return self.files.get(args[-1], str(REAL["missing"]))

    def _global_getvar(self, _: list[str]) -> str:
        return f"hostname=vm\ncallguard_socket={self.socket}\n"

    def _file_exists(self, args: list[str]) -> str:
        return "true" if Path(args[0]).exists() else "false"
