"""One Event Socket connection, either way round: commands matched with their answers, events, a sign of life.

What belongs here: one connection from its first byte to its loss. What does not: reconnecting (pbx.py), bytes
(codec.py), channels that wait (outbound.py), what to ask for (recorder.py, prompter.py). Answers come in the order of
the commands; one that stays away is a lost link, and nothing that was sent is ever sent again.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from callguard.core.events import NO_CHANNEL
from callguard.errors import BadInput, LinkDown, PbxRefused, Unreachable
from callguard.pbx.freeswitch.codec import Decoder, Frame, Message, encode, message_of
from callguard.pbx.freeswitch.site import ANSWER_SECONDS, HEARTBEAT, EslAddress, is_loopback, password_problem

CONNECT_SECONDS = 5.0
SIGN_OF_LIFE = "api uptime"
_CHUNK = 256 * 1024


class Esl:
    """A live connection. `closed` is done when it is lost. `connect` makes one to the inbound socket; on one that
    FreeSWITCH made to us (HEARTBEAT None) it is quiet unless asked. PATIENCE: seconds that an answer may take.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_event: Callable[[Message], None],
        heartbeat: float | None = None,
        patience: float = ANSWER_SECONDS,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.greeted: asyncio.Future[str] = loop.create_future()
        self._reader, self._writer, self._on_event, self._heartbeat = reader, writer, on_event, heartbeat
        self._patience = patience
        self._decoder = Decoder()
        self._waiting: deque[tuple[float, asyncio.Future[Frame]]] = deque()
        self._heard_at = loop.time()
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._watch()))

    @classmethod
    async def connect(
        cls,
        address: EslAddress,
        on_event: Callable[[Message], None],
        heartbeat: float = HEARTBEAT,
        patience: float = ANSWER_SECONDS,
    ) -> Esl:
        """Connect and log in; events have to be asked for. Raises Unreachable with what is wrong where, and BadInput
        where the password is everybody's and so is the way to the socket.
        """
        problem = password_problem(address.host, address.password)
        if problem and not is_loopback(address.host):
            raise BadInput(f"freeswitch.password: {problem}")
        reader, writer = await _open(address)
        esl = cls(reader, writer, on_event, heartbeat, patience)
        welcome = False
        try:
            await esl._login(address)
            welcome = True
        finally:
            if not welcome:
                await esl.close()
        return esl

    def send(self, command: str, headers: Iterable[tuple[str, str]] = ()) -> asyncio.Future[Frame]:
        """Write COMMAND now, behind what was sent before; the future brings its answer, or LinkDown.

        Raises BadInput where a part of it holds a line break or a NUL.
        """
        data = encode(command, headers)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Frame] = loop.create_future()
        answer.add_done_callback(_retrieved)
        if self.closed.done():
            answer.set_exception(LinkDown("ESL: the connection is gone"))
        else:
            self._waiting.append((loop.time(), answer))
            self._writer.write(data)
        return answer

    async def ask(self, command: str, headers: Iterable[tuple[str, str]] = ()) -> str:
        """Send COMMAND and return what it answers. Raises PbxRefused where that is a no, LinkDown."""
        said = (await self.send(command, headers)).text.strip()
        if said.startswith("-ERR") or said.startswith("-USAGE"):
            raise PbxRefused(f"ESL {command.split(' ', 2)[0]}", refusal(said))
        return said

    @property
    def own_host(self) -> str:
        """The address at our end: FreeSWITCH reaches us there."""
        return str(self._writer.get_extra_info("sockname")[0])

    async def close(self) -> None:
        """Let go of the connection."""
        self._lose()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(OSError):
            await self._writer.wait_closed()

    # ------------------------------------------------------------ inside
    async def _login(self, address: EslAddress) -> None:
        where = f"FreeSWITCH's event socket at {address.host}:{address.port}"
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if await self.greeted != "auth/request":
                    raise Unreachable(f"{where} turns us away; see apply-inbound-acl in event_socket.conf.xml")
                await self.ask(f"auth {address.password}")
        except PbxRefused as no:
            raise Unreachable(f"{where} refuses the password; see event_socket.conf.xml") from no
        except (LinkDown, TimeoutError) as silence:
            want = " over TLS" if address.tls else "; does it want TLS?"
            raise Unreachable(f"what listens at {address.host}:{address.port} does not speak ESL{want}") from silence

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError, ssl.SSLError, LinkDown):
            while data := await self._reader.read(_CHUNK):
                self._heard_at = loop.time()
                for frame in self._decoder.feed(data):
                    self._hear(frame)
        self._lose()

    def _hear(self, frame: Frame) -> None:
        match frame.kind:
            case "command/reply" | "api/response":
                self._answered(frame)
            case "auth/request" | "text/rude-rejection" as greeting:
                if not self.greeted.done():
                    self.greeted.set_result(greeting)
            case "text/disconnect-notice":
                if frame.get("Content-Disposition") != "linger":
                    self._lose()
            case _:
                if (message := message_of(frame)) is not None:
                    self._on_event(message)

    def _answered(self, frame: Frame) -> None:
        if self._waiting:  # else nobody asked: it answers nothing
            _, answer = self._waiting.popleft()
            if not answer.done():
                answer.set_result(frame)

    async def _watch(self) -> None:
        """A command without an answer, or silence where a sign of life was asked for, is a lost link."""
        loop = asyncio.get_running_loop()
        pace = min(self._heartbeat or self._patience, self._patience) / 6
        while not self.closed.done():
            await asyncio.sleep(pace)
            now = loop.time()
            overdue = bool(self._waiting) and now - self._waiting[0][0] > self._patience
            if overdue or (self._heartbeat is not None and self._is_dead(now - self._heard_at)):
                self._lose()

    def _is_dead(self, silence: float) -> bool:
        beat = self._heartbeat or 0.0
        if silence >= beat and not self._waiting:
            self.send(SIGN_OF_LIFE)
        return silence >= beat * 1.5

    def _lose(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)
        self._writer.transport.abort()
        waiting, self._waiting = self._waiting, deque()
        for _, answer in waiting:
            if not answer.done():
                answer.set_exception(LinkDown("ESL: the connection was lost before the answer came"))
        if not self.greeted.done():
            self.greeted.set_exception(LinkDown("ESL: the connection was lost at once"))
            self.greeted.exception()


def refusal(said: str) -> str:
    """FreeSWITCH's no as one of our words: its text may hold what a caller typed."""
    words = said.lower()
    if "locate session" in words or "invalid session" in words or "no such channel" in words:
        return NO_CHANNEL
    return "no such command" if "command not found" in words else "refused"


async def _open(address: EslAddress) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = f"FreeSWITCH's event socket at {address.host}:{address.port}"
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(address.host, address.port, ssl=address.tls)
    except ssl.SSLError as wrong:
        why = wrong.reason or "no reason given"
        raise Unreachable(f"{where}: TLS fails ({why}); check port, tls and certificate") from wrong
    except (OSError, TimeoutError) as wrong:
        why = "no answer" if isinstance(wrong, TimeoutError) else wrong.strerror or "no such host"
        raise Unreachable(f"{where} is not reachable ({why}); check host, port and event_socket.conf.xml") from wrong


def _retrieved(answer: asyncio.Future[Frame]) -> None:
    """Whoever sent without waiting must not be scolded at exit for an answer that nobody read."""
    if not answer.cancelled():
        answer.exception()
