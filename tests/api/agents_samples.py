"""Samples of the routes about agents: skills, channels, and the writing up of what was answered."""

from itertools import count
from typing import TYPE_CHECKING, Any

from contact_center.app import utc_now
from contact_center.model.acts import Act
from contact_center.model.words import EndReason, Role
from contact_center.store import Connection
from contact_center.store.repositories import access, handling, reasons, skills, work
from contact_center.tickets import turns
from tests.api.world import Side, World, make_user

if TYPE_CHECKING:
    from tests.api.samples import Table

V1 = "/api/v1"
_numbers = count(1)


def add_agents(t: "Table") -> None:
    """Enter the samples of these routes."""
    t.add("GET", f"{V1}/skills", 200)
    t.add("POST", f"{V1}/skills", 201, fresh=_name)
    t.add("PATCH", f"{V1}/skills/{{skill_id}}", 200, body={"retired": False}, fresh=_skill)
    t.add("PUT", f"{V1}/agents/{{user_id}}/skills", 200, scoped=True, fresh=_levels)
    t.add("PUT", f"{V1}/queues/{{queue_id}}/skills", 200, fresh=_needs)
    t.add("PUT", f"{V1}/me/channels-off", 200, body={"channels": ["sms"]})
    t.add("PUT", f"{V1}/agents/{{user_id}}/channels-off", 200, body={"channels": ["email"]}, scoped=True, fresh=_colleague)
    t.add("PUT", f"{V1}/agents/{{user_id}}/queues", 200, body={"queue_ids": []}, scoped=True, fresh=_colleague)
    t.add("PATCH", f"{V1}/wrap-ups/{{wrap_up_id}}", 200, body={"done": True}, scoped=True, fresh=_wrap_up)
    t.add("GET", f"{V1}/contact-reasons", 200)
    t.add("POST", f"{V1}/contact-reasons", 201, fresh=_name)
    t.add("PATCH", f"{V1}/contact-reasons/{{reason_id}}", 200, body={"retired": False}, fresh=_reason)
    t.add("GET", f"{V1}/dispositions", 200)
    t.add("POST", f"{V1}/dispositions", 201, fresh=_name)
    t.add("PATCH", f"{V1}/dispositions/{{disposition_id}}", 200, body={"retired": False}, fresh=_disposition)


async def _name(_world: World, _side: Side, who: str) -> dict[str, Any]:
    return {"body": {"name": f"Name {who} {next(_numbers)}"}}


async def _colleague(world: World, side: Side, _who: str) -> dict[str, Any]:
    return {"user_id": await make_user(world.app, f"agent{next(_numbers)}", Role.AGENT, [side.queue_id])}


async def _skill(world: World, _side: Side, _who: str) -> dict[str, Any]:
    return {"skill_id": await world.app.store.write(skills.add_skill, 1, f"Skill {next(_numbers)}")}


async def _levels(world: World, side: Side, who: str) -> dict[str, Any]:
    made = await _skill(world, side, who)
    return await _colleague(world, side, who) | {"body": {"skills": [made | {"level": 5}]}}


async def _needs(world: World, side: Side, who: str) -> dict[str, Any]:
    made = await _skill(world, side, who)
    return {"body": {"needs": [made | {"level": 5, "relax_seconds": 60}]}}


async def _reason(world: World, _side: Side, _who: str) -> dict[str, Any]:
    return {"reason_id": await world.app.store.write(reasons.add_reason, 1, f"Reason {next(_numbers)}", None)}


async def _disposition(world: World, _side: Side, _who: str) -> dict[str, Any]:
    return {"disposition_id": await world.app.store.write(reasons.add_disposition, 1, f"Disposition {next(_numbers)}")}


async def _wrap_up(world: World, side: Side, who: str) -> dict[str, Any]:
    """A stay of this side that is being written up: of the own side by whoever asks, of the foreign one by the administrator."""
    from tests.api.samples import offer_to

    user_id = world.people.get(who if side is world.own else "admin", world.people["admin"])
    await world.app.store.write(offer_to, side.ids["ticket_id"], user_id)
    return {"wrap_up_id": await world.app.store.write(_answered, side.ids["ticket_id"], side.queue_id, user_id)}


def _answered(connection: Connection, ticket_id: int, queue_id: int, user_id: int) -> int:
    access.change_queue(connection, queue_id, wrap_seconds=3600)
    for wrap in handling.wraps_of_agent(connection, user_id):
        handling.end_wrap(connection, wrap, None, utc_now())
    turns.assigned(connection, Act(utc_now()), ticket_id, user_id)
    turns.end(connection, Act(utc_now(), user_id), ticket_id, EndReason.NO_REPLY_NEEDED)
    return int(work.segments(connection, ticket_id)[-1]["id"])
