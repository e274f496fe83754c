"""One sample request for every route: what is sent, what a permitted request answers, and whether row scope applies."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote

from contact_center.api.permissions import Permission as P
from contact_center.model.words import EndReason, Role
from tests.api import desk_samples
from tests.api.agents_samples import add_agents
from tests.api.rules_samples import add_rules
from tests.api.world import Side, World, fresh_contact, fresh_merge, fresh_point, make_session, make_token, make_user

# THE table: which roles a permission belongs to. Everything the matrix expects follows from it and from row scope.
ROLES_OF = {
    P.PUBLIC: {"nobody", "agent", "supervisor", "admin"},
    P.SELF: {"agent", "supervisor", "admin"},
    P.TICKETS_READ: {"agent", "supervisor", "admin"},
    P.TICKETS_WRITE: {"agent", "supervisor", "admin"},
    P.CONTACTS_READ: {"agent", "supervisor", "admin"},
    P.CONTACTS_WRITE: {"agent", "supervisor", "admin"},
    P.EVENTS_READ: {"agent", "supervisor", "admin"},
    P.QUARANTINE: {"agent", "supervisor", "admin"},
    P.BOARD: {"supervisor", "admin"},
    P.AUDIT: {"supervisor", "admin"},
    P.ADMIN: {"admin"},
}
V1 = "/api/v1"
WEBHOOK = {"name": "E", "url": "https://hooks.example/hear", "types": ["queue.changed"]}
STRETCH = "?since=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z"
REPORT = "?since=2026-01-01T00:00:00Z&until=2027-12-31T00:00:00Z&by=queue"
_NUMBERS = count(1)
Fresh = Callable[[World, Side, str], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Sample:
    """A request. `ids` named in the path come from the side; `fresh` makes what the request uses up."""

    ok: frozenset[int]
    body: Any = None
    query: str = ""
    data: bytes | None = None
    scoped: bool = False
    """Row scope applies: on the foreign side the answer is 404 unless the viewer sees everything."""
    fresh: Fresh | None = None


@dataclass
class Table:
    """Samples by method and path."""

    samples: dict[tuple[str, str], Sample] = field(default_factory=dict)

    def add(self, method: str, path: str, *ok: int, **options: Any) -> None:
        """Enter the sample of one route."""
        self.samples[(method, path)] = Sample(frozenset(ok), **options)


def midnight() -> datetime:
    """The beginning of this day."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def _device(world: World, _side: Side, who: str) -> dict[str, Any]:
    from contact_center.app import utc_now
    from contact_center.store.repositories import access

    user_id = world.people.get(who, world.people["other"])
    await make_session(world.app, user_id)
    rows = await world.app.store.read(access.sessions, user_id, utc_now())
    return {"session_id": max(row["id"] for row in rows)}


async def _token(world: World, _side: Side, who: str) -> dict[str, Any]:
    from contact_center.store.repositories import access

    user_id = world.people.get(who, world.people["other"])
    await make_token(world.app, user_id, ["tickets:read"])
    return {"token_id": (await world.app.store.read(access.api_tokens, user_id))[0]["id"]}


async def _point(world: World, side: Side, _who: str) -> dict[str, Any]:
    return {"point_id": await fresh_point(world, side)}


async def _merge(world: World, side: Side, _who: str) -> dict[str, Any]:
    return {"merge_id": await fresh_merge(world, side)}


async def _other_contact(world: World, side: Side, _who: str) -> dict[str, Any]:
    return {"body": {"other_id": await fresh_contact(world, side.queue_id)}}


async def _move_to(world: World, side: Side, who: str) -> dict[str, Any]:
    """What somebody new wrote turns out to be of the side's contact."""
    stranger = await fresh_contact(world, side.queue_id)
    entry = (await world.app.store.read(_entries, stranger))[0]
    return {"ticket_id": entry["ticket_id"], "entry_id": entry["id"], "body": {"contact_id": side.ids["contact_id"]}}


def _entries(connection: Any, contact_id: int) -> list[Any]:
    from sqlalchemy import text

    found = connection.execute(text("SELECT id, ticket_id FROM interaction WHERE contact_id = :id ORDER BY id"), {"id": contact_id})
    return list(found.mappings())


async def _new_organization(_world: World, side: Side, who: str) -> dict[str, Any]:
    return {"body": {"name": f"Company {who} {side.queue_id}"}}


async def _import(world: World, _side: Side, _who: str) -> dict[str, Any]:
    async with world.client("admin") as client:
        async with client.post("/api/v1/imports?filename=p.csv", data=b"Name;E-mail\nAnna;anna@example.com\n") as response:
            return {"import_id": (await response.json())["id"]}


async def _webhook(world: World, _side: Side, who: str) -> dict[str, Any]:
    """An endpoint nobody listens at, made past the API: its number is bounded there."""
    from contact_center.app import utc_now
    from contact_center.store.repositories import webhooks

    values = {"project_id": 1, "name": "E", "url": WEBHOOK["url"], "types": WEBHOOK["types"], "secret": "x", "cursor": 2**50}
    webhook_id = await world.app.store.write(webhooks.add, **values, created_at=utc_now())
    message = f"msg_{webhook_id}"
    delivery_id = await world.app.store.write(webhooks.add_test, webhook_id, message, "webhook.test", "{}", utc_now())
    return {"webhook_id": webhook_id, "delivery_id": delivery_id}


async def _user(world: World, _side: Side, who: str) -> dict[str, Any]:
    name = f"user{len(await world.app.store.read(_users))}"
    return {"user_id": await make_user(world.app, name, Role.AGENT, [1]), "body": None}


def _users(connection: Any) -> list[Any]:
    from contact_center.store.repositories import access

    return list(access.users(connection, 1))


async def _new_name(world: World, _side: Side, who: str) -> dict[str, Any]:
    word = f"n{len(await world.app.store.read(_users))}{who.replace(':', '')}"
    return {"body": {"name": word, "email": f"{word}@example.org"}}


async def _new_queue(_world: World, side: Side, who: str) -> dict[str, Any]:
    return {"body": {"name": f"Queue {who} {side.queue_id}"}}


HOURS = {"timezone": "Europe/Moscow", "weekly": [[["09:00", "18:00"]]] * 5 + [[], []], "holidays": "RU", "overrides": {"2026-12-31": []}}


async def _calendar(world: World, _side: Side, _who: str) -> dict[str, Any]:
    async with world.client("admin") as client:
        names = {row["name"] for row in await (await client.get("/api/v1/calendars")).json()}
        async with client.post("/api/v1/calendars", json={"name": f"Hours {len(names)}", "hours": HOURS}) as response:
            made = await response.json()
            return {"calendar_id": made["id"], "body": {"name": made["name"], "hours": HOURS}}


async def _new_calendar(_world: World, side: Side, who: str) -> dict[str, Any]:
    return {"body": {"name": f"Calendar {who} {side.queue_id}", "hours": HOURS}}


async def _colleague(world: World, side: Side, _who: str) -> dict[str, Any]:
    """Somebody who works in the queue of this side."""
    name = f"colleague{len(await world.app.store.read(_users))}"
    return {"user_id": await make_user(world.app, name, Role.AGENT, [side.queue_id])}


async def _offer(world: World, side: Side, who: str) -> dict[str, Any]:
    """The ticket of this side on offer: of the own side to whoever asks, of the foreign one to the administrator."""
    user_id = world.people.get(who if side is world.own else "admin", world.people["admin"])
    return {"offer_id": await world.app.store.write(offer_to, side.ids["ticket_id"], user_id)}


def offer_to(connection: Any, ticket_id: int, user_id: int) -> int:
    """Open a turn of the ticket and put it on offer to this employee; returns the offer's number."""
    from contact_center.app import utc_now
    from contact_center.model.acts import Act
    from contact_center.store.repositories import access, routing, tickets, work
    from contact_center.tickets import turns

    now = utc_now()
    turns.end(connection, Act(now), ticket_id, EndReason.NO_REPLY_NEEDED)
    ticket = tickets.find(connection, ticket_id)
    assert ticket is not None
    entry = _entries(connection, ticket.contact.id)[0]["id"]
    turns.begin(
        connection,
        project_id=1,
        ticket_id=ticket_id,
        queue_id=ticket.queue_id,
        assignee_id=None,
        kind="answer",
        interaction_id=entry,
        at=now,
    )
    # An offer holds only while it would be made: the queue offers its work, and the employee works in it.
    access.change_queue(connection, ticket.queue_id, offers=True)
    granted = access.viewer(connection, user_id, 1, Role.ADMIN).queue_ids
    if ticket.queue_id not in granted:
        access.set_grants(connection, user_id, [*granted, ticket.queue_id])
    stay = work.segments(connection, ticket_id)[-1]
    offer_id = routing.add_offer(connection, stay["id"], user_id, now, now + timedelta(hours=1))
    offer = routing.find_offer(connection, offer_id or 0)
    assert offer is not None
    turns.publish_offer(connection, Act(now), offer)
    return offer.id


async def _new_canned(_world: World, side: Side, who: str) -> dict[str, Any]:
    return {"body": {"title": f"Text {who} {side.queue_id}", "text": "Ticket {{ticket.number}}"}}


async def _canned(world: World, side: Side, who: str) -> dict[str, Any]:
    """A text of the side's own queue."""
    from contact_center.app import utc_now
    from contact_center.store.repositories import canned

    title = f"Canned {who} {next(_NUMBERS)}"
    made = await world.app.store.write(canned.add, 1, title, "Ticket {{ticket.number}}", side.queue_id, utc_now())
    return {"canned_reply_id": made}


async def _new_alert(world: World, _side: Side, _who: str) -> dict[str, Any]:
    return {"body": {"figure": "now.waiting", "queue_id": world.own.queue_id, "threshold": 5}}


async def _alert(world: World, side: Side, _who: str) -> dict[str, Any]:
    """An alert on the side's own queue."""
    from contact_center.app import utc_now
    from contact_center.store.repositories import alerts

    values = {"figure": "now.waiting", "queue_id": side.queue_id, "above": True, "threshold": 5.0, "minutes": 1, "told": []}
    made = await world.app.store.write(lambda connection: alerts.add(connection, 1, utc_now(), sound=False, active=False, **values))
    return {"alert_id": made}


async def _new_policy(_world: World, side: Side, who: str) -> dict[str, Any]:
    return {"body": {"name": f"Policy {who} {side.queue_id}", "targets": {"normal": {"first_response": 3600}}}}


async def _policy(world: World, side: Side, who: str) -> dict[str, Any]:
    from contact_center.app import utc_now
    from contact_center.model.sla import Policy
    from contact_center.model.words import Goal, Priority
    from contact_center.store.repositories import sla

    policy = Policy(0, f"Policy {who} {side.queue_id} {next(_NUMBERS)}", None, {Priority.NORMAL: {Goal.RESOLUTION: 7200}})
    return {"policy_id": await world.app.store.write(sla.add_policy, 1, policy, utc_now())}


async def _new_code(_world: World, side: Side, who: str) -> dict[str, Any]:
    return {"body": {"name": f"Code {who} {side.queue_id}", "paid": True}}


async def _code(world: World, side: Side, who: str) -> dict[str, Any]:
    from contact_center.store.repositories import routing

    name = f"Break {who} {side.queue_id} {len(await world.app.store.read(routing.codes, 1))}"
    return {"code_id": await world.app.store.write(routing.add_code, 1, name, False)}


async def _new_channel(_world: World, side: Side, who: str) -> dict[str, Any]:
    address = f"{who.replace(':', '-')}-{side.queue_id}@example.org"
    return {"body": {"kind": "email", "name": "New", "address": address, "queue_id": 1, "check": False}}


def table() -> Table:
    """Samples of all routes."""
    t = Table()
    t.add("POST", f"{V1}/session", 401, body={"email": "nobody@example.com", "password": "wrong password"})
    t.add("POST", f"{V1}/first-login", 401, body={"token": "x", "name": "N", "email": "n@example.com", "password": "long enough indeed"})
    t.add("POST", f"{V1}/invitations/accept", 401, body={"token": "x", "password": "long enough indeed"})
    t.add("DELETE", f"{V1}/session", 204)
    t.add("GET", f"{V1}/me", 200)
    t.add("PATCH", f"{V1}/me", 200, body={"name": "New Name"})
    t.add("POST", f"{V1}/me/password", 422, body={"current": "not this one", "new": "long enough indeed"})
    t.add("GET", f"{V1}/me/devices", 200)
    t.add("DELETE", f"{V1}/me/devices/{{session_id}}", 204, fresh=_device)
    t.add("GET", f"{V1}/me/tokens", 200)
    t.add("POST", f"{V1}/me/tokens", 201, body={"name": "T", "scopes": ["tickets:read"]})
    t.add("DELETE", f"{V1}/me/tokens/{{token_id}}", 204, fresh=_token)
    t.add("GET", f"{V1}/snapshot", 200)
    t.add("GET", f"{V1}/events", 200)
    t.add("GET", f"{V1}/search", 200, query="?q=visible")
    t.add("GET", f"{V1}/tickets", 200, query="?view=all")
    t.add("GET", f"{V1}/tickets/{{ticket_id}}", 200, scoped=True)
    t.add("PATCH", f"{V1}/tickets/{{ticket_id}}", 200, body={"priority": "high"}, scoped=True)
    t.add("GET", f"{V1}/tickets/{{ticket_id}}/participants", 200, scoped=True)
    t.add("POST", f"{V1}/tickets/{{ticket_id}}/replies", 201, body={"text": "Hello"}, scoped=True)
    t.add("POST", f"{V1}/tickets/{{ticket_id}}/notes", 201, body={"text": "Hello"}, scoped=True)
    desk_samples.add(t)
    t.add("GET", f"{V1}/entries/{{entry_id}}/body", 200, scoped=True)
    t.add("GET", f"{V1}/entries/{{entry_id}}/html", 200, scoped=True)
    t.add("GET", f"{V1}/entries/{{entry_id}}/original", 200, scoped=True)
    # The inbound entry has no delivery to decide about: to those who see it that is no such thing either,
    # so the reply of the side is used.
    for verb in ("call-back", "send-again", "confirm-sent"):
        t.add("POST", f"{V1}/entries/{{entry_id}}/{verb}", 409, scoped=True, fresh=_reply_entry)
    t.add("POST", f"{V1}/entries/{{entry_id}}/move", 200, scoped=True, fresh=_move_to)
    t.add("POST", f"{V1}/tickets/{{ticket_id}}/move", 200, scoped=True, fresh=_move_to)
    t.add("POST", f"{V1}/attachments", 201, data=b"a file", query="?filename=a.txt")
    t.add("GET", f"{V1}/attachments/{{attachment_id}}", 200, scoped=True)
    t.add("GET", f"{V1}/contacts", 200)
    t.add("GET", f"{V1}/contacts/candidates", 200)
    t.add("GET", f"{V1}/contacts/{{contact_id}}", 200, scoped=True)
    t.add("PATCH", f"{V1}/contacts/{{contact_id}}", 200, body={"note": "kind"}, scoped=True)
    t.add("GET", f"{V1}/contacts/{{contact_id}}/timeline", 200, scoped=True)
    t.add("GET", f"{V1}/contacts/{{contact_id}}/tickets", 200, scoped=True)
    t.add("POST", f"{V1}/contacts/{{contact_id}}/points", 201, body={"kind": "phone", "value": "+49 30 901820"}, scoped=True, fresh=_phone)
    t.add("DELETE", f"{V1}/contacts/{{contact_id}}/points/{{point_id}}", 200, scoped=True, fresh=_point)
    t.add("PATCH", f"{V1}/contacts/{{contact_id}}/points/{{point_id}}", 200, body={"role": "shared"}, scoped=True, fresh=_point)
    t.add("GET", f"{V1}/contacts/{{contact_id}}/points/{{point_id}}/holders", 200, scoped=True, fresh=_point)
    t.add("GET", f"{V1}/contacts/{{contact_id}}/candidates", 200, scoped=True)
    t.add("POST", f"{V1}/contacts/{{contact_id}}/distinct", 204, scoped=True, fresh=_other_contact)
    t.add("GET", f"{V1}/contacts/{{contact_id}}/organizations", 200, scoped=True)
    t.add("GET", f"{V1}/contacts/{{contact_id}}/openings", 200, scoped=True)
    t.add("GET", f"{V1}/audit", 200)
    t.add("GET", f"{V1}/organizations", 200)
    t.add("POST", f"{V1}/organizations", 201, fresh=_new_organization)
    t.add("GET", f"{V1}/organizations/{{organization_id}}", 200, scoped=True)
    t.add("PATCH", f"{V1}/organizations/{{organization_id}}", 200, body={"note": "kind"}, scoped=True)
    t.add("GET", f"{V1}/organizations/{{organization_id}}/contacts", 200, scoped=True)
    t.add("POST", f"{V1}/contacts/{{contact_id}}/merges", 201, scoped=True, fresh=_other_contact)
    t.add("POST", f"{V1}/contacts/{{contact_id}}/merges/{{merge_id}}/undo", 200, scoped=True, fresh=_merge)
    t.add("GET", f"{V1}/imports", 200)
    t.add("POST", f"{V1}/imports", 201, data=b"Name;E-mail\nAnna;anna@example.com\n", query="?filename=people.csv")
    t.add("GET", f"{V1}/imports/{{import_id}}", 200, fresh=_import)
    t.add("PATCH", f"{V1}/imports/{{import_id}}", 200, body={"columns": ["name", "email"]}, fresh=_import)
    t.add("GET", f"{V1}/imports/{{import_id}}/preview", 200, fresh=_import)
    t.add("POST", f"{V1}/imports/{{import_id}}/check", 200, fresh=_import)
    t.add("POST", f"{V1}/imports/{{import_id}}/run", 200, fresh=_import)
    t.add("POST", f"{V1}/imports/{{import_id}}/cancel", 409, fresh=_import)
    t.add("GET", f"{V1}/imports/{{import_id}}/rows", 200, fresh=_import)
    t.add("GET", f"{V1}/books", 200)
    t.add("GET", f"{V1}/alarms", 200)
    t.add("GET", f"{V1}/board", 200, query=f"?since={quote(midnight().isoformat())}")
    t.add("GET", f"{V1}/quarantine", 200)
    t.add("POST", f"{V1}/quarantine/{{item_id}}/retry", 200, scoped=True, fresh=_quarantined)
    t.add("POST", f"{V1}/quarantine/retry", 200)
    t.add("GET", f"{V1}/quarantine/{{item_id}}/preview", 200, scoped=True, fresh=_quarantined)
    by_hand = {"address": "by.hand@example.com", "name": "By Hand", "subject": "Read by a person", "text": "It said this."}
    t.add("POST", f"{V1}/quarantine/{{item_id}}/ticket", 201, body=by_hand, scoped=True, fresh=_quarantined)
    t.add("POST", f"{V1}/channels/{{channel_id}}/comparison", 200)
    t.add("POST", f"{V1}/entries/{{entry_id}}/read-again", 200, scoped=True)
    t.add("GET", f"{V1}/quarantine/{{item_id}}/original", 200, scoped=True, fresh=_quarantined)
    t.add("GET", f"{V1}/spool", 200)
    t.add("GET", f"{V1}/spool/{{spool_id}}", 200, scoped=True)
    t.add("GET", f"{V1}/users", 200)
    t.add("POST", f"{V1}/users", 201, fresh=_new_name)
    t.add("PATCH", f"{V1}/users/{{user_id}}", 200, body={"name": "Renamed"}, fresh=_user)
    t.add("POST", f"{V1}/users/{{user_id}}/invitation", 201, fresh=_user)
    t.add("GET", f"{V1}/queues", 200)
    t.add("POST", f"{V1}/queues", 201, fresh=_new_queue)
    t.add("PATCH", f"{V1}/queues/{{queue_id}}", 200, body={"confidential": False})
    t.add("GET", f"{V1}/canned-replies", 200)
    t.add("POST", f"{V1}/canned-replies", 201, fresh=_new_canned)
    t.add("PATCH", f"{V1}/canned-replies/{{canned_reply_id}}", 200, body={"text": "Hello {{agent.name}}"}, scoped=True, fresh=_canned)
    t.add("DELETE", f"{V1}/canned-replies/{{canned_reply_id}}", 204, scoped=True, fresh=_canned)
    t.add("GET", f"{V1}/tickets/{{ticket_id}}/canned-replies/{{canned_reply_id}}", 200, scoped=True, fresh=_canned)
    t.add("GET", f"{V1}/figures", 200)
    t.add("GET", f"{V1}/reports", 200, query=REPORT)
    t.add("GET", f"{V1}/reports/behind", 200, query=f"{REPORT}&tally=entered")
    t.add("GET", f"{V1}/reports/export", 200, query=f"{REPORT}&format=xlsx")
    t.add("GET", f"{V1}/reports/agent-time", 200, query=STRETCH)
    t.add("GET", f"{V1}/reports/agent-time/behind", 200, query=f"{STRETCH}&agent_id=1")
    t.add("GET", f"{V1}/reports/missed-calls", 200, query=STRETCH)
    t.add("PUT", f"{V1}/me/state", 200, body={"state": "offline"})
    t.add("PUT", f"{V1}/agents/{{user_id}}/state", 200, body={"state": "offline"}, scoped=True, fresh=_colleague)
    t.add("POST", f"{V1}/offers/{{offer_id}}/accept", 200, scoped=True, fresh=_offer)
    t.add("POST", f"{V1}/offers/{{offer_id}}/decline", 204, scoped=True, fresh=_offer)
    t.add("PUT", f"{V1}/queues/{{queue_id}}/overflow", 200, body={"queue_id": None}, scoped=True)
    t.add("GET", f"{V1}/alerts", 200)
    t.add("POST", f"{V1}/alerts", 201, fresh=_new_alert)
    t.add("PATCH", f"{V1}/alerts/{{alert_id}}", 200, body={"minutes": 2}, scoped=True, fresh=_alert)
    t.add("DELETE", f"{V1}/alerts/{{alert_id}}", 204, scoped=True, fresh=_alert)
    t.add("GET", f"{V1}/alerts/{{alert_id}}/firings", 200, scoped=True, fresh=_alert)
    t.add("GET", f"{V1}/sla-policies", 200)
    t.add("POST", f"{V1}/sla-policies", 201, fresh=_new_policy)
    t.add("PATCH", f"{V1}/sla-policies/{{policy_id}}", 200, body={"warn_percent": 50}, fresh=_policy)
    t.add("GET", f"{V1}/tickets/{{ticket_id}}/clocks", 200, scoped=True)
    add_agents(t)
    t.add("GET", f"{V1}/aux-codes", 200)
    t.add("POST", f"{V1}/aux-codes", 201, fresh=_new_code)
    t.add("PATCH", f"{V1}/aux-codes/{{code_id}}", 200, body={"paid": True}, fresh=_code)
    t.add("GET", f"{V1}/calendars", 200)
    t.add("POST", f"{V1}/calendars", 201, fresh=_new_calendar)
    t.add("PATCH", f"{V1}/calendars/{{calendar_id}}", 200, fresh=_calendar)
    t.add("POST", f"{V1}/calendars/preview", 200, body={"hours": HOURS, "language": "ru"})
    t.add("GET", f"{V1}/holiday-regions", 200)
    t.add("GET", f"{V1}/channel-kinds", 200)
    t.add("GET", f"{V1}/channels", 200)
    t.add("POST", f"{V1}/channels", 201, fresh=_new_channel)
    t.add("PATCH", f"{V1}/channels/{{channel_id}}", 200, body={"name": "Renamed"})
    t.add("POST", f"{V1}/channels/{{channel_id}}/consent", 409)
    t.add("GET", f"{V1}/channels/consent", 422, query="?code=a&state=b")
    t.add("GET", f"{V1}/webhooks", 200)
    t.add("POST", f"{V1}/webhooks", 201, body=WEBHOOK)
    t.add("PATCH", f"{V1}/webhooks/{{webhook_id}}", 200, body={"name": "Renamed"}, fresh=_webhook)
    t.add("DELETE", f"{V1}/webhooks/{{webhook_id}}", 204, fresh=_webhook)
    t.add("POST", f"{V1}/webhooks/{{webhook_id}}/secret", 201, body={}, fresh=_webhook)
    t.add("POST", f"{V1}/webhooks/{{webhook_id}}/test", 201, fresh=_webhook)
    t.add("POST", f"{V1}/webhooks/{{webhook_id}}/replay", 200, body={"after": 0}, fresh=_webhook)
    t.add("GET", f"{V1}/webhooks/{{webhook_id}}/deliveries", 200, fresh=_webhook)
    t.add("POST", f"{V1}/webhooks/{{webhook_id}}/deliveries/{{delivery_id}}/replay", 200, 409, fresh=_webhook)
    t.add("GET", "/media/attachments/{attachment_id}", 403, query="?expires=1&signature=x")
    t.add("GET", "/media/remote", 403, query="?expires=1&signature=x&url=http://example.com/a.png")
    t.add("GET", "/healthz", 200)
    t.add("GET", "/readyz", 200)
    t.add("GET", "/metrics", 200)
    t.add("GET", "/api/openapi.json", 200)
    add_rules(t)
    return t


async def _reply_entry(world: World, side: Side, _who: str) -> dict[str, Any]:
    return {"entry_id": side.ids["reply_id"], "body": None}


async def _phone(world: World, side: Side, _who: str) -> dict[str, Any]:
    point_id = await fresh_point(world, side)  # a number nobody has used
    return {"body": {"kind": "email", "value": f"point{point_id}@example.net"}}


async def _quarantined(world: World, side: Side, _who: str) -> dict[str, Any]:
    from tests.api.world import quarantine

    return {"item_id": await world.app.store.write(quarantine, side.ids["channel_id"], f"again{side.queue_id}{await _count(world)}")}


async def _count(world: World) -> int:
    from contact_center.store.repositories import raw_items

    return sum(sum(fates.values()) for fates in (await world.app.store.read(raw_items.books, 1)).values())
