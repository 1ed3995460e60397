"""The PBX's clock held against ours: its times are brought onto our clock before they mean anything.

What belongs here: how far its clock is off, and a message's time with that taken off. What does not: what is done about
it (doctor). A recording's length, the line in it and a mask's place are differences between what the PBX says and what
we see: with two clocks in one call each of them would be wrong by their difference.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from callguard.errors import PbxRefused
from callguard.pbx.asterisk.ami import Ami
from callguard.pbx.asterisk.translate import Json, text

STEP = 0.1
"""Seconds by which the difference must have moved to count: the same fact said twice keeps its time."""
TRIES = 3
THEIRS = "pbx_timestamp"
"""Where a message whose time was changed keeps the one that the PBX gave it."""
_log = logging.getLogger(__name__)


class Skew:
    """How far the PBX's clock is ahead of ours, in `seconds`; 0 within a tenth of a second."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def measure(self, ami: Ami) -> None:
        """Ask the PBX for its time. An answer that took long says nothing. Raises LinkDown."""
        for _ in range(TRIES):
            sent = time.time()
            try:
                stamp = (await ami.action("Ping")).get("Timestamp")
            except PbxRefused:
                return
            took = time.time() - sent
            if took <= STEP:
                return self.note(_seconds(stamp, sent + took / 2))

    def note(self, ahead: float) -> None:
        """The PBX's clock was seen AHEAD seconds before ours."""
        if abs(ahead - self.seconds) > STEP:
            self.seconds = round(ahead, 3) if abs(ahead) > STEP else 0.0
            _log.warning("the PBX's clock is %+.1f s off ours: times of its events are corrected by that", ahead)

    def ours(self, message: Json) -> Json:
        """MESSAGE with its time on our clock; the PBX's own stays beside it."""
        theirs = text(message, "timestamp")
        if not self.seconds or not theirs:
            return message
        try:
            at = datetime.fromisoformat(theirs) - timedelta(seconds=self.seconds)
        except (ValueError, OverflowError):
            return message
        return {**message, "timestamp": at.isoformat(timespec="milliseconds"), THEIRS: theirs}


def said_at(message: Json) -> float | None:
    """When the PBX says that this happened, in seconds of the epoch by its clock; None where it does not say."""
    try:
        at = datetime.fromisoformat(text(message, "timestamp"))
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo else None


def _seconds(stamp: str, now: float) -> float:
    """Seconds that STAMP (of the epoch) is ahead of NOW; 0 where it is none."""
    try:
        return float(stamp) - now
    except ValueError:
        return 0.0
