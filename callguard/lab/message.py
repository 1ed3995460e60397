"""SIP messages and SDP bodies as bytes: reading and writing, nothing else.

What belongs here: the codec. What does not: dialogs, sockets, timers (sip.py). Bytes that are not UTF-8 survive reading
and writing: a test may want to send what no phone should.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PCMU, DIGITS = 0, 101  # RTP payload types that this phone speaks

_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "c": "content-type"}


@dataclass(frozen=True)
class Message:
    """One request ("INVITE sip:100@host SIP/2.0") or response ("SIP/2.0 200 OK"). Header names are lower case."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""

    def get(self, name: str, default: str = "") -> str:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), default)

    def all(self, name: str) -> list[str]:
        """Every header of that name, in order."""
        return [value for key, value in self.headers if key == name]

    @property
    def status(self) -> int:
        """Status code of a response, 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """The request's method; for a response that of the request it answers."""
        return self.get("cseq").split()[-1] if self.status else self.start.split()[0]

    @property
    def sequence(self) -> int:
        """The number in CSeq."""
        return int(self.get("cseq", "0").split()[0])

    @property
    def to_tag(self) -> str:
        """The tag of To, "" before a dialog."""
        return tag(self.get("to"))


def tag(value: str) -> str:
    """The tag parameter of a From or To header."""
    for part in value.rsplit(">", 1)[-1].split(";"):
        name, _, content = part.strip().partition("=")
        if name.lower() == "tag":
            return content
    return ""


def uri(value: str) -> str:
    """The address in <> of a From, To, Contact or Record-Route header."""
    return value.rsplit("<", 1)[-1].split(">", 1)[0] if "<" in value else value.split(";", 1)[0].strip()


def display(value: str) -> str:
    """The name in "" of a From, To or P-Asserted-Identity header; '' where it has none."""
    before, opened, rest = value.partition('"')
    name, _, _ = rest.rpartition('" <')
    return re.sub(r"\\(.)", r"\1", name) if opened and not before.strip() else ""


def parse(data: bytes) -> Message | None:
    """A datagram as a message; None when it is not one (keep-alives, noise)."""
    text = data.decode("utf-8", errors="surrogateescape")
    head, _, body = text.partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    if "SIP/2.0" not in start or len(start.split()) < 2:
        return None
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        key = name.strip().lower()
        headers.append((_COMPACT.get(key, key), value.strip()))
    return Message(start, tuple(headers), body)


@dataclass
class Draft:
    """A message being written: `add` headers in order, then `encode`. Values may be raw bytes; `kind`: of the body."""

    start: str
    body: str = ""
    lines: list[bytes] = field(default_factory=list)
    kind: str = "application/sdp"

    def add(self, name: str, value: str | bytes) -> Draft:
        """Append one header."""
        raw = value if isinstance(value, bytes) else value.encode("utf-8", errors="surrogateescape")
        self.lines.append(name.encode() + b": " + raw)
        return self

    def encode(self) -> bytes:
        """The datagram, with Content-Type and Content-Length."""
        body = self.body.encode()
        if body:
            self.add("Content-Type", self.kind)
        self.add("Content-Length", str(len(body)))
        return b"\r\n".join([self.start.encode(), *self.lines, b"", b""]) + body


def sdp(host: str, port: int, version: int, direction: str) -> str:
    """An offer or answer of mu-law and RFC 4733 digits. `direction`: sendrecv, sendonly, recvonly, inactive."""
    return (
        f"v=0\r\no=- 1 {version} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {PCMU} {DIGITS}\r\na=rtpmap:{PCMU} PCMU/8000\r\n"
        f"a=rtpmap:{DIGITS} telephone-event/8000\r\n"
        f"a=fmtp:{DIGITS} 0-15\r\na=ptime:20\r\na={direction}\r\n"
    )


def audio_target(body: str) -> tuple[str, int] | None:
    """Where the other side of an SDP wants its audio; None when it says nothing."""
    host, port = "", 0
    for line in body.splitlines():
        if line.startswith("c=IN IP4 "):
            host = line.split()[2]
        elif line.startswith("m=audio "):
            port = int(line.split()[1])
    return (host, port) if host and port else None
