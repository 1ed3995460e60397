"""The manager connection: one socket, logged in, actions matched with their responses, a heartbeat.

What belongs here: one connection from its first byte to its loss. What does not: reconnecting (links.py), bytes
(ami_codec.py), what to ask for (recorder.py). Nothing that was sent is ever sent again: an unanswered action fails with
LinkDown.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress

from callguard.errors import LinkDown, PbxRefused, Unreachable
from callguard.pbx.asterisk import pausing
from callguard.pbx.asterisk.ami_codec import Decoder, Message, encode
from callguard.pbx.asterisk.site import HEARD, HEARTBEAT, AmiAddress

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 5.0
_CHUNK = 64 * 1024


class Ami:
    """A live manager connection. Make it with `connect`; `closed` is done when it is lost."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_event: Callable[[Message], None],
        heartbeat: float,
    ) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reader, self._writer, self._on_event, self._heartbeat = reader, writer, on_event, heartbeat
        self._decoder = Decoder()
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._sent = 0
        self._heard_at = asyncio.get_running_loop().time()
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._beat()))

    @classmethod
    async def connect(
        cls, address: AmiAddress, on_event: Callable[[Message], None], heartbeat: float = HEARTBEAT
    ) -> Ami:
        """Connect and log in. Events that are read here go to ON_EVENT. Raises Unreachable with what is wrong where."""
        reader, writer = await _open(address)
        ami = cls(reader, writer, on_event, heartbeat)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await ami._login(address)
        except PbxRefused as refusal:
            await ami.close()
            raise Unreachable(
                f"AMI at {address.host}:{address.port} refuses user {address.user}: wrong secret, unknown user, or an "
                "address that manager.conf does not permit"
            ) from refusal
        except asyncio.CancelledError:
            await ami.close()
            raise
        except (LinkDown, TimeoutError) as silence:
            await ami.close()
            raise Unreachable(
                f"what listens at {address.host}:{address.port} does not speak AMI"
                + (" over TLS" if address.tls else "; does it want TLS?")
            ) from silence
        return ami

    def send(self, action: str, **headers: str) -> asyncio.Future[Message]:
        """Write ACTION now, behind what was sent before; the future brings its response, or LinkDown.

        Raises BadInput where a value holds a line break or a NUL.
        """
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_retrieved)
        self._sent += 1
        action_id = f"cg{self._sent}"
        data = encode(action, [("ActionID", action_id), *headers.items()])
        if self.closed.done():
            answer.set_exception(LinkDown("AMI: the connection is gone"))
        else:
            self._waiting[action_id] = answer
            self._writer.write(data)
        return answer

    async def action(self, action: str, **headers: str) -> Message:
        """Send ACTION and return the response that says yes. Raises PbxRefused, LinkDown."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self.send(action, **headers)
        except TimeoutError as silence:
            raise LinkDown(f"AMI: no answer to {action} in {ANSWER_SECONDS:g} s") from silence
        if not answer.succeeded:
            raise PbxRefused(f"AMI {action}", answer.get("Message", "no reason given"))
        return answer

    async def close(self) -> None:
        """Let go of the connection."""
        self._lose()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(OSError):
            await self._writer.wait_closed()

    # ------------------------------------------------------------ inside
    async def _login(self, address: AmiAddress) -> None:
        await self.action("Login", Username=address.user, Secret=address.secret, Events="call,user,dialplan")
        for only in (*HEARD, *pausing.FILTERS):
            with suppress(PbxRefused):  # without privilege `system` more comes: more to read, nothing lost
                await self.action("Filter", Operation="Add", Filter=only)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await self._reader.read(_CHUNK):
                self._heard_at = loop.time()
                for message in self._decoder.feed(data):
                    self._hear(message)
        except (OSError, ssl.SSLError):
            pass
        self._lose()

    def _hear(self, message: Message) -> None:
        if message.get("Response"):
            answer = self._waiting.pop(message.get("ActionID"), None)
            if answer is not None and not answer.done():
                answer.set_result(message)
        elif message.get("Event"):
            self._on_event(message)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.closed.done():
            silence = loop.time() - self._heard_at
            if silence < self._heartbeat:
                await asyncio.sleep(self._heartbeat - silence)
                continue
            await asyncio.wait([self.send("Ping")], timeout=self._heartbeat / 2)
            if loop.time() - self._heard_at >= self._heartbeat:
                self._lose()

    def _lose(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
        self._writer.transport.abort()
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(LinkDown("AMI: the connection was lost before the answer came"))


async def _open(address: AmiAddress) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = f"AMI at {address.host}:{address.port}"
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(address.host, address.port, ssl=address.tls)
    except ssl.SSLError as wrong:
        why = wrong.reason or "no reason given"
        raise Unreachable(f"{where}: TLS fails ({why}); check port, tls and certificate") from wrong
    except (OSError, TimeoutError) as wrong:
        raise Unreachable(f"{where} is not reachable ({_why(wrong)}); check host, port and manager.conf") from wrong


def _why(wrong: OSError | TimeoutError) -> str:
    return "no answer" if isinstance(wrong, TimeoutError) else wrong.strerror or "no such host"


def _retrieved(answer: asyncio.Future[Message]) -> None:
    """Whoever sent without waiting must not be scolded at exit for an answer that nobody read."""
    if not answer.cancelled():
        answer.exception()
