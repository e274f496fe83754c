"""Files and pictures on their way to a browser: nothing of a stranger's may run on our origin."""

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp import web
from yarl import URL

from contact_center.egress import MAX_REDIRECTS, guarded_session
from contact_center.errors import Forbidden, NotFound, Unavailable
from contact_center.keys import Keys
from contact_center.store import Store, blobs
from contact_center.store.blobs import BlobFiles

PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
LINK_SECONDS = 600
REMOTE_LIMIT = 5 * 1024 * 1024  # bytes of a remote picture
INLINE_CSP = "sandbox; default-src 'none'"
FRAME_CSP = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'"
)


def sign(keys: Keys, path: str, **values: Any) -> str:
    """A path that opens without a cookie for a few minutes."""
    expires = int(time.time()) + LINK_SECONDS
    return f"{path}?{urlencode({**values, 'expires': expires, 'signature': keys.sign('media', _text(path, values, expires))})}"


def check(keys: Keys, path: str, expires: int, signature: str, **values: Any) -> None:
    """Refuse a signed path that is expired or not ours. Raises Forbidden."""
    if expires < time.time() or not keys.verify("media", _text(path, values, expires), signature):
        raise Forbidden("This address has expired. Open the message again.")


async def file_response(store: Store, files: BlobFiles, row: Any, *, inline: bool) -> web.StreamResponse:
    """A stored file: as a download, or inline when it is a harmless picture."""
    shown = inline and row["content_type"] in PICTURES
    headers = {
        "Content-Type": row["content_type"] if shown else "application/octet-stream",
        "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(row['filename'], safe='')}",
        "Content-Security-Policy": INLINE_CSP,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=600" if shown else "no-store",
    }
    return await blob_response(store, files, row["sha256"], headers)


async def blob_response(store: Store, files: BlobFiles, sha256: str, headers: dict[str, str]) -> web.StreamResponse:
    """Bytes by their hash, from the database or the blob folder."""
    content = await store.read(blobs.get, sha256)
    if content is not None:
        return web.Response(body=content, headers=headers)
    path: Path = files.path(sha256)
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("The file is missing on the server's disk.")
    return web.FileResponse(path, headers=headers)


async def remote_picture(url: str) -> web.Response:
    """Fetch a remote picture for an agent who asked for it. Raises Unavailable for anything that is not a small picture."""
    try:
        async with guarded_session() as session:
            content, kind = await _fetch(session, url)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise Unavailable("The picture could not be loaded.") from error
    headers = {
        "Content-Security-Policy": INLINE_CSP,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=600",
        "Content-Type": kind,
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:16]}"',
    }
    return web.Response(body=content, headers=headers)


async def _fetch(session: aiohttp.ClientSession, url: str) -> tuple[bytes, str]:
    for _ in range(MAX_REDIRECTS + 1):
        if not url.lower().startswith(("http://", "https://")):
            raise Unavailable("The picture could not be loaded.")
        async with session.get(url, allow_redirects=False, headers={"Accept": "image/*"}) as response:
            if response.status in (301, 302, 303, 307, 308):
                url = str(response.url.join(URL(response.headers.get("Location", ""))))
                continue
            kind = response.content_type
            if response.status != 200 or kind not in PICTURES:
                raise Unavailable("There is no picture at this address.")
            content = await response.content.read(REMOTE_LIMIT + 1)
            while len(content) <= REMOTE_LIMIT and (more := await response.content.read(REMOTE_LIMIT + 1 - len(content))):
                content += more
            if len(content) > REMOTE_LIMIT:
                raise Unavailable("The picture is too large.")
            return content, kind
    raise Unavailable("The picture moves too often.")


def _text(path: str, values: dict[str, Any], expires: int) -> str:
    return f"{path}|{sorted(values.items())}|{expires}"


def download(name: str) -> dict[str, str]:
    """Headers under which bytes of strangers are saved and never shown."""
    return {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": INLINE_CSP,
    }
