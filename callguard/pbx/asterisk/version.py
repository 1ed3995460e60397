"""Which Asterisk this is, and whether callguard works with it.

What belongs here: the oldest that is taken, the one that all was tried with, reading a version. What does not: what
either lacks (docs/asterisk.md).
"""

from __future__ import annotations

import logging
import re

from callguard.errors import BadInput, PbxRefused
from callguard.pbx.asterisk.ami import Ami

OLDEST = 20
"""The first version of Asterisk that callguard works with."""
TRIED = 22
"""The version that every measured figure and every live test comes from."""
_NUMBER = re.compile(r"(?:certified[/-])?(\d+)[.-]")
_log = logging.getLogger(__name__)


class TooOld(BadInput):
    """The PBX is an Asterisk that callguard does not work with: trying again is of no use."""


def major(version: str) -> int | None:
    """22 of "22.10.1" and "certified/22.8-cert1"; None where VERSION is no number, as of a build of one's own."""
    number = _NUMBER.match(version)
    return int(number[1]) if number else None


def too_old(version: str) -> str:
    """What is wrong with an Asterisk of this version, '' where it is new enough or does not say."""
    number = major(version)
    if number is None or number >= OLDEST:
        return ""
    return f"Asterisk {version[:40]} is too old: its recorders and events are not those callguard relies on"


async def admit(ami: Ami) -> None:
    """Ask the PBX which one it is, before any call is handed over. Raises TooOld, LinkDown.

    One that does not say is taken, with a line in the log: a build of one's own is no release.
    """
    try:
        version = (await ami.action("CoreSettings")).get("AsteriskVersion")
    except PbxRefused:
        version = ""
    if wrong := too_old(version):
        raise TooOld(f"{wrong}. Install Asterisk {OLDEST} or newer; until then calls go on, unrecorded.")
    number = major(version)
    if number is None:
        _log.warning("the PBX does not say which Asterisk it is; callguard was tried with %d", TRIED)
    elif number != TRIED:
        _log.warning("this is Asterisk %d; callguard was tried with %d", number, TRIED)
