"""ARI: the websocket that brings events and the HTTP requests that we make.

What belongs here: one connection from its first byte to its loss, and the requests that are used. What does not:
reconnecting (links.py), the meaning of an event (translate.py). Driver exceptions become ours here and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from pathlib import PurePath
from urllib.parse import quote

import aiohttp
import orjson

from callguard.core.events import GONE_ON, NOT_THERE
from callguard.errors import LinkDown, PbxRefused, Unreachable
from callguard.pbx.asterisk.site import HEARTBEAT, WS_CLOSE, AriAddress
from callguard.pbx.asterisk.translate import FILTERED, Json, parts

REQUEST_SECONDS = 3.0
CONNECT_SECONDS = 5.0
_WORDS = {404: NOT_THERE, 409: "not possible now", 412: "not possible now", 422: "not accepted"}
"""What ARI's status says, in our words."""


class ApplicationTaken(Unreachable):
    """Another controller connected under our application's name: two must not decide the same calls."""


class Ari:
    """A live ARI connection. Make it with `connect`, read `events` until it ends: then the link is lost."""

    def __init__(
        self, address: AriAddress, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self._address, self._session, self._socket = address, session, socket

    @classmethod
    async def connect(cls, address: AriAddress, heartbeat: float = HEARTBEAT) -> Ari:
        """Open the websocket. Raises Unreachable with what is wrong where.

        A PBX that gives no sign of life for 1.5 * HEARTBEAT seconds is taken for lost.
        """
        session = aiohttp.ClientSession(
            headers={"Authorization": _credentials(address)},
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS, connect=CONNECT_SECONDS),
            connector=aiohttp.TCPConnector(limit=64),
        )
        try:
            return cls(address, session, await _open_events(address, session, heartbeat))
        except (Unreachable, asyncio.CancelledError):
            await session.close()
            raise

    async def events(self) -> AsyncIterator[object]:
        """Every event as JSON, in order, until the link is lost; non-JSON is skipped. Raises ApplicationTaken."""
        async for frame in self._socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                message: object = orjson.loads(frame.data)
            except orjson.JSONDecodeError:
                continue
            if isinstance(message, Mapping) and message.get("type") == "ApplicationReplaced":
                raise ApplicationTaken(
                    f"another controller took the ARI application {self._address.app}: end it, or give one of the two "
                    "another application name"
                )
            yield message

    async def close(self) -> None:
        """Let go of websocket and session."""
        await self._socket.close()
        await self._session.close()

    # ------------------------------------------------------------ requests; each raises PbxRefused or LinkDown
    async def subscribe(self) -> None:
        """Have the events of all channels and bridges sent, but for what nobody here reads.

        Not `subscribeAll`: that subscribes to device states too, and Asterisk can deadlock for good when a websocket
        with such a subscription closes while one changes (asterisk/asterisk#2170): the application stays, its calls
        hang.
        """
        await self._ask(
            "POST",
            f"applications/{_segment(self._address.app)}/subscription",
            query={"eventSource": "channel:,bridge:"},
        )
        body = {"disallowed": [{"type": kind} for kind in FILTERED]}
        await self._ask("PUT", f"applications/{_segment(self._address.app)}/eventFilter", body=body)

    async def answer(self, channel_id: str) -> None:
        """Answer a channel that waits in our application."""
        await self._ask("POST", f"channels/{_segment(channel_id)}/answer")

    async def play(self, channel_id: str, playback_id: str, audio: PurePath) -> None:
        """Play an audio file, its extension cut off, under an id chosen by us."""
        where = f"channels/{_segment(channel_id)}/play/{_segment(playback_id)}"
        await self._ask("POST", where, body={"media": [f"sound:{audio.with_suffix('')}"]})

    async def stop_playback(self, playback_id: str) -> None:
        """Stop a playback. Its PlaybackFinished says "done" all the same."""
        await self._ask("DELETE", f"playbacks/{_segment(playback_id)}")

    async def send_on(self, channel_id: str) -> None:
        """Let a waiting channel go on in its dialplan. Raises PbxRefused, with GONE_ON where it waits no more."""
        await self._ask("POST", f"channels/{_segment(channel_id)}/continue", words={**_WORDS, 409: GONE_ON})

    async def set_variable(self, channel_id: str, name: str, value: str) -> None:
        """Set a channel variable."""
        await self._ask("POST", f"channels/{_segment(channel_id)}/variable", query={"variable": name, "value": value})

    async def snoop(self, channel_id: str, snoop_id: str, whisper: str) -> None:
        """Make a channel of ours that speaks into a call. WHISPER: "out" to the channel's party, "both" to the others
        too.
        """
        query = {"app": self._address.app, "whisper": whisper, "appArgs": "whisper", "snoopId": snoop_id}
        await self._ask("POST", f"channels/{_segment(channel_id)}/snoop", query=query)

    async def hang_up(self, channel_id: str) -> None:
        """Hang a channel of ours up."""
        await self._ask("DELETE", f"channels/{_segment(channel_id)}")

    async def stop_recording(self, name: str) -> None:
        """Stop a recorder of ARI's own, which is somebody else's; what it recorded stays."""
        await self._ask("POST", f"recordings/live/{_segment(name)}/stop")

    async def channel(self, channel_id: str) -> Json:
        """One channel object."""
        answer = await self._ask("GET", f"channels/{_segment(channel_id)}")
        return answer if isinstance(answer, Mapping) else {}

    async def channels(self) -> list[Json]:
        """Every channel object."""
        return parts(await self._ask("GET", "channels"))

    async def bridges(self) -> list[Json]:
        """Every bridge object."""
        return parts(await self._ask("GET", "bridges"))

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        words: Mapping[int, str] = _WORDS,
    ) -> object:
        url = f"{self._address.url.rstrip('/')}/{path}"
        verb = path.rpartition("/")[2] if method == "POST" else path.partition("/")[0]
        try:
            tls = self._address.tls or True
            async with self._session.request(method, url, params=query, json=body, ssl=tls) as answer:
                data = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
            raise LinkDown(f"ARI: no answer to {method} {verb}") from wrong
        if answer.status >= 400:
            raise PbxRefused(f"ARI {method} {verb}", words.get(answer.status, "refused"), answer.status)
        return _decoded(data)


async def _open_events(
    address: AriAddress, session: aiohttp.ClientSession, heartbeat: float
) -> aiohttp.ClientWebSocketResponse:
    query = {"app": address.app}  # no subscribeAll: see subscribe
    where = f"ARI at {address.url}"
    try:
        return await session.ws_connect(
            f"{address.url.rstrip('/')}/events",
            params=query,
            heartbeat=heartbeat,
            max_msg_size=0,
            ssl=address.tls or True,
            timeout=aiohttp.ClientWSTimeout(ws_close=WS_CLOSE),
        )
    except aiohttp.WSServerHandshakeError as refusal:
        raise Unreachable(f"{where}: {_handshake(refusal.status, address)}") from refusal
    except aiohttp.ClientSSLError as wrong:
        raise Unreachable(f"{where}: TLS fails; check scheme, port and certificate") from wrong
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, ValueError) as wrong:
        raise Unreachable(f"{where} is no address; it should look like http://host:8088/ari") from wrong
    except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
        raise Unreachable(f"{where} is not reachable; check host, port and http.conf, ari.conf") from wrong


def _credentials(address: AriAddress) -> str:
    return "Basic " + b64encode(f"{address.user}:{address.password}".encode()).decode()


def _handshake(status: int, address: AriAddress) -> str:
    match status:
        case 401:
            return f"wrong password or unknown user {address.user}; see ari.conf"
        case 403:
            return f"user {address.user} may only read (read_only in ari.conf)"
        case 404:
            return "there is no ARI under this path; the URL should end in /ari, and res_ari must be loaded"
        case _:
            return f"the websocket is refused with HTTP status {status}; does this URL lead to Asterisk's ARI?"


def _decoded(data: bytes) -> object:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return None


def _segment(value: str) -> str:
    """An id as one segment of a path: it comes from the PBX and must not become a path of its own."""
    return quote(value, safe="")
