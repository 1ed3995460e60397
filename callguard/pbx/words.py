"""What a dialplan may say about a party: the same words on every PBX, each of its shape.

What belongs here: which words there are. What does not: where a PBX carries them (asterisk/, freeswitch/), what they
mean (engine/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLAIN, _VERSION = re.compile(r"[A-Za-z0-9+-]{1,32}"), re.compile(r"[A-Za-z0-9+._-]{1,32}")
_SHAPES = {**dict.fromkeys(("site", "place", "line", "language", "dialled"), _PLAIN), "dialplan": _VERSION}
WORDS = tuple(_SHAPES)
"""CALLGUARD_SITE and so on, behind the arguments of an entry; on FreeSWITCH the channel variables callguard_site ..."""


def shaped(said: Mapping[str, str]) -> dict[str, str]:
    """What is SAID about a party, as far as it has the shape of it."""
    return {key: word for key, shape in _SHAPES.items() if shape.fullmatch(word := said.get(key, ""))}
