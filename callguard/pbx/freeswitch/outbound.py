"""The outbound socket: FreeSWITCH's `socket` application connects to us for every channel that is to wait.

What belongs here: channels that wait in our application, from their connection to its end; ending it sends the channel
on in its dialplan. What does not: what happens on a channel meanwhile: that is heard on the inbound link (pbx.py), in
one order for all channels.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress

from callguard.core.events import NOT_THERE
from callguard.errors import BadInput, LinkDown, PbxRefused
from callguard.pbx.freeswitch.codec import Message, message_of
from callguard.pbx.freeswitch.esl import Esl

HELLO_SECONDS = 2.0
CHANNEL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
"""What an id of a channel looks like: it goes into commands."""


class Outbound:
    """Listens for channels. ENTERED receives what FreeSWITCH says about each that begins to wait; PATIENCE: seconds
    that it may take to say so.
    """

    def __init__(self, entered: Callable[[Message], None], patience: float = HELLO_SECONDS) -> None:
        self.port = 0
        self._patience = patience
        self._entered = entered
        self._links: dict[str, Esl] = {}
        self._server: asyncio.Server | None = None
        self._open = False

    async def listen(self, host: str, port: int) -> None:
        """Take channels from now on. Raises BadInput where the address cannot be taken."""
        self._open = True
        if self._server is not None:
            return
        try:
            self._server = await asyncio.start_server(self._serve, host, port)
        except OSError as wrong:
            raise BadInput(f"freeswitch.listen: {host}:{port} cannot be taken ({wrong.strerror})") from wrong
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def waiting(self) -> frozenset[str]:
        """Who waits."""
        return frozenset(self._links)

    async def send_on(self, channel_id: str) -> None:
        """End the wait of a channel: its dialplan goes on. Raises PbxRefused where it does not wait."""
        link = self._links.pop(channel_id, None)
        if link is None:
            raise PbxRefused("ESL exit", NOT_THERE)
        with suppress(LinkDown):  # gone already is as good
            await link.send("exit")
        await link.close()

    async def release(self) -> None:
        """Send everyone on, and whoever comes, until `listen`: without the inbound link nobody can be told anything."""
        self._open = False
        links, self._links = list(self._links.values()), {}
        await asyncio.gather(*(link.close() for link in links))

    async def close(self) -> None:
        """Listen no more, and send everyone on."""
        if self._server is not None:
            self._server.close()
        await self.release()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Esl(reader, writer, lambda message: None)
        channel_id = ""
        try:
            channel_id = await self._hello(link)
            if channel_id:
                await asyncio.shield(link.closed)
        finally:
            if self._links.get(channel_id) is link:
                del self._links[channel_id]
            await link.close()

    async def _hello(self, link: Esl) -> str:
        """The channel at the other end; '' where none shows itself in time."""
        try:
            async with asyncio.timeout(self._patience):
                message = message_of(await link.send("connect"))
        except (LinkDown, TimeoutError):
            return ""
        channel_id = channel_id_of(message) if message else ""
        if not self._open:
            return ""
        if message and channel_id:
            self._links[channel_id] = link
            self._entered(message)
        return channel_id


def channel_id_of(message: Message) -> str:
    """The channel that MESSAGE is about; '' where it names none that could be one."""
    own = message.get("Unique-ID") or message.get("Channel-Unique-ID") or message.get("Caller-Unique-ID", "")
    return own if CHANNEL_ID.match(own) else ""
