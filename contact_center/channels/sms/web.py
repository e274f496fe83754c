"""One request to a provider, bounded in time and size, its failures in our words.

What matters is whether the request may have reached the other side: until it was written a repetition is harmless, after that
nobody knows.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from contact_center.errors import ChannelMisconfigured, ChannelUnavailable, DeliveryUnknown

TIMEOUT = aiohttp.ClientTimeout(total=None, connect=20, sock_read=30)  # seconds; the first covers the name and the handshake too
WHOLE = 60.0  # seconds for everything
BODY = 10.0  # seconds for the answer after its status
ANSWER_LIMIT = 64 * 1024  # bytes of an answer that are read; what matters stands at its beginning


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    body: bytes

    @property
    def words(self) -> str:
        """It as text, for people; at most 300 characters."""
        return " ".join(self.body.decode("utf-8", "replace").split())[:300]

    def document(self) -> dict[str, Any]:
        """It as a JSON object; empty when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


async def ask(url: str, *, fields: dict[str, str] | None = None, authorization: str = "", limit: int = ANSWER_LIMIT) -> Answer:
    """Ask something that changes nothing; `limit` bytes of the answer are read. Raises ChannelUnavailable or ChannelMisconfigured."""
    try:
        return await _exchange("GET", url, fields, authorization, limit)
    except DeliveryUnknown as error:
        raise ChannelUnavailable(error.message) from error


async def tell(method: str, url: str, *, fields: dict[str, str], authorization: str = "") -> Answer:
    """Ask for something to be done. Raises ChannelUnavailable, ChannelMisconfigured, or DeliveryUnknown when it may have been."""
    return await _exchange(method, url, fields, authorization)


def encoded(fields: dict[str, str]) -> str:
    """Fields as a query; a blank is %20, for a plus is not a blank everywhere."""
    return urlencode(fields, quote_via=quote, encoding="utf-8", errors="replace")


async def _exchange(method: str, url: str, fields: dict[str, str] | None, authorization: str, limit: int = ANSWER_LIMIT) -> Answer:
    query, body = (encoded(fields or {}), None) if method == "GET" else ("", encoded(fields or {}).encode())
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
    if authorization:
        headers["Authorization"] = authorization
    target = _target(f"{url}?{query}" if query else url)
    try:
        # A connection of its own: one that was kept may be closed in the very moment it is used, and then nobody knows.
        async with asyncio.timeout(WHOLE), aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session:
            async with session.request(method, target, data=body, headers=headers, allow_redirects=False) as response:
                return Answer(response.status, await _beginning(response, limit))
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise ChannelUnavailable(f"The provider cannot be reached: {_reason(error)}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise DeliveryUnknown(f"The provider did not say whether it took the message: {_reason(error)}") from error


def _target(url: str) -> URL:
    """The address as it is written, checked before anything is sent."""
    try:
        target = URL(url, encoded=True)
        if target.host and target.port:
            return target
    except ValueError:
        pass
    raise ChannelMisconfigured("The provider's address cannot be used.")


async def _beginning(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """What was answered, as far as it comes: by its status the other side has decided already."""
    content = bytearray()
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
        async with asyncio.timeout(BODY):
            async for chunk in response.content.iter_chunked(16 * 1024):
                content += chunk
                if len(content) >= limit:
                    break
    return bytes(content[:limit])


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
