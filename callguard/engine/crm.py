"""Asking a customer record over HTTP where a caller is. Late or odd answers are no answers, and that is strict.

What belongs here: one request, read strictly. What does not: when it is asked (entrance.py), what it is worth
(core/place.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
import orjson

from callguard.core.policy import CallType
from callguard.core.row import CODE
from callguard.ports import Endpoint, Found

LARGEST = 4096
"""Bytes of an answer."""
LINES = ("landline", "mobile", "voip")


@dataclass
class Crm:
    """Asks URL with ?number=. The answer is JSON: {"place": "US-CA", "line": "mobile", "known": true}, every key may be
    missing; 404 says that nobody knows the number."""

    url: str
    token: str = ""
    seconds: float = 0.3
    session: aiohttp.ClientSession | None = field(default=None, repr=False)

    def concerns(self, who: Endpoint, call_type: CallType, direction: str) -> bool:
        """Whether there is a number to ask about."""
        return bool(who.number)

    async def __call__(self, who: Endpoint, call_type: CallType) -> Found:
        """What the record says about WHO. Raises OSError or TimeoutError where there is no clear answer."""
        try:
            return await self._ask(who.number)
        except aiohttp.ClientError as error:
            raise ConnectionError(type(error).__name__) from None

    async def _ask(self, number: str) -> Found:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        self.session = self.session or aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.seconds))
        asked = self.session.get(self.url, params={"number": number}, headers=headers, allow_redirects=False)
        async with asked as response:
            if response.status == 404:
                return Found()
            if response.status != 200:
                raise ConnectionError(f"HTTP {response.status}")
            body = b""
            async for part in response.content.iter_chunked(LARGEST):
                body += part
                if len(body) > LARGEST:
                    break
            return read(body)

    async def close(self) -> None:
        """Let go."""
        if self.session:
            await self.session.close()


def read(body: bytes) -> Found:
    """An answer's BODY. Raises ConnectionError where it says something that cannot be."""
    try:
        said = orjson.loads(body) if len(body) <= LARGEST else None
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, Mapping):
        raise ConnectionError("not a small JSON object")
    place, line, known = said.get("place") or "", said.get("line") or "", said.get("known") or False
    fits = isinstance(place, str) and (not place or CODE.fullmatch(place)) and line in ("", *LINES)
    if not fits or not isinstance(known, bool):
        raise ConnectionError("place, line or known is odd")
    return Found(place=place, line=line, known=known)
