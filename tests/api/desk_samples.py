"""Sample requests of the desk beside a ticket, of notices and of surveys."""

from itertools import count
from typing import TYPE_CHECKING, Any

from contact_center.app import utc_now
from contact_center.model.acts import Act
from contact_center.model.desk import DraftKind, LinkKind
from contact_center.store.repositories import contacts, tickets, timeline
from contact_center.tickets import desk, drafts, merging, moving
from contact_center.tickets.drafts import Writing
from tests.api.world import Side, World, fresh_contact

if TYPE_CHECKING:
    from tests.api.samples import Table

V1 = "/api/v1"
_NUMBERS = count(1)


def add(t: "Table") -> None:
    """Enter them."""
    t.add("GET", f"{V1}/tickets/{{ticket_id}}/desk", 200, scoped=True)
    t.add("PUT", f"{V1}/tickets/{{ticket_id}}/drafts", 200, 409, body={"kind": "note", "version": 0, "text": "So far"}, scoped=True)
    t.add("DELETE", f"{V1}/tickets/{{ticket_id}}/drafts", 204, scoped=True)
    t.add("POST", f"{V1}/tickets/{{ticket_id}}/drafts/{{draft_id}}/take", 200, scoped=True, fresh=_draft)
    t.add("DELETE", f"{V1}/tickets/{{ticket_id}}/handover", 204, scoped=True)
    t.add("POST", f"{V1}/tickets/{{ticket_id}}/links", 201, scoped=True, fresh=_other_ticket)
    t.add("DELETE", f"{V1}/tickets/{{ticket_id}}/links/{{link_id}}", 200, scoped=True, fresh=_link)
    t.add("POST", f"{V1}/tickets/{{ticket_id}}/split", 201, scoped=True, fresh=_two_matters)
    t.add("POST", f"{V1}/tickets/{{ticket_id}}/merges", 201, scoped=True, fresh=_same_contact)
    t.add("POST", f"{V1}/tickets/{{ticket_id}}/merges/undo", 200, scoped=True, fresh=_merged)
    t.add("PUT", f"{V1}/tickets/{{ticket_id}}/watch", 204, scoped=True)
    t.add("DELETE", f"{V1}/tickets/{{ticket_id}}/watch", 204, scoped=True)
    t.add("GET", f"{V1}/me/notices", 200)
    t.add("POST", f"{V1}/me/notices/read", 204, body={})
    t.add("GET", f"{V1}/queues/{{queue_id}}/survey", 200)
    t.add("PUT", f"{V1}/queues/{{queue_id}}/survey", 200, body={"kind": "csat", "low_score": 2, "on_low": "notify"})
    t.add("POST", f"{V1}/surveys/preview", 200, body={"kind": "nps", "language": "ru"})
    t.add("GET", f"{V1}/surveys/page", 200)


async def fresh_ticket(world: World, side: Side) -> int:
    """A new ticket of somebody new."""
    contact_id = await fresh_contact(world, side.queue_id)
    return await world.app.store.read(_ticket_of, contact_id)


def _ticket_of(connection: Any, contact_id: int) -> int:
    from sqlalchemy import text

    return int(connection.execute(text("SELECT max(id) FROM ticket WHERE contact_id = :id"), {"id": contact_id}).scalar_one())


async def _draft(world: World, side: Side, _who: str) -> dict[str, Any]:
    """A draft of somebody who is none of those who ask, in a ticket where nobody writes yet."""
    ticket_id = await fresh_ticket(world, side)
    return {"ticket_id": ticket_id, "draft_id": await world.app.store.write(_saved, ticket_id, world.people["other"])}


def _saved(connection: Any, ticket_id: int, author_id: int) -> int:
    ticket = tickets.find(connection, ticket_id)
    assert ticket is not None
    return drafts.save(connection, Act(utc_now(), author_id), 1, ticket, author_id, DraftKind.REPLY, Writing("Dear"), 0).id


async def _other_ticket(world: World, side: Side, _who: str) -> dict[str, Any]:
    return {"ticket_id": await fresh_ticket(world, side), "body": {"other_ticket_id": await fresh_ticket(world, side)}}


async def _same_contact(world: World, side: Side, who: str) -> dict[str, Any]:
    made = await _other_ticket(world, side, who)
    await world.app.store.write(_give, made["ticket_id"], made["body"]["other_ticket_id"])
    return made


def _give(connection: Any, one: int, other: int) -> None:
    """Let the second ticket be the first one's contact's."""
    first = tickets.find(connection, one)
    contact = contacts.find_contact(connection, first.contact.id) if first is not None else None
    assert contact is not None
    moving.move_ticket(connection, Act(utc_now()), 1, other, contact)


async def _link(world: World, side: Side, _who: str) -> dict[str, Any]:
    one, other = await fresh_ticket(world, side), await fresh_ticket(world, side)
    return {"ticket_id": one, "link_id": await world.app.store.write(_linked, one, other)}


def _linked(connection: Any, one: int, other: int) -> int:
    from contact_center.store.repositories.desk import link_between

    first, second = tickets.find(connection, one), tickets.find(connection, other)
    assert first is not None
    assert second is not None
    desk.link(connection, Act(utc_now()), 1, first, second, LinkKind.RELATED)
    row = link_between(connection, one, other)
    assert row is not None
    return int(row["id"])


async def _two_matters(world: World, side: Side, _who: str) -> dict[str, Any]:
    ticket_id, other = await fresh_ticket(world, side), await fresh_ticket(world, side)
    entry_id = await world.app.store.write(_joined, ticket_id, other)
    return {"ticket_id": ticket_id, "body": {"entry_id": entry_id}}


def _joined(connection: Any, one: int, other: int) -> int:
    """Merge two tickets; returns the entry that came from the second."""
    _give(connection, one, other)
    entry = timeline.of_ticket(connection, other)[0]
    merging.merge(connection, Act(utc_now()), 1, one, other)
    return entry.id


async def _merged(world: World, side: Side, _who: str) -> dict[str, Any]:
    one, other = await fresh_ticket(world, side), await fresh_ticket(world, side)
    await world.app.store.write(_joined, one, other)
    return {"ticket_id": one}
