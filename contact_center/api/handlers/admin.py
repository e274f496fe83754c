"""Employees and queues: what administrators arrange."""

from datetime import timedelta
from typing import Any

from contact_center.api.answers import Invitation
from contact_center.api.context import Context
from contact_center.api.handlers.account import INVITATION_HOURS, publish_access, publish_user
from contact_center.api.handlers.sla import check_policy
from contact_center.api.schemas import QueueBody, QueuePatchBody, UserBody, UserPatchBody
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.keys import new_token, token_hash
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.events import Event, QueueChanged
from contact_center.model.people import Queue, User, Viewer
from contact_center.model.words import Role
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import access, hours

QUEUE_FIELDS = (
    "name", "confidential", "offers", "offer_seconds", "target_seconds", "wrap_seconds", "wants_reason", "wants_disposition",
    "wants_handover",
)  # fmt: skip


async def users(ctx: Context) -> list[User]:
    """All employees of the project."""
    return await ctx.read(access.users, ctx.viewer.project_id)


async def create_user(ctx: Context, body: UserBody) -> Invitation:
    """Add an employee; the answer holds the one-time link for their password."""
    token = new_token()
    user = await ctx.write(_create_user, ctx.act(), ctx.viewer, body, token_hash(token))
    return Invitation(user, f"{ctx.services.settings.base_url}/invitation#{token}")


async def change_user(ctx: Context, user_id: int, body: UserPatchBody) -> User:
    """Change an employee's name, role, queues, or switch the account off; their open consoles follow within seconds."""
    return await ctx.write(_change_user, ctx.act(), ctx.viewer, user_id, body)


async def invite_again(ctx: Context, user_id: int) -> Invitation:
    """Make a new one-time link, for a lost invitation or a forgotten password."""
    token = new_token()
    user = await ctx.write(_invite, ctx.act(), ctx.viewer, user_id, token_hash(token))
    return Invitation(user, f"{ctx.services.settings.base_url}/invitation#{token}")


async def queues(ctx: Context) -> list[Queue]:
    """All queues of the project."""
    return await ctx.read(access.queues, ctx.viewer.project_id)


async def create_queue(ctx: Context, body: QueueBody) -> Queue:
    """Make a queue."""
    return await ctx.write(_create_queue, ctx.act(), ctx.viewer, body)


async def change_queue(ctx: Context, queue_id: int, body: QueuePatchBody) -> Queue:
    """Rename a queue, make it confidential or open, or let it follow another calendar."""
    return await ctx.write(_change_queue, ctx.act(), ctx.viewer, queue_id, body)


def _create_user(connection: Connection, act: Act, viewer: Viewer, body: UserBody, hashed: str) -> User:
    if access.credentials(connection, body.email.lower()) is not None:
        raise Conflict("An employee with this address exists already.")
    user_id = access.add_user(connection, viewer.project_id, body.email.lower(), body.name, body.role, None, act.now)
    access.set_grants(connection, user_id, _known_queues(connection, viewer, body.queue_ids))
    access.add_invitation(connection, hashed, user_id, act.now + timedelta(hours=INVITATION_HOURS))
    audit.note(connection, act, Action.EMPLOYEE_ADDED, Subject.EMPLOYEE, user_id, role=body.role, queue_ids=sorted(set(body.queue_ids)))
    return publish_user(connection, act, viewer.project_id, user_id)


def _change_user(connection: Connection, act: Act, viewer: Viewer, user_id: int, body: UserPatchBody) -> User:
    if body.role is not None or body.disabled is not None:
        _hold_admins(connection, viewer)
    user = access.find_user(connection, viewer.project_id, user_id)
    if user is None:
        raise NotFound
    values: dict[str, Any] = {name: getattr(body, name) for name in ("name", "role") if getattr(body, name) is not None}
    if body.disabled is not None:
        values["disabled_at"] = act.now if body.disabled else None
    if values:
        access.change_user(connection, user_id, **values)
    if not any(_can_administer(person) for person in access.users(connection, viewer.project_id)):
        raise Conflict("Somebody must stay administrator.")
    if body.queue_ids is not None:
        access.set_grants(connection, user_id, _known_queues(connection, viewer, body.queue_ids))
    if body.disabled:
        access.revoke_sessions(connection, user_id, act.now)
    changed = publish_user(connection, act, viewer.project_id, user_id)
    audit.note(connection, act, Action.EMPLOYEE_CHANGED, Subject.EMPLOYEE, user_id, **_differences(user, changed))
    if (changed.role, changed.queue_ids, changed.disabled) != (user.role, user.queue_ids, user.disabled):
        publish_access(connection, act, viewer.project_id, user_id, revoked=changed.disabled)
    return changed


def _differences(before: User, after: User) -> dict[str, Any]:
    """Which fields changed, and what rights became; a name is not told, it stands in the employee's own row."""
    fields = [name for name in ("name", "role", "disabled", "queue_ids") if getattr(before, name) != getattr(after, name)]
    return {"fields": fields} | {name: getattr(after, name) for name in fields if name != "name"}


def _can_administer(person: User) -> bool:
    # An invited one does not count: the link may expire, and nobody would be left to make a new one.
    return person.role is Role.ADMIN and not person.disabled and person.has_password


def _hold_admins(connection: Connection, viewer: Viewer) -> None:
    """Lock the administrators' rows until the commit, so that two of them cannot remove each other at the same moment."""
    admins = [user.id for user in access.users(connection, viewer.project_id) if user.role is Role.ADMIN]
    for user_id in sorted(admins):
        access.change_user(connection, user_id, project_id=viewer.project_id)


def _invite(connection: Connection, act: Act, viewer: Viewer, user_id: int, hashed: str) -> User:
    user = access.find_user(connection, viewer.project_id, user_id)
    if user is None or user.disabled:
        raise NotFound
    access.add_invitation(connection, hashed, user_id, act.now + timedelta(hours=INVITATION_HOURS))
    audit.note(connection, act, Action.INVITED, Subject.EMPLOYEE, user_id)
    return user


def _known_queues(connection: Connection, viewer: Viewer, queue_ids: list[int]) -> list[int]:
    known = {queue.id for queue in access.queues(connection, viewer.project_id)}
    if unknown := set(queue_ids) - known:
        raise Invalid(f"There is no queue {min(unknown)}.", field="queue_ids")
    return queue_ids


def _create_queue(connection: Connection, act: Act, viewer: Viewer, body: QueueBody) -> Queue:
    if access.queue_name_taken(connection, viewer.project_id, body.name):
        raise Conflict("A queue of this name exists already.")
    _check_calendar(connection, viewer, body.calendar_id)
    queue_id = access.add_queue(connection, viewer.project_id, body.name, body.confidential, act.now, body.calendar_id)
    # Whoever makes a queue can work in it; others are let in one by one.
    access.set_grants(connection, viewer.user_id, [*access.grants(connection, viewer.user_id), queue_id])
    publish_user(connection, act, viewer.project_id, viewer.user_id)
    audit.note(connection, act, Action.QUEUE_ADDED, Subject.QUEUE, queue_id, confidential=body.confidential)
    return _publish_queue(connection, act, viewer, queue_id)


def _change_queue(connection: Connection, act: Act, viewer: Viewer, queue_id: int, body: QueuePatchBody) -> Queue:
    queue = access.find_queue(connection, viewer.project_id, queue_id)
    if queue is None:
        raise NotFound
    values: dict[str, Any] = {name: getattr(body, name) for name in QUEUE_FIELDS if getattr(body, name) is not None}
    if "calendar_id" in body.model_fields_set:
        _check_calendar(connection, viewer, body.calendar_id)
        values["calendar_id"] = body.calendar_id
    if "sla_policy_id" in body.model_fields_set:
        check_policy(connection, viewer, body.sla_policy_id)
        values["sla_policy_id"] = body.sla_policy_id
    if "after_hours_queue_id" in body.model_fields_set:
        _check_way_out(connection, viewer, queue_id, body.after_hours_queue_id)
        values["after_hours_queue_id"] = body.after_hours_queue_id
    if "follow_up_days" in body.model_fields_set:
        values["follow_up_days"] = body.follow_up_days
    if "name" in values and access.queue_name_taken(connection, viewer.project_id, values["name"], besides=queue_id):
        raise Conflict("A queue of this name exists already.")
    audit.note(connection, act, Action.QUEUE_CHANGED, Subject.QUEUE, queue_id, fields=sorted(values))
    if values:
        access.change_queue(connection, queue_id, **values)
    if body.confidential is not None and body.confidential != queue.confidential:
        # What is a stub and what is not changes for everybody without a grant.
        for user in access.users(connection, viewer.project_id):
            if queue_id not in user.queue_ids and user.role is not Role.ADMIN:
                publish_access(connection, act, viewer.project_id, user.id)
    return _publish_queue(connection, act, viewer, queue_id)


def _check_way_out(connection: Connection, viewer: Viewer, queue_id: int, to_queue_id: int | None) -> None:
    if to_queue_id == queue_id or (to_queue_id is not None and access.find_queue(connection, viewer.project_id, to_queue_id) is None):
        raise Invalid("What comes after hours goes to another queue.", field="after_hours_queue_id")


def _check_calendar(connection: Connection, viewer: Viewer, calendar_id: int | None) -> None:
    if calendar_id is not None and hours.find(connection, viewer.project_id, calendar_id) is None:
        raise Invalid("There is no such calendar.", field="calendar_id")


def _publish_queue(connection: Connection, act: Act, viewer: Viewer, queue_id: int) -> Queue:
    queue = access.find_queue(connection, viewer.project_id, queue_id)
    assert queue is not None
    journal.append(connection, Event(QueueChanged(queue), viewer.project_id), at=act.now, actor_id=act.user_id)
    return queue
