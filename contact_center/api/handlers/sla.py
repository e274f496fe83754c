"""Promises to customers: policies, and the clocks of a ticket."""

from dataclasses import replace
from typing import Any

from contact_center.api.answers import TicketClock
from contact_center.api.context import Context
from contact_center.api.sla_schemas import PolicyBody, PolicyPatchBody
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.people import Viewer
from contact_center.model.sla import Policy
from contact_center.store import Connection, audit
from contact_center.store.repositories import access, hours, sla, tickets

NULLABLE = ("calendar_id", "escalate_priority", "escalate_queue_id")


async def policies(ctx: Context) -> list[Policy]:
    """Every policy, retired ones too."""
    return await ctx.read(sla.policies, ctx.viewer.project_id)


async def create_policy(ctx: Context, body: PolicyBody) -> Policy:
    """Make a policy, which queues and organizations can then name."""
    return await ctx.write(_create, ctx.act(), ctx.viewer, body)


async def change_policy(ctx: Context, policy_id: int, body: PolicyPatchBody) -> Policy:
    """Change a policy; within seconds what runs by it is due by its new targets and hours."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, policy_id, body)


async def ticket_clocks(ctx: Context, ticket_id: int) -> list[TicketClock]:
    """What was promised in a ticket, and what became of it, the oldest first."""
    return await ctx.read(_clocks, ctx.viewer, ticket_id)


def check_policy(connection: Connection, viewer: Viewer, policy_id: int | None) -> None:
    """Whether a queue or an organization may name this policy. Raises Invalid."""
    policy = sla.find_policy(connection, policy_id, viewer.project_id) if policy_id is not None else None
    if policy_id is not None and (policy is None or policy.retired):
        raise Invalid("There is no such policy.", field="sla_policy_id")


def _clocks(connection: Connection, viewer: Viewer, ticket_id: int) -> list[TicketClock]:
    ticket = tickets.visible(connection, viewer, ticket_id)
    if ticket is None:
        raise NotFound
    return [TicketClock.of(clock) for clock in sla.of_ticket(connection, viewer, ticket.id)]


def _create(connection: Connection, act: Act, viewer: Viewer, body: PolicyBody) -> Policy:
    policy = Policy(id=0, **{name: getattr(body, name) for name in PolicyBody.model_fields})
    _check(connection, viewer, policy)
    made = replace(policy, id=sla.add_policy(connection, viewer.project_id, policy, act.now))
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.SLA_POLICY, made.id, added=True)
    return made


def _change(connection: Connection, act: Act, viewer: Viewer, policy_id: int, body: PolicyPatchBody) -> Policy:
    policy = sla.find_policy(connection, policy_id, viewer.project_id)
    if policy is None:
        raise NotFound
    given: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    policy = replace(policy, **{name: value for name, value in given.items() if value is not None or name in NULLABLE})
    _check(connection, viewer, policy)
    sla.change_policy(connection, policy, act.now)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.SLA_POLICY, policy.id, fields=sorted(given))
    return policy


def _check(connection: Connection, viewer: Viewer, policy: Policy) -> None:
    if any(each.name == policy.name and each.id != policy.id for each in sla.policies(connection, viewer.project_id)):
        raise Conflict("A policy of this name exists already.")
    if policy.calendar_id is not None and hours.find(connection, viewer.project_id, policy.calendar_id) is None:
        raise Invalid("There is no such calendar.", field="calendar_id")
    if policy.escalate_queue_id is not None and access.find_queue(connection, viewer.project_id, policy.escalate_queue_id) is None:
        raise Invalid("There is no such queue.", field="escalate_queue_id")
    if not any(policy.targets.values()):
        raise Invalid("Promise something: a policy needs a target.", field="targets")
