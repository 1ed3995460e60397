"""Stopping recorders that are not ours: MixMonitors by their channel, ARI's own by their name.

What belongs here: which of the two it is. What does not: seeing them (recorder.py, translate.py), whether they are
stopped (core/). Names are somebody else's text: they go into a request to ARI, quoted, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from callguard.errors import PbxRefused
from callguard.pbx.asterisk.ari import Ari
from callguard.pbx.asterisk.translate import Json, part, recorded, text

_ENDED = ("RecordingFinished", "RecordingFailed")


class Rogues:
    """ARI's recorders by what they record. MIXED stops a channel's newest MixMonitor. Raises PbxRefused, LinkDown."""

    def __init__(self, mixed: Callable[[str], Awaitable[None]]) -> None:
        self._mixed = mixed
        self._names: dict[str, str] = {}

    def heard(self, message: Json) -> None:
        """An ARI event: a recorder of ARI's own began or ended."""
        kind, name = text(message, "type"), text(part(message, "recording"), "name")
        _, target = recorded(message)
        if kind == "RecordingStarted" and target and name:
            self._names[target] = name
        elif kind in _ENDED and self._names.get(target) == name:
            del self._names[target]

    async def stop(self, target: str, ari: Ari) -> None:
        """Stop what records TARGET, a channel or a bridge. One that has ended meanwhile is stopped."""
        name = self._names.pop(target, "")
        if not name:
            return await self._mixed(target)
        try:
            await ari.stop_recording(name)
        except PbxRefused as refusal:
            if refusal.status != 404:
                raise
