"""One attempt: a signed POST, of whose answer only the status counts. Follows no redirect and reads next to nothing."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from contact_center import __version__
from contact_center.egress import NOT_PUBLIC, Forbidden

AGENT = f"contact_center/{__version__}"
ANSWER_BYTES = 16 * 1024  # read and dropped, so that the connection can be used again; a longer answer ends it
ANSWER_SECONDS = 1.0
ERROR_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    status: int | None
    """None when there was no answer."""
    error: str = ""
    """A word, and after a colon what the system said; empty when it went well."""
    milliseconds: int = 0
    asked: timedelta | None = None
    """How long the other side asks us to wait."""

    @property
    def delivered(self) -> bool:
        """Any 2xx."""
        return self.status is not None and 200 <= self.status < 300


async def post(session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
    """Send one message. Never raises for what the other side does."""
    began = time.monotonic()
    headers = headers | {"Content-Type": "application/json", "User-Agent": AGENT}
    status, error, asked = None, "", None
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            status = response.status
            if not 200 <= status < 300:
                error, asked = "redirect" if 300 <= status < 400 else "status", _asked(response.headers.get("Retry-After", ""))
            await _drop_answer(response)
    except TimeoutError:
        error = "timeout"
    except (aiohttp.ClientError, OSError, ValueError) as reason:
        error = _word(reason)
    return Outcome(status, error, int((time.monotonic() - began) * 1000), asked)


async def _drop_answer(response: aiohttp.ClientResponse) -> None:
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            left = ANSWER_BYTES
            while left > 0 and (chunk := await response.content.read(left)):
                left -= len(chunk)
    if not response.content.at_eof():
        response.close()


def _asked(header: str) -> timedelta | None:
    return timedelta(seconds=int(header)) if header.isdecimal() and len(header) < 6 else None


def _word(reason: Exception) -> str:
    if _is_forbidden(reason):
        return "not-public"
    if isinstance(reason, aiohttp.InvalidURL):
        return "address"
    if isinstance(reason, aiohttp.ClientConnectorDNSError):
        return "dns"
    if isinstance(reason, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return f"tls: {reason}"[:ERROR_LENGTH]
    if isinstance(reason, aiohttp.ClientConnectorError):
        return f"connect: {reason.strerror or reason.os_error}"[:ERROR_LENGTH]
    return f"broken: {type(reason).__name__}"


def _is_forbidden(reason: Exception) -> bool:
    """Whether the guard refused every address. Of several the client keeps the words and not the errors."""
    inner = getattr(reason, "os_error", reason)
    return isinstance(inner, Forbidden) or NOT_PUBLIC in str(inner)
