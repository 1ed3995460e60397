"""Lab phones: a small SIP user agent over UDP, enough to call, be called, hold, press keys and hang up.

What belongs here: the socket, transactions and their timers. What does not: a call's state (dialog.py), message bytes
(message.py), audio (rtp.py, media.py). No authentication, no TLS, IPv4: it talks to the lab's own Asterisk.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from callguard.errors import Unreachable
from callguard.lab.dialog import Call, CallState
from callguard.lab.media import Source
from callguard.lab.message import Draft, Message, audio_target, display, parse, sdp, tag, uri
from callguard.lab.rtp import RtpStream

_T1 = 0.5  # first retransmission, doubled each time
_GIVE_UP = 8.0
_AGENT = "callguard-lab-phone"
"""A phone without a name is shown no name by FreeSWITCH."""
_ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, NOTIFY, REFER"


@dataclass
class _Transaction:
    """A request of ours that waits for its final response; `proceeding`: the other side has it, do not repeat it."""

    final: asyncio.Future[Message]
    proceeding: bool = False


class Phone(asyncio.DatagramProtocol):
    """One SIP user. `answer_after` None: calls ring here until `Call.answer()`; `reject`: refuse with that status."""

    def __init__(self, user: str, server: tuple[str, int], answer_after: float | None, reject: int) -> None:
        self.user, self.server = user, server
        self.answer_after, self.reject = answer_after, reject
        self.media: Source | None = None
        self.host, self.port = "127.0.0.1", 0
        self._transport: asyncio.DatagramTransport | None = None
        self._calls: dict[str, Call] = {}
        self._incoming: asyncio.Queue[Call] = asyncio.Queue()
        self._pending: dict[tuple[str, int, str], _Transaction] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(
        cls,
        user: str,
        server: tuple[str, int] = ("127.0.0.1", 0),
        *,
        port: int = 0,
        answer_after: float | None = None,
        reject: int = 0,
        media: Source | None = None,
    ) -> Phone:
        """A phone on a UDP port of 127.0.0.1 (0: any). `media` is what it says when it is called."""
        loop = asyncio.get_running_loop()
        _, phone = await loop.create_datagram_endpoint(
            lambda: cls(user, server, answer_after, reject), local_addr=("127.0.0.1", port)
        )
        phone.media = media
        return phone

    async def close(self) -> None:
        """Hang up what is up and give the port back."""
        for call in list(self._calls.values()):
            with suppress(Unreachable):
                await call.hangup()
        for task in self._tasks:
            task.cancel()
        if self._transport is not None:
            self._transport.close()

    async def __aenter__(self) -> Phone:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def incoming(self, timeout: float = 20.0) -> Call:
        """The next call that rings here. Raises Unreachable."""
        try:
            async with asyncio.timeout(timeout):
                while (call := await self._incoming.get()).state is CallState.ENDED:
                    pass  # it stopped ringing before anybody looked
                return call
        except TimeoutError:
            raise Unreachable(f"nobody called the lab phone {self.user} within {timeout:g} s") from None

    async def dial(
        self,
        extension: str,
        *,
        media: Source | None = None,
        display: bytes | str | None = None,
        user: bytes | str | None = None,
        replaces: Call | None = None,
    ) -> Call:
        """Call `extension`; returns at once. `display` (between the quotes) and `user` of From are sent as they are.
        `replaces`: a call of any phone, whose place this one takes (RFC 3891)."""
        rtp = await RtpStream.open(self.host, media)
        target = f"sip:{extension}@{self.server[0]}:{self.server[1]}"
        call = Call(self, rtp, secrets.token_hex(10), f"<{target}>", target)
        call.replaces = replaces.dialog if replaces else ""
        name = "" if display is None else f'"{_text(display)}" '
        sender = self.user if user is None else _text(user)
        call.local = f"{name}<sip:{sender}@{self.server[0]}>;tag={call.local_tag}"
        self._calls[call.call_id] = call
        self._spawn(self._invite(call))
        return call

    # --- requests of ours --------------------------------------------------------------------------------------------

    def _request(self, call: Call, method: str, sequence: int, branch: str) -> Draft:
        draft = Draft(f"{method} {call.target} SIP/2.0")
        draft.add("Via", f"SIP/2.0/UDP {self.host}:{self.port};branch={branch};rport").add("Max-Forwards", "70")
        draft.add("From", call.local).add("To", call.remote).add("Call-ID", call.call_id)
        return draft.add("CSeq", f"{sequence} {method}").add("Contact", f"<sip:{self.user}@{self.host}:{self.port}>")

    async def _invite(self, call: Call) -> None:
        """The first INVITE, from sending to ACK. The final status decides the call's state."""
        call.sequence += 1
        sequence, branch = call.sequence, _branch()
        call.draft = (branch, sequence)
        draft = self._request(call, "INVITE", sequence, branch).add("Allow", _ALLOW).add("User-Agent", _AGENT)
        if call.replaces:
            draft.add("Replaces", call.replaces).add("Require", "replaces")
        draft.body = sdp(self.host, call.rtp.port, call.version, "sendrecv")
        try:
            answer = await self._transact(call, "INVITE", sequence, draft.encode(), patience=120.0)
        except Unreachable:
            self.forget(call)
            call.move(CallState.ENDED)
            return
        call.status = answer.status
        if answer.status >= 300:
            self._send(self._request(call, "ACK", sequence, branch).encode())
            self.forget(call)
            call.move(CallState.ENDED)

    async def reinvite(self, call: Call, direction: str) -> None:
        """Offer another direction inside the dialog. Raises Unreachable when it is refused."""
        call.version += 1
        call.sequence += 1
        draft = self._request(call, "INVITE", call.sequence, _branch())
        draft.body = sdp(self.host, call.rtp.port, call.version, direction)
        answer = await self._transact(call, "INVITE", call.sequence, draft.encode())
        if answer.status >= 300:
            raise Unreachable(f"the lab phone's re-INVITE was refused with status {answer.status}")

    async def refer(self, call: Call, extension: str, replaces: str = "") -> None:
        """Ask the PBX to transfer the other party, into the dialog REPLACES if one is named. Raises Unreachable when
        it is refused."""
        call.sequence += 1
        target = f"sip:{extension}@{self.server[0]}:{self.server[1]}"
        target += f"?Replaces={quote(replaces)}" if replaces else ""
        draft = self._request(call, "REFER", call.sequence, _branch())
        draft.add("Refer-To", f"<{target}>").add("Referred-By", call.local.split(";")[0])
        answer = await self._transact(call, "REFER", call.sequence, draft.encode())
        if answer.status >= 300:
            raise Unreachable(f"the lab phone's transfer was refused with status {answer.status}")

    async def inform(self, call: Call, body: str) -> None:
        """One key as SIP INFO. Raises Unreachable when it is refused."""
        call.sequence += 1
        draft = self._request(call, "INFO", call.sequence, _branch())
        draft.kind, draft.body = "application/dtmf-relay", body
        answer = await self._transact(call, "INFO", call.sequence, draft.encode())
        if answer.status >= 300:
            raise Unreachable(f"the lab phone's key was refused with status {answer.status}")

    async def end(self, call: Call) -> None:
        """See `Call.hangup`."""
        if call.state in (CallState.TRYING, CallState.RINGING):
            await self._abandon(call)
        if call.state is CallState.UP:
            call.sequence += 1
            draft = self._request(call, "BYE", call.sequence, _branch())
            call.move(CallState.ENDED)
            with suppress(Unreachable):
                await self._transact(call, "BYE", call.sequence, draft.encode())
            self.forget(call)

    async def _abandon(self, call: Call) -> None:
        """End a call that nobody answered. It may be answered all the same while CANCEL is on its way."""
        if call.invite is not None:
            self._reply(call.invite, 486, "Busy Here", call)
            call.move(CallState.ENDED)
        elif call.draft is not None:
            branch, sequence = call.draft
            waiting = self._pending.get((call.call_id, sequence, "INVITE"))
            if waiting is not None and not waiting.proceeding and not waiting.final.done():
                waiting.final.set_exception(Unreachable("the lab phone gave up"))  # nobody is there to cancel it
                call.move(CallState.ENDED)
                return
            self._send(self._request(call, "CANCEL", sequence, branch).encode())
            with suppress(Unreachable):
                await call.reached(CallState.UP, timeout=5)

    async def _transact(
        self, call: Call, method: str, sequence: int, data: bytes, patience: float = _GIVE_UP
    ) -> Message:
        """Send, repeat until something answers, return the final response. Raises Unreachable."""
        loop = asyncio.get_running_loop()
        waiting = _Transaction(loop.create_future())
        self._pending[(call.call_id, sequence, method)] = waiting
        wait, deadline = _T1, loop.time() + patience
        try:
            while not waiting.final.done() and loop.time() < deadline:
                if not waiting.proceeding:
                    self._send(data)
                await asyncio.wait([waiting.final], timeout=min(wait, deadline - loop.time()))
                wait = min(wait * 2, 4.0)
            if not waiting.final.done():
                raise Unreachable(f"no answer to the lab phone's {method}")
            return waiting.final.result()
        finally:
            del self._pending[(call.call_id, sequence, method)]

    # --- what arrives ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        # up to Python 3.11 asyncio's own class is no asyncio.DatagramTransport
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.host, self.port = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """One message of the PBX."""
        message = parse(data)
        if message is None:
            return
        if self.server[1] == 0:
            self.server = addr  # a phone that is only called learns the PBX from its first call
        if message.status:
            self._response(message)
        else:
            self._incoming_request(message)

    def _response(self, message: Message) -> None:
        call = self._calls.get(message.get("call-id"))
        if call is not None and message.method == "INVITE":
            self._invite_response(call, message)
        if waiting := self._pending.get((message.get("call-id"), message.sequence, message.method)):
            waiting.proceeding = True
            if message.status >= 200 and not waiting.final.done():
                waiting.final.set_result(message)

    def _invite_response(self, call: Call, message: Message) -> None:
        """Progress, or the 200 whose ACK may have been lost: every copy of it is acknowledged."""
        if message.status >= 300:
            return
        if message.to_tag:
            call.remote = message.get("to")
        if target := audio_target(message.body):
            call.rtp.send_to(target)
        if message.status >= 200:
            call.target = uri(message.get("contact")) or call.target
            self._send(self._request(call, "ACK", message.sequence, _branch()).encode())
        if call.state in (CallState.TRYING, CallState.RINGING) and message.status > 100:
            call.move(CallState.UP if message.status >= 200 else CallState.RINGING)

    def _incoming_request(self, message: Message) -> None:
        call = self._calls.get(message.get("call-id"))
        if call is not None and (identity := message.get("p-asserted-identity")):  # UPDATE or re-INVITE
            call.show(display(identity))
        match message.method:
            case "ACK":
                if call is not None and call.state is CallState.RINGING:
                    call.move(CallState.UP)
            case "INVITE":
                self._invited(message, call)
            case "BYE" if call is not None:
                self._reply(message, 200, "OK", call)
                self.forget(call)
                call.move(CallState.ENDED)
            case "CANCEL" if call is not None:
                self._cancelled(message, call)
            case "BYE" | "CANCEL":
                self._reply(message, 481, "Call Does Not Exist", None)
            case _:
                self._reply(message, 200, "OK", call)

    def _cancelled(self, message: Message, call: Call) -> None:
        self._reply(message, 200, "OK", call)
        if call.invite is not None and call.state is not CallState.UP:
            self._reply(call.invite, 487, "Request Terminated", call)
            call.move(CallState.ENDED)

    def _invited(self, message: Message, call: Call | None) -> None:
        if call is None and self.reject:
            self._reply(message, self.reject, "Refused", None)
        elif call is None:
            self._spawn(self._ring(message))
        elif call.state in (CallState.UP, CallState.ENDED) or call.last_answer:
            self._renegotiated(message, call)

    def _renegotiated(self, message: Message, call: Call) -> None:
        """A re-INVITE, or a copy of the first one: the same answer fits both."""
        if target := audio_target(message.body):
            call.rtp.send_to(target)
        self._reply(message, 200, "OK", call, sdp(self.host, call.rtp.port, call.version, "sendrecv"))

    async def _ring(self, message: Message) -> None:
        call_id = message.get("call-id")
        if call_id in self._calls:
            return
        remote = message.get("from")
        call = Call(self, RtpStream(), call_id, remote, uri(message.get("contact")))
        self._calls[call_id] = call
        call.rtp = await RtpStream.open(self.host, self.media)
        call.invite = message
        call.show(display(message.get("p-asserted-identity") or remote))
        call.local = f"{message.get('to')};tag={call.local_tag}"
        self._reply(message, 180, "Ringing", call)
        self._incoming.put_nowait(call)
        if self.answer_after is not None:
            await asyncio.sleep(self.answer_after)
            self.accept(call)

    def accept(self, call: Call) -> None:
        """See `Call.answer`."""
        if call.invite is not None and call.state is CallState.TRYING:
            call.move(CallState.RINGING)
            self._spawn(self._answer(call, call.invite))

    async def _answer(self, call: Call, invite: Message) -> None:
        """200 until its ACK arrives; audio flows from the first one."""
        if target := audio_target(invite.body):
            call.rtp.send_to(target)
        body, wait = sdp(self.host, call.rtp.port, call.version, "sendrecv"), _T1
        while call.state is CallState.RINGING and wait <= _GIVE_UP:
            call.last_answer = self._reply(invite, 200, "OK", call, body)
            changed = call.changed
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), wait)
            wait *= 2

    # --- small -------------------------------------------------------------------------------------------------------

    def _reply(self, request: Message, status: int, reason: str, call: Call | None, body: str = "") -> bytes:
        draft = Draft(f"SIP/2.0 {status} {reason}", body)
        for via in request.all("via"):
            draft.add("Via", via)
        for route in request.all("record-route"):
            draft.add("Record-Route", route)
        to = request.get("to")
        if not tag(to):
            to = f"{to};tag={call.local_tag if call else secrets.token_hex(6)}"
        draft.add("From", request.get("from")).add("To", to).add("Call-ID", request.get("call-id"))
        draft.add("CSeq", request.get("cseq")).add("Contact", f"<sip:{self.user}@{self.host}:{self.port}>")
        data = draft.add("Allow", _ALLOW).add("User-Agent", _AGENT).encode()
        self._send(data)
        return data

    def forget(self, call: Call) -> None:
        """Take no more messages of this dialog."""
        self._calls.pop(call.call_id, None)

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, self.server)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _branch() -> str:
    return f"z9hG4bK{secrets.token_hex(8)}"


def _text(value: bytes | str) -> str:
    """Bytes as a string that `Draft` turns into the same bytes again."""
    return value if isinstance(value, str) else value.decode("utf-8", errors="surrogateescape")
