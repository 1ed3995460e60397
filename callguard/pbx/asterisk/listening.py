"""Who listens in: ChanSpy and its kin, and snoops of ARI, of which AMI tells.

What belongs here: pure reading of two AMI events. What does not: what a listener means for a call (core).
"""

from __future__ import annotations

from datetime import datetime

from callguard.core.events import Event, ListeningEnded, ListeningStarted
from callguard.pbx.asterisk.ami_codec import Message
from callguard.pbx.asterisk.site import OWN_PREFIX

FILTERS = ("Event: ChanSpySt",)
"""What AMI is asked to send besides."""


def heard(message: Message, at: datetime) -> Event | None:
    """What an AMI event says about a listener, if anything. Our own snoops, by which we whisper, are none."""
    listener, listened = message.get("SpyerUniqueid"), message.get("SpyeeUniqueid")
    if listener.startswith(OWN_PREFIX):
        return None
    match message.get("Event"):
        case "ChanSpyStart" if listener and listened:
            return ListeningStarted(at=at, channel_id=listener, heard_id=listened)
        case "ChanSpyStop" if listener:
            return ListeningEnded(at=at, channel_id=listener)
    return None
