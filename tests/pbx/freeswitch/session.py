"""Calls on the scripted FreeSWITCH: channels that enter, are bridged, listened to and hang up.

What belongs here: what a session thread does, in the order of the captures. What does not: the event socket itself
(scripted.py).
"""

from __future__ import annotations

import asyncio
import uuid
import wave
from contextlib import suppress

from tests.pbx.freeswitch.scripted import TICK, Channel, Link, ScriptedFreeSwitch

RING = 0.05


class Exchange(ScriptedFreeSwitch):
    """The scripted FreeSWITCH with a dialplan: `socket` to `controller` (a port of ours), then a bridge or a wait.

    `blind`: it finds no sound file; `deaf`: no sound flows towards anybody; `in_turn`: a bridge is so young that its
    legs are played to one after the other; `stuck`: who waits for a first word does nothing that is asked of it;
    `played`: channel, file and status of what was played.
    """

    controller = 0
    blind = False
    deaf = False
    in_turn = False
    stuck = False

    def __init__(self) -> None:
        super().__init__()
        self.played: list[tuple[str, str, str]] = []
        self.calling: dict[str, Channel] = {}

    def press(self, own: Channel, digit: str, source: str = "RTP") -> None:
        """The party presses a key. One of the terminators ends what plays."""
        self.fire("DTMF", own, DTMF_Digit=digit, DTMF_Source=source)
        if own.playing and digit in own.terminators:
            own.broken.set()

    def channel(self, name: str, direction: str = "inbound", other: str = "", **variables: str) -> Channel:
        """A channel that exists: CHANNEL_CREATE."""
        own = Channel(str(uuid.uuid4()), name, direction, other=other, variables=variables)
        self.channels[own.uuid] = own
        self.fire("CHANNEL_CREATE", own)
        return own

    async def enter(self, then: str = "wait", **variables: str) -> Channel:
        """A caller comes in and its dialplan runs `socket 127.0.0.1:PORT async full`. THEN: wait, or bridge."""
        entry = {"callguard_call": "1", "callguard_type": "support", "callguard_direction": "inbound"}
        own = self.channel("sofia/lab/caller@127.0.0.1:50744", **{**entry, **variables})
        own.tasks.append(self.task(self._dialplan(own, then)))
        return own

    async def dial(self, when: str, **variables: str) -> tuple[Channel, Channel]:
        """An agent dials out and whoever is called answers. WHEN: told (who answered waits for us) or bridged. The
        agent's channel, and the called one.
        """
        agent = {"sip_authorized": "true", "user_name": "agent1", "domain_name": "lab.example"}
        own = self.channel("sofia/lab/agent1@127.0.0.1", **agent)
        said = {"type": "support", "direction": "outbound", "when": when, "caller": own.uuid, "asked": "asked"}
        words = {f"callguard_{key}": value for key, value in said.items()}
        called = self.channel("sofia/lab/15125550199@127.0.0.1", "outbound", own.uuid, **{**words, **variables})
        self.calling = {own.uuid: called, called.uuid: own}
        called.tasks.append(self.task(self._called(own, called, when)))
        return own, called

    async def _called(self, own: Channel, called: Channel, when: str) -> None:
        """bridge, on the agent's side: told, it runs callguard_told on who answers (group_confirm_key=exec)."""
        await asyncio.sleep(RING)
        called.answered = True
        self.fire("CHANNEL_ANSWER", called)
        if when == "told":
            called.variables["callguard_waiting"] = when
            await self._socket(called)
            called.variables.pop("callguard_waiting")
        if called.hung or own.hung:
            self._ended(own)
            return self._ended(called)
        self.calling = {}
        if not own.answered:
            own.answered = True
            self.fire("CHANNEL_ANSWER", own)
        self.join(own, called)
        own.tasks.append(self.task(self._talk(own)))
        await self._talk(called)

    async def _dialplan(self, own: Channel, then: str) -> None:
        await self._socket(own)
        if own.hung:
            return self._ended(own)
        if then == "bridge":
            await self._bridge(own)
        else:
            await self._sit(own)

    async def _socket(self, own: Channel) -> None:
        """The application `socket`, to its end."""
        self.fire("CHANNEL_EXECUTE", own, Application="socket")
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.controller)
            own.socket = Link(reader, writer, channel=own)
            self.links.append(own.socket)
            reading = self.task(self.read(own.socket))
            await self._park(own)
            own.socket.writer.close()
            await asyncio.wait((reading,))
        own.socket = None
        self.fire("CHANNEL_EXECUTE_COMPLETE", own, Application="socket")

    async def _park(self, own: Channel) -> None:
        """Execute what is queued until the socket is gone or the caller."""
        while not own.left.is_set() and not own.hung:
            await self._turn(own)

    async def _sit(self, own: Channel) -> None:
        """The dialplan goes on without us."""
        while not own.hung:
            await self._turn(own)
        self._ended(own)

    async def _turn(self, own: Channel) -> None:
        if own.busy:
            return await asyncio.sleep(TICK)
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK):
                app, argument, event = await own.queue.get()
            await self._execute(own, app, argument, event)

    # ------------------------------------------------------------ applications
    async def _execute(self, own: Channel, app: str, argument: str, event: str) -> None:
        about = {"Application": app, "Application_Data": argument, "Application_UUID": event}
        self.fire("CHANNEL_EXECUTE", own, **about)
        response = "_none_"
        if app == "answer" and not own.answered:
            own.answered = True
            self.fire("CHANNEL_ANSWER", own)
        elif app == "socket" and not self.stuck:  # whose end is the end of the other one
            reader, writer = await asyncio.open_connection(*argument.rsplit(":", 1))
            await reader.read()
            writer.close()
            own.left.set()
        elif app == "playback":
            response = await self._playback(own, argument)
        self.fire("CHANNEL_EXECUTE_COMPLETE", own, **about, Application_Response=response)

    async def _playback(self, own: Channel, argument: str) -> str:
        scope, _, path = argument.rpartition("]")
        own.terminators = "" if scope == "%[playback_terminators=none" else "*"
        if self.blind:
            return "FILE NOT FOUND"
        with wave.open(path, "rb") as file:
            seconds, sound = file.getnframes() / file.getframerate(), file.readframes(file.getnframes())
        while self.in_turn and own.peer and own.peer.playing:
            await asyncio.sleep(TICK)
        own.playing = True
        own.broken.clear()
        self.fire("PLAYBACK_START", own, Playback_File_Path=path)
        for recording in own.recordings.values():
            recording.play(sound)
        await self._sound(own, seconds)
        own.playing = False
        status = "break" if own.broken.is_set() and not own.hung else "done"
        for recording in own.recordings.values():
            recording.play(b"")
        self.played.append((own.uuid, path, status))
        self.fire("PLAYBACK_STOP", own, Playback_File_Path=path, Playback_Status=status)
        return "FILE PLAYED"

    async def _sound(self, own: Channel, seconds: float) -> None:
        """Sound for so long, unless broken. What is asked for meanwhile is done within: then the rest follows, unless
        that was broken."""
        loop = asyncio.get_running_loop()
        while seconds > 0 and not own.broken.is_set():
            since = loop.time()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(TICK, seconds)):
                    await own.broken.wait()
            seconds -= loop.time() - since
            if not own.queue.empty() and not own.broken.is_set():
                await self._execute(own, *own.queue.get_nowait())
                own.playing = True

    # ------------------------------------------------------------ calls
    async def _bridge(self, own: Channel) -> None:
        agent = self.channel("sofia/lab/agent1@127.0.0.1:16061", "outbound", other=own.uuid)
        await asyncio.sleep(RING)
        for channel in (agent, own):
            if not channel.answered:
                channel.answered = True
                self.fire("CHANNEL_ANSWER", channel)
        self.join(own, agent)
        agent.tasks.append(self.task(self._talk(agent)))
        await self._talk(own)

    async def _talk(self, own: Channel) -> None:
        while own.peer is not None and not own.hung:
            await self._turn(own)

    def join(self, own: Channel, other: Channel) -> None:
        """CHANNEL_BRIDGE, said by the first leg."""
        own.peer, other.peer = other, own
        own.variables["bridge_uuid"], other.variables["bridge_uuid"] = other.uuid, own.uuid
        about = {"Bridge_A_Unique_ID": own.uuid, "Bridge_B_Unique_ID": other.uuid, "Other_Leg_Unique_ID": other.uuid}
        self.fire("CHANNEL_BRIDGE", own, **about)

    def part(self, own: Channel) -> None:
        """CHANNEL_UNBRIDGE, said by the first leg."""
        other, own.peer = own.peer, None
        if other is not None:
            other.peer = None
            self.fire("CHANNEL_UNBRIDGE", own, Bridge_A_Unique_ID=own.uuid, Bridge_B_Unique_ID=other.uuid)

    def hang_up(self, own: Channel, cause: str = "NORMAL_CLEARING") -> None:
        """The party hangs up: CHANNEL_HANGUP at once, what ran ends with it, CHANNEL_HANGUP_COMPLETE at the end."""
        own.hung = cause
        self.fire("CHANNEL_HANGUP", own)
        own.broken.set()
        peer, dialled = own.peer, self.calling.get(own.uuid)
        if dialled is not None and not dialled.hung:  # who dials gives up, or who was called and has not been bridged
            self.hang_up(dialled, "ORIGINATOR_CANCEL")
        if peer is not None:
            peer.hung = cause
            self.fire("CHANNEL_HANGUP", peer)
            peer.broken.set()
            self.part(own)
            self._ended(peer)
            self._ended(own)

    def _uuid_answer(self, args: list[str]) -> str:
        channel = self.channels.get(args[0])
        if channel is None:
            return f"-ERR No such channel {args[0]}!\n"
        channel.answered = True
        self.fire("CHANNEL_ANSWER", channel)
        return "+OK\n"

    def _uuid_bridge(self, args: list[str]) -> str:
        """Whoever waits in the leg that answered is bridged with who called it: it waits no more."""
        own, called = (self.channels.get(item) for item in args[:2])
        if own is None or called is None:
            return "-ERR Invalid uuid\n"
        if not own.answered:  # a real one says +OK as well, and ends both calls with 502
            self.hang_up(called, "DESTINATION_OUT_OF_ORDER")
        called.left.set()
        return f"+OK {called.uuid}\n"

    def _uuid_displace(self, args: list[str]) -> str:
        """A tone is mixed in; its media bug ends with the file."""
        channel, what, path = self.channels.get(args[0]), args[1], args[2]
        if channel is None:
            return "-ERR Cannot locate session!\n"
        if what == "start":
            channel.tasks.append(self.task(self._displaced(channel, path)))
        return "+OK Success\n"

    async def _displaced(self, own: Channel, path: str) -> None:
        about = {"Media_Bug_Function": "displace", "Media_Bug_Target": path}
        with wave.open(path, "rb") as file:
            seconds, sound = file.getnframes() / file.getframerate(), file.readframes(file.getnframes())
        self.fire("MEDIA_BUG_START", own, **about)
        for recording in own.recordings.values():
            recording.play(sound)
        await asyncio.sleep(seconds)
        if not self.deaf:
            self.fire("MEDIA_BUG_STOP", own, **about)

    def _uuid_kill(self, args: list[str]) -> str:
        channel = self.channels.get(args[0])
        if channel is None:
            return f"-ERR No such channel {args[0]}!\n"
        self.hang_up(channel)
        return "+OK\n"

    def _ended(self, own: Channel) -> None:
        for path in list(own.recordings):
            self.stop(own, path, "success-silence")
        if self.channels.pop(own.uuid, None):
            self.fire("CHANNEL_HANGUP_COMPLETE", own)
            self.fire("CHANNEL_DESTROY", own)
