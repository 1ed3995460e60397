"""Raw captures of a real FreeSWITCH as blocks of bytes (captures/README.md)."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from callguard.pbx.freeswitch.codec import Decoder, Message, message_of

FOLDER = Path(__file__).parent / "captures"
NAMES = tuple(sorted(path.name.removesuffix(".txt.gz") for path in FOLDER.glob("*.gz")))
_HEAD = re.compile(rb"=== (>>>|<<<) \+([0-9.]+) \((\d+) bytes\)\n")


@dataclass(frozen=True)
class Block:
    """Bytes that went one way at one time. `ours`: to FreeSWITCH."""

    ours: bool
    at: float
    data: bytes


@cache
def blocks(name: str) -> tuple[Block, ...]:
    """A capture in order."""
    text = gzip.decompress((FOLDER / f"{name}.txt.gz").read_bytes())
    found = []
    place = 0
    while (head := _HEAD.search(text, place)) is not None:
        place = head.end() + int(head[3])
        found.append(Block(head[1] == b">>>", float(head[2]), text[head.end() : place]))
    return tuple(found)


def wire(name: str) -> bytes:
    """All that FreeSWITCH said in a capture."""
    return b"".join(block.data for block in blocks(name) if not block.ours)


def messages(name: str) -> list[Message]:
    """The events of a capture."""
    found = (message_of(frame) for frame in Decoder().feed(wire(name)))
    return [message for message in found if message is not None]


def answer_to(name: str, command: str) -> str:
    """What FreeSWITCH answered to the first command that begins so: the first answer after it."""
    own = blocks(name)
    asked = next(place for place, block in enumerate(own) if block.ours and block.data.decode().startswith(command))
    frames = Decoder().feed(b"".join(block.data for block in own[asked:] if not block.ours))
    return next(frame.text for frame in frames if frame.kind in ("api/response", "command/reply"))
