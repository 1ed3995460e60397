"""Ports for the labs of this machine: none of them gets another's, and the system gives none of them away.

What belongs here: choosing them. What does not: who listens (asterisk.py, freeswitch.py).
"""

from __future__ import annotations

import random
import socket
from contextlib import closing
from typing import Self

from callguard.errors import Unreachable

BLOCK = 128
"""Ports that a lab takes at once."""
_TCP = 16
"""Those of a block that are TCP's."""
_BLOCKS = range(2048, 10000 - BLOCK, BLOCK)
"""Below those of the lab's audio, and far below those that the system gives to whoever asks for any."""


class Ports:
    """`udp`, `tcp`: ports that nobody has now, and that no other lab takes until `close`, or until this is gone."""

    def __init__(self, udp: int, tcp: int) -> None:
        """So many of each. Raises Unreachable."""
        for first in random.sample(_BLOCKS, len(_BLOCKS)):
            self._held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.udp, self.tcp = self._take(first, udp, tcp)
            if len(self.udp) == udp and len(self.tcp) == tcp:
                return
            self.close()
        raise Unreachable(f"no {udp} free UDP ports and {tcp} TCP ports for the lab")

    def _take(self, first: int, udp: int, tcp: int) -> tuple[list[int], list[int]]:
        """What is free of the block that begins at FIRST; nothing where another lab has it."""
        try:
            self._held.bind(f"\0callguard-lab-ports-{first}")  # a name that ends with whoever has it
        except OSError:
            return [], []
        end = first + BLOCK
        middle = end - _TCP  # no number is both: who serves SIP takes its port for TCP too
        datagram, stream = (socket.SOCK_DGRAM, range(first, middle)), (socket.SOCK_STREAM, range(middle, end))
        return _free(*datagram)[:udp], _free(*stream)[:tcp]

    def close(self) -> None:
        """Let others have them."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def _free(kind: socket.SocketKind, ports: range) -> list[int]:
    return [port for port in ports if is_free(kind, port)]


def is_free(kind: socket.SocketKind, port: int) -> bool:
    """Whether nobody has this PORT, on any address of this machine."""
    with closing(socket.socket(socket.AF_INET, kind)) as one:
        if kind is socket.SOCK_STREAM:  # as servers do: a connection that was closed is no hindrance
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
