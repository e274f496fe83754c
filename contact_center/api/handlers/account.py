"""Log-in, first log-in, invitations, one's own sessions, password and API tokens."""

from datetime import timedelta
from typing import Any

from aiohttp import web

from contact_center.api import passwords, security
from contact_center.api.addresses import client_address
from contact_center.api.answers import Device, Me, NewToken, SignedIn, TokenInfo
from contact_center.api.context import SERVICES, Context
from contact_center.api.permissions import ROLES, SCOPES
from contact_center.api.schemas import AcceptBody, FirstLoginBody, LoginBody, MeBody, PasswordBody, TokenBody
from contact_center.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, TooManyRequests
from contact_center.keys import new_token, token_hash
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.events import AccessChanged, Event, UserChanged
from contact_center.model.people import User, Viewer
from contact_center.model.words import Role
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import access

LIMITS = web.AppKey("login_limits", passwords.LoginLimits)
INVITATION_HOURS = 72


async def log_in(ctx: Context, body: LoginBody) -> SignedIn:
    """Begin a session."""
    email = body.email.strip().lower()
    await _count(ctx, email)
    row = await ctx.read(access.credentials, email)
    right = await passwords.matches(row["password_hash"] if row else None, body.password)
    if row is None or not right or row["disabled_at"] is not None:
        await ctx.write(_refused, ctx.act(), email, Action.SIGN_IN_FAILED)
        raise NotSignedIn("The address or the password is wrong.")
    await _begin(ctx, row["id"], row["password_hash"])
    return SignedIn(row["id"])


async def log_out(ctx: Context) -> None:
    """End this session."""
    if ctx.viewer.session_id is not None:
        await ctx.write(_revoke, ctx.act(), ctx.viewer, ctx.viewer.session_id)
    # Browsers refuse to touch a `__Host-` cookie, even to delete it, without Secure.
    ctx.cookies.append((security.cookie_name(ctx.services), "", {"max_age": 0, "secure": ctx.services.settings.https}))


async def me(ctx: Context) -> Me:
    """Who is signed in, and what they may do."""
    return await ctx.read(load_me, ctx.viewer, ctx.services.settings.mail.undo_send_seconds)


async def change_me(ctx: Context, body: MeBody) -> Me:
    """Change one's own name."""
    await ctx.write(_rename, ctx.act(), ctx.viewer, body.name)
    return await me(ctx)


async def change_password(ctx: Context, body: PasswordBody) -> None:
    """Change one's own password; every other session ends."""
    viewer = ctx.viewer
    user = await ctx.read(access.find_user, viewer.project_id, viewer.user_id)
    assert user is not None
    await _count(ctx, user.email)
    if not await passwords.matches(await ctx.read(access.password_hash, viewer.user_id), body.current):
        await ctx.write(_refused, ctx.act(), user.email, Action.PASSWORD_REFUSED)
        raise Invalid("The current password is wrong.", field="current")
    passwords.check_strength(body.new, user.email)
    await ctx.write(_set_password, ctx.act(), viewer, await passwords.hash_password(body.new))


async def first_log_in(ctx: Context, body: FirstLoginBody) -> SignedIn:
    """Make the first administrator, with the one-time link that the first start printed."""
    await _count(ctx, "first-login")
    passwords.check_strength(body.password, body.email)
    hashed = await passwords.hash_password(body.password)
    user_id = await ctx.write(_make_first_admin, ctx.act(), body, hashed)
    await _begin(ctx, user_id)
    return SignedIn(user_id)


async def accept_invitation(ctx: Context, body: AcceptBody) -> SignedIn:
    """Set a password by a one-time link; earlier sessions end."""
    await _count(ctx, "invitation")
    passwords.check_strength(body.password, "")
    hashed = await passwords.hash_password(body.password)
    user_id = await ctx.write(_accept, ctx.act(), body, hashed)
    await _begin(ctx, user_id)
    return SignedIn(user_id)


async def devices(ctx: Context) -> list[Device]:
    """Where one is signed in."""
    rows = await ctx.read(access.sessions, ctx.viewer.user_id, ctx.services.clock())
    return [
        Device(
            id=row["id"],
            created_at=row["created_at"],
            last_seen_at=row["last_seen_at"],
            address=row["address"],
            user_agent=row["user_agent"],
            current=row["id"] == ctx.viewer.session_id,
        )
        for row in rows
    ]


async def revoke_device(ctx: Context, session_id: int) -> None:
    """End one of one's own sessions; its open consoles close within seconds."""
    await ctx.write(_revoke, ctx.act(), ctx.viewer, session_id)


async def tokens(ctx: Context) -> list[TokenInfo]:
    """One's own API tokens."""
    rows = await ctx.read(access.api_tokens, ctx.viewer.user_id)
    return [TokenInfo(row["id"], row["name"], row["scopes"], row["created_at"], row["expires_at"], row["last_used_at"]) for row in rows]


async def create_token(ctx: Context, body: TokenBody) -> NewToken:
    """Make an API token; it is shown this once and stored as a hash."""
    unknown = [scope for scope in body.scopes if scope not in SCOPES]
    if unknown:
        raise Invalid(f"There is no scope {unknown[0][:60]}. Scopes are: {', '.join(SCOPES)}.", field="scopes")
    forbidden = [scope for scope in body.scopes if scope not in ROLES[ctx.viewer.role]]
    if forbidden:
        raise Forbidden(f"Your role does not have {forbidden[0]}.")
    token, now = new_token(security.TOKEN_PREFIX), ctx.services.clock()
    token_id = await ctx.write(
        _add_token,
        ctx.act(),
        employee_id=ctx.viewer.user_id,
        name=body.name,
        token_hash=token_hash(token),
        scopes=body.scopes,
        created_at=now,
        expires_at=now + timedelta(days=body.days) if body.days else None,
    )
    return NewToken(token_id, token)


async def revoke_token(ctx: Context, token_id: int) -> None:
    """End an API token."""
    await ctx.write(_revoke_token, ctx.act(), ctx.viewer, token_id)


def load_me(connection: Connection, viewer: Viewer, undo_seconds: float) -> Me:
    """The viewer's own account with the permissions of the moment."""
    user = access.find_user(connection, viewer.project_id, viewer.user_id)
    if user is None:
        raise NotFound
    allowed = [p.value for p in sorted(ROLES[viewer.role]) if viewer.scopes is None or p in viewer.scopes]
    return Me(user, allowed, undo_seconds)


def publish_user(connection: Connection, act: Act, project_id: int, user_id: int) -> User:
    """Record an employee's new state in the journal, and return it."""
    user = access.find_user(connection, project_id, user_id)
    if user is None:
        raise NotFound
    journal.append(connection, Event(UserChanged(user), project_id), at=act.now, actor_id=act.user_id)
    return user


def publish_access(
    connection: Connection, act: Act, project_id: int, user_id: int, *, session_id: int | None = None, revoked: bool = False
) -> None:
    """Tell the employee's consoles that their rights changed, or end them."""
    event = Event(AccessChanged(user_id, session_id, revoked), project_id, assignee_id=user_id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)


async def _count(ctx: Context, whose: str) -> None:
    """Count an attempt. Raises TooManyRequests; the log tells of it once a minute, or guessing would fill it."""
    limits = ctx.request.app[LIMITS]
    address = client_address(ctx.request)
    try:
        limits.count(whose, address)
    except TooManyRequests:
        if limits.is_news(whose, address):
            await ctx.store.write(_refused, ctx.act(), whose, Action.SIGN_IN_THROTTLED)
        raise


def _refused(connection: Connection, act: Act, email: str, action: Action) -> None:
    # Whatever else was typed as an address may be a password in the wrong field, so it is not kept.
    row = access.credentials(connection, email)
    who = {"object_id": row["id"], "project_id": row["project_id"]} if row else {}
    audit.note(connection, act, action, Subject.EMPLOYEE, **who)


async def _begin(ctx: Context, user_id: int, proven: str | None = None) -> None:
    token, seconds = await security.start_session(ctx.request, user_id, proven)
    services = ctx.request.app[SERVICES]
    options: dict[str, Any] = {"max_age": seconds, "httponly": True, "samesite": "Lax", "path": "/", "secure": services.settings.https}
    ctx.cookies.append((security.cookie_name(services), token, options))


def _rename(connection: Connection, act: Act, viewer: Viewer, name: str) -> None:
    access.change_user(connection, viewer.user_id, name=name)
    audit.note(connection, act, Action.EMPLOYEE_CHANGED, Subject.EMPLOYEE, viewer.user_id, fields=["name"])
    publish_user(connection, act, viewer.project_id, viewer.user_id)


def _set_password(connection: Connection, act: Act, viewer: Viewer, hashed: str) -> None:
    access.change_user(connection, viewer.user_id, password_hash=hashed)
    audit.note(connection, act, Action.PASSWORD_CHANGED, Subject.EMPLOYEE, viewer.user_id)
    for session_id in access.revoke_sessions(connection, viewer.user_id, act.now, keep=viewer.session_id):
        publish_access(connection, act, viewer.project_id, viewer.user_id, session_id=session_id, revoked=True)


def _revoke(connection: Connection, act: Act, viewer: Viewer, session_id: int) -> None:
    if not access.revoke_sessions(connection, viewer.user_id, act.now, only=session_id):
        raise NotFound
    audit.note(connection, act, Action.SIGNED_OUT, Subject.SESSION, session_id)
    publish_access(connection, act, viewer.project_id, viewer.user_id, session_id=session_id, revoked=True)


def _add_token(connection: Connection, act: Act, /, **values: Any) -> int:
    token_id = access.add_api_token(connection, **values)
    audit.note(connection, act, Action.TOKEN_MADE, Subject.TOKEN, token_id, scopes=values["scopes"])
    return token_id


def _revoke_token(connection: Connection, act: Act, viewer: Viewer, token_id: int) -> None:
    if not access.revoke_api_token(connection, viewer.user_id, token_id, act.now):
        raise NotFound
    audit.note(connection, act, Action.TOKEN_ENDED, Subject.TOKEN, token_id)


def _make_first_admin(connection: Connection, act: Act, body: FirstLoginBody, hashed: str) -> int:
    used = access.use_invitation(connection, token_hash(body.token), act.now)
    project_id = access.first_project(connection)
    if used is None or used["employee_id"] is not None or project_id is None:
        raise NotSignedIn("This link was used already or has expired. Start the server again for a new one.")
    if access.active_admins(connection, project_id):
        raise Conflict("There is an administrator already.")
    user_id = access.add_user(connection, project_id, body.email.lower(), body.name, Role.ADMIN, hashed, act.now)
    access.set_grants(connection, user_id, [queue.id for queue in access.queues(connection, project_id)])
    audit.note(connection, act, Action.EMPLOYEE_ADDED, Subject.EMPLOYEE, user_id, role=Role.ADMIN, first=True)
    publish_user(connection, act, project_id, user_id)
    return user_id


def _accept(connection: Connection, act: Act, body: AcceptBody, hashed: str) -> int:
    used = access.use_invitation(connection, token_hash(body.token), act.now)
    viewer = access.viewer_of_user(connection, used["employee_id"]) if used and used["employee_id"] else None
    if viewer is None:
        raise NotSignedIn("This link was used already or has expired. Ask for a new one.")
    access.change_user(connection, viewer.user_id, password_hash=hashed)
    theirs = Act(act.now, viewer.user_id, act.address)
    audit.note(connection, theirs, Action.INVITATION_ACCEPTED, Subject.EMPLOYEE, viewer.user_id)
    for session_id in access.revoke_sessions(connection, viewer.user_id, act.now):
        publish_access(connection, act, viewer.project_id, viewer.user_id, session_id=session_id, revoked=True)
    user = publish_user(connection, act, viewer.project_id, viewer.user_id)
    # Only the link says whose address the password must differ from; a refusal undoes all of this, and the link stays good.
    passwords.check_strength(body.password, user.email)
    return viewer.user_id
