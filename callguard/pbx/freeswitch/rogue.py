"""Recorders that are not ours: on a channel, by its media bug; of a whole conference; and stopping them by their file.

What belongs here: reading the events, the commands. What does not: whether they are stopped (core/). `record` and
voicemail write what one caller says and have no media bug: of these the application `record` alone counts, a caller's
own message to a voicemail does not. Paths and names are somebody else's text: they go into a command only where they
look like what they are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

from callguard.core.events import Bridged, Event, RogueRecordingSeen
from callguard.errors import LinkDown, PbxRefused
from callguard.pbx.freeswitch.codec import Message
from callguard.pbx.freeswitch.esl import Esl
from callguard.pbx.freeswitch.outbound import CHANNEL_ID, channel_id_of
from callguard.pbx.freeswitch.translate import CONFERENCE, conference

TAPS = ("oreka", "audio_fork", "audio_stream", "mod_audio_fork", "mod_audio_stream")
"""Media bugs that carry what is heard away, to another machine."""
_PATH = re.compile(r"/[A-Za-z0-9_./-]*\Z")


class Rogues:
    """Foreign recorders by what they record. TELL receives the facts; OURS: whether a file is a recording of ours. More
    than one call may ask for the same one to be stopped.
    """

    def __init__(self, tell: Callable[[Event], None], ours: Callable[[str], bool]) -> None:
        self._tell, self._ours = tell, ours
        self._paths: defaultdict[str, list[str]] = defaultdict(list)

    def heard(self, message: Message) -> None:
        """Any event."""
        channel_id, path = channel_id_of(message), message.get("Record-File-Path", "")
        match message.get("Event-Name"):
            case "MEDIA_BUG_START":
                self._bug(channel_id, message.get("Media-Bug-Function", ""), message.get("Media-Bug-Target", ""))
            case "RECORD_START" if message.get("variable_current_application") == "record":
                self.seen(channel_id, path)
            case "CUSTOM" if message.get("Event-Subclass") == "conference::maintenance":
                self._room_said(conference(message.get("Conference-Name", "")), message)

    def joins(self, event: Bridged) -> None:
        """Somebody is about to come into a bridge. Each of its recorders is told of, so that each can be stopped."""
        for _ in self._paths.get(event.bridge_id, ()):
            self._tell(RogueRecordingSeen(at=event.at, channel_id=event.channel_id, bridge_id=event.bridge_id))

    def seen(self, channel_id: str, path: str) -> None:
        """This channel is recorded into PATH, which is none of ours."""
        self._paths[channel_id].append(path)
        self._tell(RogueRecordingSeen(at=datetime.now(UTC), channel_id=channel_id))

    def gone(self, channel_id: str) -> None:
        """The channel hung up, and what recorded it has ended."""
        self._paths.pop(channel_id, None)

    async def stop(self, channel_id: str, bridge_id: str, esl: Esl | None) -> None:
        """Stop the newest one, by its file's name. Where none runs any more there is nothing to do. Raises PbxRefused,
        LinkDown."""
        if not (running := self._paths.get(bridge_id or channel_id)):
            return
        path = running.pop()
        try:
            await self._end(path, channel_id, bridge_id, esl)
        except (PbxRefused, LinkDown):
            running.append(path)
            raise

    # ------------------------------------------------------------ inside
    async def _end(self, path: str, channel_id: str, bridge_id: str, esl: Esl | None) -> None:
        if esl is None:
            raise LinkDown("the link to the PBX is down")
        if not _PATH.match(path):
            raise PbxRefused("uuid_record", "not a path that can stand in a command")
        if bridge_id:
            await esl.ask(f"api conference {bridge_id.removeprefix(CONFERENCE)} recording stop {path}")
        elif CHANNEL_ID.match(channel_id):
            await esl.ask(f"api uuid_record {channel_id} stop {path}")
        else:
            raise PbxRefused("uuid_record", "no such channel")

    def _bug(self, channel_id: str, function: str, target: str) -> None:
        if function in TAPS or (function == "session_record" and not self._ours(target)):
            self.seen(channel_id, target if function == "session_record" else "")

    def _room_said(self, bridge_id: str, message: Message) -> None:
        path = message.get("Path", "")
        match message.get("Action"):
            case "start-recording" if "Error" not in message:
                self._paths[bridge_id].append(path)
                self._tell(RogueRecordingSeen(at=datetime.now(UTC), bridge_id=bridge_id))
            case "stop-recording" if path in self._paths.get(bridge_id, ()):
                self._paths[bridge_id].remove(path)
            case "conference-destroy":
                self._paths.pop(bridge_id, None)
