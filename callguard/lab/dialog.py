"""One call of a lab phone, as a test sees it: what state it is in, what was heard, what can be done with it.

What belongs here: the call's own state and the waiting for it. What does not: SIP on the wire (sip.py, message.py).
"""

from __future__ import annotations

import asyncio
import secrets
from enum import Enum
from typing import Protocol

from callguard.errors import Unreachable
from callguard.lab.message import Message, tag
from callguard.lab.rtp import Heard, RtpStream


class Line(Protocol):
    """The phone below a call: what the call asks of it."""

    async def reinvite(self, call: Call, direction: str) -> None:
        """Offer another direction of the audio."""
        ...

    async def refer(self, call: Call, extension: str, replaces: str = "") -> None:
        """Ask the PBX to transfer the other party."""
        ...

    async def inform(self, call: Call, body: str) -> None:
        """Send a key by signalling."""
        ...

    async def end(self, call: Call) -> None:
        """End the call."""
        ...

    def accept(self, call: Call) -> None:
        """Answer the call."""
        ...

    def forget(self, call: Call) -> None:
        """Take no more messages of this call."""
        ...


class CallState(Enum):
    """Where a call is."""

    TRYING = "trying"
    RINGING = "ringing"
    UP = "up"
    ENDED = "ended"


class Call:
    """One dialog and its audio. Made by `Phone.dial` or handed out by `Phone.incoming`."""

    def __init__(self, line: Line, rtp: RtpStream, call_id: str, remote: str, target: str) -> None:
        self.line, self.rtp, self.call_id = line, rtp, call_id
        self.state = CallState.TRYING
        self.status = 0  # the last final status of the INVITE
        self.changed = asyncio.Event()
        self.local_tag = secrets.token_hex(6)
        self.remote = remote  # the other side's From/To value; carries its tag once known
        self.target = target  # where requests of this dialog go
        self.local = ""
        self.sequence = 0
        self.version = 0
        self.invite: Message | None = None  # theirs, when we were called
        self.last_answer: bytes = b""
        self.draft: tuple[str, int] | None = None  # branch and CSeq of our INVITE, for CANCEL and ACK
        self.replaces = ""  # the dialog whose place our INVITE asks for
        self.names: list[str] = []  # what the PBX had this phone display, oldest first

    # --- waiting -----------------------------------------------------------------------------------------------------

    def move(self, state: CallState) -> None:
        """Change state and wake who waits; an ended call stays ended."""
        if self.state is not CallState.ENDED:
            self.state = state
            if state is CallState.ENDED:
                self.rtp.close()
        self.changed.set()
        self.changed = asyncio.Event()

    async def reached(self, *states: CallState, timeout: float = 15.0) -> None:
        """Wait for one of `states`. Raises Unreachable when the call ends instead, or nothing happens in time."""
        try:
            async with asyncio.timeout(timeout):
                while self.state not in (*states, CallState.ENDED):
                    await self.changed.wait()
        except TimeoutError:
            raise Unreachable(f"the lab call is still {self.state.value} after {timeout:g} s") from None
        if self.state not in states:
            raise Unreachable(f"the lab call ended with status {self.status}")

    async def ringing(self, timeout: float = 15.0) -> None:
        """Wait until the other side rings, or answers."""
        await self.reached(CallState.RINGING, CallState.UP, timeout=timeout)

    async def answered(self, timeout: float = 15.0) -> None:
        """Wait until it is up."""
        await self.reached(CallState.UP, timeout=timeout)

    async def ended(self, timeout: float = 15.0) -> None:
        """Wait until it is over."""
        await self.reached(CallState.ENDED, timeout=timeout)

    async def shows(self, name: str, timeout: float = 15.0) -> None:
        """Wait until the display says NAME. Raises Unreachable."""
        try:
            async with asyncio.timeout(timeout):
                while not self.names or self.names[-1] != name:
                    await self.changed.wait()
        except TimeoutError:
            raise Unreachable(f"the lab phone shows something else after {timeout:g} s: {self.names}") from None

    def show(self, name: str) -> None:
        """The PBX says who is at the other end."""
        self.names.append(name)
        self.move(self.state)

    @property
    def dialog(self) -> str:
        """This call as the header Replaces names it to the other side (RFC 3891)."""
        return f"{self.call_id};to-tag={tag(self.remote)};from-tag={self.local_tag}"

    def heard(self) -> Heard:
        """What this party has heard so far."""
        return self.rtp.heard()

    # --- doing -------------------------------------------------------------------------------------------------------

    async def press(self, keys: str, seconds: float = 0.1, gap: float = 0.1) -> None:
        """Press keys one after the other, each for `seconds`, `gap` apart. A comma waits half a second."""
        for key in keys:
            if key != ",":
                await self.rtp.press(key, seconds)
            await asyncio.sleep(0.5 if key == "," else gap)

    async def signal(self, keys: str, milliseconds: int = 60) -> None:
        """Press keys that travel beside the audio, each as a SIP INFO."""
        for key in keys:
            await self.line.inform(self, f"Signal={key}\r\nDuration={milliseconds}\r\n")

    async def hold(self) -> None:
        """Put the other party on hold, and fall silent."""
        self.rtp.muted = True
        await self.line.reinvite(self, "sendonly")

    async def unhold(self) -> None:
        """Take it back."""
        await self.line.reinvite(self, "sendrecv")
        self.rtp.muted = False

    async def refer(self, extension: str) -> None:
        """Blind transfer of the other party to `extension`."""
        await self.line.refer(self, extension)

    async def hand_over(self, consulted: Call) -> None:
        """Attended transfer: the other party talks to the one of CONSULTED, which this phone called."""
        await self.line.refer(self, "x", consulted.dialog)

    def answer(self) -> None:
        """Answer a call that rings here."""
        self.line.accept(self)

    async def hangup(self) -> None:
        """End it: BYE, CANCEL or a refusal, whichever fits. Harmless on an ended call."""
        await self.line.end(self)

    def drop(self) -> None:
        """Vanish without a word, as a phone that lost its network: no BYE, no audio, no answers."""
        self.line.forget(self)
        self.move(CallState.ENDED)
