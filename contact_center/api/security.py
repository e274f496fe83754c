"""Who is asking: session cookies, API tokens, and the checks that stand before every handler."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from contact_center.api.addresses import client_address
from contact_center.api.context import SERVICES, Services
from contact_center.errors import Forbidden, NotSignedIn
from contact_center.keys import new_token, token_hash
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.people import Viewer
from contact_center.store import Connection, audit
from contact_center.store.repositories import access

TOKEN_PREFIX = "cc_pat_"
TOUCH_EVERY = timedelta(minutes=1)
SAFE = {"GET", "HEAD", "OPTIONS"}


def cookie_name(services: Services) -> str:
    """`__Host-` binds the cookie to https and this host; browsers refuse the prefix on plain http."""
    return "__Host-cc_session" if services.settings.https else "cc_session"


async def viewer_of(request: web.Request) -> Viewer | None:
    """The viewer by API token or session cookie, None when there is neither. Raises NotSignedIn for a bad one."""
    services = request.app[SERVICES]
    header = request.headers.get("Authorization", "")
    if header:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.startswith(TOKEN_PREFIX):
            raise NotSignedIn("Send an API token as: Authorization: Bearer cc_pat_...")
        return await _by_token(services, token.strip())
    token = request.cookies.get(cookie_name(services), "")
    return await viewer_of_session(services, token) if token else None


async def viewer_of_session(services: Services, token: str) -> Viewer | None:
    """The viewer a session token stands for; None when the session has ended."""
    now = services.clock()
    idle = timedelta(hours=services.settings.security.session_idle_hours)
    viewer, stale = await services.store.read(_by_session, token_hash(token), now, idle)
    if viewer is not None and viewer.session_id is not None and stale:
        await services.store.write(access.touch_session, viewer.session_id, now)
    return viewer


async def start_session(request: web.Request, user_id: int, proven: str | None = None) -> tuple[str, int]:
    """Make a new session, never reusing the old token; returns (token, seconds it may live).

    `proven` is the password hash that was checked. Raises NotSignedIn when the password was changed meanwhile.
    """
    services = request.app[SERVICES]
    token, now = new_token(), services.clock()
    lifetime = timedelta(days=services.settings.security.session_max_days)
    await services.store.write(
        _add_session,
        proven,
        Act(now, user_id, client_address(request)),
        employee_id=user_id,
        token_hash=token_hash(token),
        created_at=now,
        last_seen_at=now,
        expires_at=now + lifetime,
        address=client_address(request),
        user_agent=request.headers.get("User-Agent", "")[:300],
    )
    return token, int(lifetime.total_seconds())


def _add_session(connection: Connection, /, proven: str | None, act: Act, **values: Any) -> None:
    # A check takes a third of a second; a new password has ended all sessions by then, and the old one must not open another.
    if proven is not None and access.password_hash(connection, values["employee_id"]) != proven:
        raise NotSignedIn("The address or the password is wrong.")
    audit.note(connection, act, Action.SIGNED_IN, Subject.SESSION, access.add_session(connection, **values))


def check_origin(request: web.Request) -> None:
    """Refuse requests that another site makes a browser send. Raises Forbidden.

    A request with a bearer token of its own needs no cookie and cannot be forged that way; browsers send other schemes
    of that header by themselves.
    """
    if request.method in SAFE or request.headers.get("Authorization", "")[:7].lower() == "bearer ":
        return
    if not is_own_origin(request.app[SERVICES], request.headers.get("Origin"), request.host, request.headers.get("Sec-Fetch-Site")):
        raise Forbidden("This request came from another site.")


def is_own_origin(services: Services, origin: str | None, host: str, fetch_site: str | None) -> bool:
    """Whether a request comes from our own pages, or from no page at all (a program)."""
    if origin is None:
        return fetch_site in (None, "same-origin", "none")
    parts = urlsplit(origin)
    own = urlsplit(services.settings.base_url)
    if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return True
    # Without a public address the server is reached by whatever name people typed.
    return not services.settings.public_url and parts.scheme == "http" and parts.netloc == host


def _by_session(connection: Connection, hashed: str, now: Any, idle: timedelta) -> tuple[Viewer | None, bool]:
    row = access.find_session(connection, hashed)
    if row is None or row["revoked_at"] is not None or row["disabled_at"] is not None:
        return None, False
    if row["expires_at"] <= now or now - row["last_seen_at"] > idle:
        return None, False
    viewer = access.viewer(connection, row["employee_id"], row["project_id"], row["role"], session_id=row["id"], now=now)
    return viewer, now - row["last_seen_at"] > TOUCH_EVERY


async def _by_token(services: Services, token: str) -> Viewer:
    now = services.clock()
    viewer, token_id = await services.store.read(_token_viewer, token_hash(token), now)
    if viewer is None:
        raise NotSignedIn("This API token is not valid any more.")
    if token_id is not None:
        await services.store.write(access.touch_api_token, token_id, now)
    return viewer


def _token_viewer(connection: Connection, hashed: str, now: Any) -> tuple[Viewer | None, int | None]:
    row = access.find_api_token(connection, hashed)
    if row is None or row["revoked_at"] is not None or row["disabled_at"] is not None:
        return None, None
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return None, None
    scopes = tuple(row["scopes"])
    viewer = access.viewer(connection, row["employee_id"], row["project_id"], row["role"], scopes=scopes, now=now)
    stale = row["last_used_at"] is None or now - row["last_used_at"] > TOUCH_EVERY
    return viewer, row["id"] if stale else None


async def viewers_of_sessions(services: Services, tokens: list[str]) -> list[Viewer | None]:
    """The viewers that session tokens stand for now, in one read."""
    idle = timedelta(hours=services.settings.security.session_idle_hours)
    return await services.store.read(_many_by_session, [token_hash(token) for token in tokens], services.clock(), idle)


def _many_by_session(connection: Connection, hashes: list[str], now: Any, idle: timedelta) -> list[Viewer | None]:
    return [_by_session(connection, hashed, now, idle)[0] for hashed in hashes]
