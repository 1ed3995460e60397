"""FreeSWITCH's side of `callguard init`: its files, and what is left to do there.

What belongs here: what differs from Asterisk. What does not: templates and putting files down (init.py).
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from callguard.lab.freeswitch import dialplan_dir

SOCKET = "event_socket.conf.xml"
MODES = {"callguard.toml": 0o600, "policy.toml": 0o644, SOCKET: 0o600, "database.sql": 0o600}
"""What is written, and who may read it."""
WORDS = {
    "recordings": "/var/lib/freeswitch/recordings/callguard",
    "agents": '"user/10*@*"',
    "desks": '"user/20*@*"',
}
"""What FreeSWITCH calls things."""
CONF = "/etc/freeswitch"
"""Where packages put its configuration; a build of one's own has /usr/local/freeswitch/conf."""
_PASSWORD = re.compile(r'(name="password" value=")[^"]*')


def event_socket(password: str) -> str:
    """The shipped event_socket.conf.xml with PASSWORD in it."""
    return _PASSWORD.sub(lambda found: found[1] + password, (dialplan_dir() / SOCKET).read_text("utf-8"))


def steps(folder: Path) -> dict[str, list[str]]:
    """What is left to do on FreeSWITCH, by title. No secret stands in it."""
    socket, snippet = shlex.quote(str(folder / SOCKET)), shlex.quote(str(dialplan_dir() / "callguard.xml"))
    own = "-o freeswitch -g freeswitch"
    return {
        f"On the PBX: the dialplan, below {CONF} or where yours is (FusionPBX: in its database, docs/fusionpbx.md)": [
            f"install {own} -m 644 {snippet} {CONF}/dialplan/",
            "fs_cli -x reloadxml",
            'before each destination:  <action application="set" data="callguard_type=support"/>',
            '                          <action application="set" data="callguard_direction=inbound"/>',
            '                          <action application="set" data="callguard_dialled=${destination_number}"/>',
            '                          <action application="set" data="callguard_home=${context}"/>',
            '                          <action application="execute_extension" data="callguard XML callguard"/>',
        ],
        "On the PBX: let callguard in": [
            f"install {own} -m 640 {socket} {CONF}/autoload_configs/",
            "fs_cli -x 'reload mod_event_socket'     every connection to it ends: do it while nobody talks",
            "from then on fs_cli wants that password too: `fs_cli -p`, or a line in its fs_cli.conf",
        ],
        "Folders: one that the PBX and callguard's user (here: callguard) both write, and one of callguard's own": [
            f"install -d -o freeswitch -g callguard -m 2770 {WORDS['recordings']}",
            "install -d -o callguard -g callguard -m 700 /var/lib/callguard",
        ],
    }
