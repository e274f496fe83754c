"""Fetching a file that a provider keeps: only from public addresses, at most so large and so long, the password for its own host alone."""

import asyncio
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from contact_center.channels.base import FetchedFile
from contact_center.egress import MAX_REDIRECTS, Forbidden, guarded_session
from contact_center.errors import ChannelAuthFailed, ChannelUnavailable, Undeliverable

LIMIT = 25 * 1024 * 1024  # bytes; an MMS has at most 5 MB
WHOLE = 90.0  # seconds for everything
TIMEOUT = aiohttp.ClientTimeout(total=None, connect=10, sock_read=20)
MOVED = (301, 302, 303, 307, 308)


async def fetch(url: str, api_base: str, authorization: str) -> FetchedFile:
    """The file at `url`. Raises Undeliverable when it will never come, another ChannelError when it may come later."""
    try:
        async with asyncio.timeout(WHOLE), guarded_session() as session:
            for _ in range(MAX_REDIRECTS + 1):
                _check(url, api_base)
                headers = {"Authorization": authorization} if _origin(url) == _origin(api_base) else {}
                async with session.get(url, headers=headers, allow_redirects=False, timeout=TIMEOUT) as response:
                    if response.status not in MOVED:
                        return await _file(response)
                    url = str(response.url.join(URL(response.headers.get("Location", ""))))
    except (Forbidden, ValueError, aiohttp.InvalidURL) as error:
        raise Undeliverable(f"Its address is not one to go to: {str(error)[:150]}.") from error
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, Forbidden):
            raise Undeliverable(f"Its address is not one to go to: {error.os_error}.") from error
        raise ChannelUnavailable(f"The provider cannot be reached: {str(error)[:150]}.") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ChannelUnavailable(f"The provider did not send it: {str(error)[:150] or type(error).__name__}.") from error
    raise Undeliverable("It moves too often.")


async def _file(response: aiohttp.ClientResponse) -> FetchedFile:
    if response.status in (401, 403):
        raise ChannelAuthFailed("The provider refuses our password for it.")
    if response.status in (408, 425, 429) or response.status >= 500:
        raise ChannelUnavailable(f"The provider answers {response.status}.")
    if response.status != 200:
        raise Undeliverable(f"The provider answers {response.status}.")
    content = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        content += chunk
        if len(content) > LIMIT:
            raise Undeliverable(f"It is larger than {LIMIT // 1024 // 1024} MiB.")
    kind = response.content_type if len(response.content_type) <= 100 else "application/octet-stream"
    return FetchedFile(bytes(content), kind)


def _check(url: str, api_base: str) -> None:
    """Only encrypted, but for an API that is set up without encryption itself."""
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and _origin(url) != _origin(api_base)):
        raise ValueError(f"{url[:100]} is not https")


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"https": 443, "http": 80}.get(parts.scheme)
