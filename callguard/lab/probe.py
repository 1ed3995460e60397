"""Who answers on a SIP port: Asterisk says "Ready" even when it could not bind its own.

What belongs here: one OPTIONS and its answer. What does not: phones (sip.py).
"""

from __future__ import annotations

import asyncio
import secrets

from callguard.lab.message import Draft, Message, parse


class _Options(asyncio.DatagramProtocol):
    """Waits for the one answer to an OPTIONS."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        if message is not None and message.status and not self.answer.done():
            self.answer.set_result(message)


async def server_name(server: tuple[str, int], timeout: float = 2.0) -> str:
    """What answers SIP OPTIONS at `server` calls itself so (FreeSWITCH as a User-Agent); "" when nothing does."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Options, local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")[:2]
    draft = Draft(f"OPTIONS sip:{server[0]}:{server[1]} SIP/2.0")
    branch = f"z9hG4bK{secrets.token_hex(8)}"
    draft.add("Via", f"SIP/2.0/UDP {host}:{port};branch={branch};rport").add("Max-Forwards", "70")
    draft.add("From", f"<sip:probe@{host}>;tag={secrets.token_hex(4)}").add("To", f"<sip:{server[0]}>")
    draft.add("Call-ID", secrets.token_hex(8)).add("CSeq", "1 OPTIONS").add("Contact", f"<sip:probe@{host}:{port}>")
    transport.sendto(draft.encode(), server)
    try:
        message = await asyncio.wait_for(protocol.answer, timeout)
    except TimeoutError:
        return ""
    finally:
        transport.close()
    return message.get("server") or message.get("user-agent")
