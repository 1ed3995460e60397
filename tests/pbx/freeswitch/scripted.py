"""A scripted FreeSWITCH: its event socket, its outbound sockets and its channels, speaking from captures of a real one.

What belongs here: answers and events in the order and with the delays that the captures show; events are the captured
ones with ids and times of their own. What does not: what nobody saw a real one do. It is a stand-in: what the product
promises on FreeSWITCH has to hold on a real one.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from tests.pbx.freeswitch.capture import messages
from tests.pbx.freeswitch.media import Recording

PASSWORD = "lab-lab-lab"
TICK = 0.02
"""A parked channel looks at its queue every 20 ms."""
_PERSONAL = ("Unique-ID", "Caller-Unique-ID", "Channel-Unique-ID", "variable_uuid")


@cache
def template(name: str) -> dict[str, str]:
    """The first captured event of this name, without what belongs to another leg."""
    for capture in (
        "consent.inbound",
        "third-party-conference.inbound",
        "third-party-three_way.inbound",
        "consent.outbound",
    ):
        for message in messages(capture):
            if message["Event-Name"] == name:
                drop = (
                    "Other-",
                    "Hangup-Cause",
                    "Content-",
                    "Reply-Text",
                    "Control",
                    "variable_bridge",
                    "variable_last_bridge",
                )
                return {key: value for key, value in message.items() if not key.startswith(drop)}
    raise AssertionError(f"no capture holds {name}")


@dataclass
class Channel:
    """One channel and its session thread: `queue` holds what it is to execute. `busy`: it does something else."""

    uuid: str
    name: str
    direction: str = "inbound"
    answered: bool = False
    hung: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    other: str = ""
    number: str = "+15125550147"
    peer: Channel | None = None
    recordings: dict[str, Recording] = field(default_factory=dict)
    queue: asyncio.Queue[tuple[str, str, str]] = field(default_factory=asyncio.Queue)
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    playing: bool = False
    busy: bool = False
    terminators: str = "*"
    room: str = ""
    overheard: bool = False
    display: str = ""
    socket: Link | None = None
    left: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        """What every event about it says."""
        own = {key: self.uuid for key in _PERSONAL}
        own |= {"Channel-Name": self.name, "Caller-Channel-Name": self.name, "variable_channel_name": self.name}
        own |= {"Call-Direction": self.direction, "Channel-Call-UUID": self.other or self.uuid}
        own["Caller-Caller-ID-Number"] = self.number
        own["Answer-State"] = "hangup" if self.hung else "answered" if self.answered else "ringing"
        if self.hung:
            own["Hangup-Cause"] = self.hung
        if self.other:
            own |= {"Other-Type": "originator", "Other-Leg-Unique-ID": self.other}
        return own | {f"variable_{key}": value for key, value in self.variables.items()}


@dataclass
class Link:
    """One event socket connection at FreeSWITCH's end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    channel: Channel | None = None
    events: str = ""
    welcome: bool = False

    def say(self, data: str, body: str = "") -> None:
        """A frame."""
        if not self.writer.is_closing():
            raw = body.encode()
            length = f"Content-Length: {len(raw)}\n" if body else ""
            self.writer.write(f"{length}{data}\n\n".encode() + raw)

    def reply(self, text: str) -> None:
        self.say(f"Content-Type: command/reply\nReply-Text: {text}")

    def answer(self, text: str) -> None:
        self.say("Content-Type: api/response", text)


class ScriptedFreeSwitch:
    """Enter it to run it. `mute`: it takes commands and answers nothing; `unanswered`: it does what this command asks
    and answers nothing; `lose`: events are made and never sent; `late`: seconds that the stamps of events lag behind;
    `full`: recordings begin on a full disk.
    """

    def __init__(self) -> None:
        self.port = 0
        self.channels: dict[str, Channel] = {}
        self.links: list[Link] = []
        self.asked: list[str] = []
        self.mute = False
        self.unanswered = ""
        self.lose = False
        self.late = 0.0
        self.full = False
        self.refuse: dict[str, str] = {}
        self.schedule: dict[str, asyncio.Task[None]] = {}
        self.sequence = 400
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def listen(self) -> None:
        """Open the event socket, at the port that it had before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Every connection breaks; FreeSWITCH runs on."""
        for link in self.links:
            link.writer.transport.abort()
        self.links.clear()

    async def kill(self) -> None:
        """It dies: sockets break, channels are gone, files stay as they are."""
        if self._server:
            self._server.close()
        for channel in self.channels.values():
            for task in channel.tasks:
                task.cancel()
            for recording in channel.recordings.values():
                recording.task.cancel()
            if channel.socket:
                channel.socket.writer.transport.abort()
        for timer in self.schedule.values():
            timer.cancel()
        self.channels.clear()
        self.cut()

    def task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run WORK and keep hold of it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ------------------------------------------------------------ events
    def fire(self, name: str, channel: Channel, **headers: str) -> None:
        """An event about CHANNEL, to whoever asked for events."""
        self.sequence += 1
        own = template(name) | channel.headers | _dashed(headers)
        self._send(own)

    def custom(self, subclass: str, channel: Channel, **headers: str) -> None:
        """A CUSTOM event of SUBCLASS about CHANNEL."""
        self.sequence += 1
        own = template("CUSTOM") | channel.headers | {"Event-Subclass": subclass}
        self._send(own | _dashed(headers))

    def called(self, line: str) -> None:
        """The event API, behind every call of one: of no channel."""
        self.sequence += 1
        command, _, argument = line.partition(" ")
        about = {"Event-Name": "API", "API-Command": command, "API-Command-Argument": argument}
        self._send({key: value for key, value in about.items() if value})

    def event(self, subclass: str, **headers: str) -> None:
        """A CUSTOM event as any program can send one."""
        self.sequence += 1
        self._send({"Event-Name": "CUSTOM", "Event-Subclass": subclass} | _dashed(headers))

    def _send(self, own: dict[str, str]) -> None:
        stamp = time.time_ns() // 1000 - round(self.late * 1e6)
        own |= {"Event-Sequence": str(self.sequence), "Event-Date-Timestamp": str(stamp)}
        if self.lose:
            return
        body = {"": "", "json": json.dumps(own, ensure_ascii=False)}
        body["plain"] = "".join(f"{key}: {quote(value, safe='/,()@. ')}\n" for key, value in own.items()) + "\n"
        for link in self.links:
            if link.events:
                link.say(f"Content-Type: text/event-{link.events}", body[link.events])

    # ------------------------------------------------------------ commands
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(reader, writer)
        self.links.append(link)
        link.say("Content-Type: auth/request")
        await self.read(link)

    async def read(self, link: Link) -> None:
        """Commands of one connection until it ends."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                block = (await link.reader.readuntil(b"\n\n")).decode().strip("\n")
                if block:
                    self._command(link, block)
        if link in self.links:
            self.links.remove(link)
        link.writer.close()
        if link.channel is not None:
            link.channel.left.set()

    def _command(self, link: Link, block: str) -> None:
        first, *rest = block.split("\n")
        self.asked.append(first)
        if self.mute:
            return
        word, _, argument = first.partition(" ")
        headers = dict(line.split(": ", 1) for line in rest)
        if word == "auth":
            link.welcome = argument == PASSWORD
            link.reply("+OK accepted" if link.welcome else "-ERR invalid")
        elif not (link.welcome or link.channel):
            link.reply("-ERR command not found")
        elif word == "connect" and link.channel:
            self._connected(link, link.channel)
        elif word == "event":
            link.events = argument.split()[0]
            link.reply(f"+OK event listener enabled {link.events}")
        elif word == "sendmsg":
            self._sendmsg(link, argument, headers)
        elif word == "exit":
            self._exit(link)
        elif word == "api":
            answer = self._api(argument)
            if argument.partition(" ")[0] != self.unanswered:
                link.answer(answer)
            self.called(argument)
        else:
            link.reply("-ERR command not found")

    def _connected(self, link: Link, channel: Channel) -> None:
        self.sequence += 1
        own = template("CHANNEL_DATA") | channel.headers | {"Event-Sequence": str(self.sequence)}
        own |= {"Content-Type": "command/reply", "Reply-Text": "+OK\n"}
        link.say("\n".join(f"{key}: {quote(value, safe='/,()@. ')}" for key, value in own.items()))
        self.fire("CHANNEL_PARK", channel)

    def _exit(self, link: Link) -> None:
        link.reply("+OK bye")
        goodbye = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
        link.say("Content-Type: text/disconnect-notice\nContent-Disposition: disconnect", goodbye)
        link.writer.close()

    def _sendmsg(self, link: Link, target: str, headers: dict[str, str]) -> None:
        channel = self.channels.get(target) or link.channel
        if channel is None:
            return link.reply(f"-ERR invalid session id [{target}]")
        self.sequence += 1  # the request is an event too: a gap that is no loss
        link.reply("+OK")
        channel.queue.put_nowait(
            (
                headers["execute-app-name"],
                headers.get("execute-app-arg", ""),
                headers.get("Event-UUID", str(uuid.uuid4())),
            )
        )

    def _api(self, line: str) -> str:
        word, _, rest = line.partition(" ")
        if word in self.refuse:
            return self.refuse[word]
        own: Callable[[list[str]], str] | None = getattr(self, f"_{word}", None)
        return own(rest.split(" ")) if own else f"-ERR {word} command not found!"

    def _uptime(self, _: list[str]) -> str:
        return "4711\n"

    def _uuid_exists(self, args: list[str]) -> str:
        return "true" if args[0] in self.channels else "false"

    def _uuid_break(self, args: list[str]) -> str:
        channel = self.channels.get(args[0])
        if channel is None:
            return f"-ERR No such channel {args[0]}!\n"
        while "all" in args and not channel.queue.empty():
            channel.queue.get_nowait()  # and no event tells
        if channel.playing:
            channel.broken.set()
        return "+OK\n"

    def _uuid_getvar(self, args: list[str]) -> str:
        channel = self.channels.get(args[0])
        return channel.variables.get(args[1], "_undef_") if channel else f"-ERR No such channel {args[0]}!\n"

    def _uuid_setvar(self, args: list[str]) -> str:
        channel = self.channels.get(args[0])
        if channel is None:
            return f"-ERR No such channel {args[0]}!\n"
        channel.variables[args[1]] = " ".join(args[2:])
        return "+OK\n"

    def _uuid_display(self, args: list[str]) -> str:
        channel = self.channels.get(args[0])
        if channel is None:
            return f"-ERR No such channel {args[0]}!\n"
        channel.display = " ".join(args[1:])
        return "+OK Success\n"

    def _uuid_transfer(self, args: list[str]) -> str:
        channel = self.channels.get(args[0])
        if channel is None:
            return f"-ERR No such channel {args[0]}!\n"
        channel.left.set()
        return "+OK\n"

    def _uuid_dump(self, args: list[str]) -> str:
        channel = self.channels.get(args[0])
        if channel is None:
            return "-ERR No such channel!\n"
        self.sequence += 1
        own = template("CHANNEL_DATA") | channel.headers
        return "".join(f"{key}: {quote(value, safe='/,()@. ')}\n" for key, value in own.items()) + "\n"

    def _uuid_buglist(self, args: list[str]) -> str:
        channel = self.channels.get(args[0])
        if channel is None:
            return "-ERR Cannot locate session!\n"
        bugs = "".join(
            f" <media-bug>\n  <function>session_record</function>\n  <target>{path}</target>\n"
            "  <thread-locked>0</thread-locked>\n </media-bug>\n"
            for path in channel.recordings
        )
        if channel.overheard:
            bugs += (
                f" <media-bug>\n  <function>eavesdrop</function>\n  <target>{channel.uuid}</target>\n </media-bug>\n"
            )
        return f"<media-bugs>\n{bugs}</media-bugs>\n"

    def _conference(self, _: list[str]) -> str:
        rooms: dict[str, list[dict[str, object]]] = {}
        for channel in self.channels.values():
            if channel.room:
                rooms.setdefault(channel.room, [{"type": "recording_node"}]).append(
                    {"type": "caller", "uuid": channel.uuid}
                )
        return json.dumps([{"conference_name": room, "members": members} for room, members in rooms.items()])

    def _show(self, _: list[str]) -> str:
        rows = [
            {
                "uuid": channel.uuid,
                "name": channel.name,
                "direction": channel.direction,
                "callstate": "ACTIVE" if channel.answered else "RINGING",
                "application": "socket" if channel.socket and not channel.left.is_set() else "",
                "call_uuid": channel.other or (channel.uuid if channel.peer else ""),
                "cid_name": "caller",
                "cid_num": "caller",
            }
            for channel in self.channels.values()
        ]
        return json.dumps({"row_count": len(rows), "rows": rows} if rows else {"row_count": 0})

    def _sched_api(self, args: list[str]) -> str:
        group, command = args[1], " ".join(args[2:])
        self.schedule[group] = self.task(self._due(int(args[0][1:]), group, command))
        return f"+OK Added: {len(self.asked)}\n"

    async def _due(self, seconds: int, group: str, command: str) -> None:
        now = time.time()
        await asyncio.sleep(int(now) + seconds - now)  # at the full second
        self.schedule.pop(group, None)
        self._api(command)

    def _sched_del(self, args: list[str]) -> str:
        timer = self.schedule.pop(args[0], None)
        if timer:
            timer.cancel()
        return f"+OK Deleted: {1 if timer else 0}\n"

    # ------------------------------------------------------------ recording
    def _uuid_record(self, args: list[str]) -> str:
        channel, what, path = self.channels.get(args[0]), args[1], args[2]
        if channel is None:
            return "-ERR Cannot locate session!\n"
        if what == "start":
            return self._start(channel, path, " ".join(args[4:]))
        if what == "stop" and path == "all" and channel.recordings:
            for own in list(channel.recordings):
                self.stop(channel, own)
            return "+OK Success\n"
        if path not in channel.recordings:
            return (
                "-ERR Cannot stop record session!\n" if what == "stop" else f"-ERR Cannot {what} recording session!\n"
            )
        if what == "stop":
            self.stop(channel, path)
        else:
            channel.recordings[path].masked = what == "mask"
        return "+OK Success\n"

    def _start(self, channel: Channel, path: str, said: str) -> str:
        if path in channel.recordings:
            return "+OK Success\n"
        variables = dict(item.split("=", 1) for item in said.strip("{}").split(",") if "=" in item)
        try:
            channel.recordings[path] = Recording(Path(path), variables)
            channel.recordings[path].full = self.full
        except OSError:
            return "-ERR Cannot record session!\n"
        self.task(self._started(channel, path, variables))
        return "+OK Success\n"

    async def _started(self, channel: Channel, path: str, variables: dict[str, str]) -> None:
        await asyncio.sleep(TICK / 2)
        named = {f"Recording-Variable-{key}": value for key, value in variables.items()}
        self.sequence += 1
        self._send(template("RECORD_START") | channel.headers | {"Record-File-Path": path} | named)
        self.fire("MEDIA_BUG_START", channel, Media_Bug_Function="session_record", Media_Bug_Target=path)

    def stop(self, channel: Channel, path: str, cause: str = "") -> None:
        """A recording ends: RECORD_STOP, then MEDIA_BUG_STOP."""
        recording = channel.recordings.pop(path)
        done = recording.close()
        named = {f"Recording-Variable-{key}": value for key, value in recording.variables.items()}
        self.sequence += 1
        own = {"Record-File-Path": path, "Record-Completion-Cause": cause or done}
        self._send(template("RECORD_STOP") | channel.headers | own | named)
        self.fire("MEDIA_BUG_STOP", channel, Media_Bug_Function="session_record", Media_Bug_Target=path)


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    """Names of headers as Python can spell them; one with a dash in it stands as it is."""
    return {
        key if "-" in key or key.startswith("variable_") else key.replace("_", "-"): value
        for key, value in headers.items()
    }
