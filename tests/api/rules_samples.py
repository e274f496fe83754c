"""Sample requests for saved views, macros, bulk actions and rules."""

from typing import Any

from contact_center.store.repositories import rules, views
from tests.api.world import Side, World

V1 = "/api/v1"
CONDITIONS = {"all": [{"field": "status", "op": "is", "value": ["open"]}]}
ACTIONS = [{"do": "add_tags", "value": ["vip"]}]


def _kept(world: World, side: Side, who: str) -> dict[str, Any]:
    """On the own side something of one's own, on the foreign one something that is shared with the foreign queue."""
    from contact_center.app import utc_now

    own = side is world.own
    owner = world.people.get(who, world.people["admin"]) if own else world.people["other"]
    sharing = {"sharing": "own" if own else "queue", "queue_id": None if own else side.queue_id}
    return {"project_id": 1, "owner_id": owner, "name": "Kept", "changed_at": utc_now()} | sharing


async def _view(world: World, side: Side, who: str) -> dict[str, Any]:
    values = _kept(world, side, who)
    return {"view_id": await world.app.store.write(views.add_view, conditions=CONDITIONS, sort="newest", **values)}


async def _macro(world: World, side: Side, who: str) -> dict[str, Any]:
    return {"macro_id": await world.app.store.write(views.add_macro, actions=ACTIONS, **_kept(world, side, who))}


RULE = {"name": "R", "trigger": "customer_wrote", "conditions": {"all": []}, "actions": ACTIONS, "active": False}


async def _rule(world: World, side: Side, _who: str) -> dict[str, Any]:
    """A rule of the side's own queue."""
    from contact_center.app import utc_now

    trigger = {"trigger": "customer_wrote", "since": None, "minutes": None, "business": False}
    values = {"project_id": 1, "name": "R", "active": False, "trigger": trigger, "conditions": {"all": []}, "actions": ACTIONS}
    return {
        "rule_id": await world.app.store.write(rules.add, queue_ids=[side.queue_id], changed_at=utc_now(), changed_by_id=None, **values)
    }


async def _order(world: World, _side: Side, who: str) -> dict[str, Any]:
    """What whoever asks sees, the other way round."""
    names = who if who in ("supervisor", "admin") else "admin"
    async with world.client(names) as client, client.get(f"{V1}/rules") as response:
        return {"body": {"rule_ids": [rule["id"] for rule in await response.json()][::-1] or [1]}}


async def _many(_world: World, side: Side, _who: str) -> dict[str, Any]:
    return {"body": {"ticket_ids": [side.ids["ticket_id"]], "actions": ACTIONS}}


def add_rules(t: Any) -> None:
    """Enter them all."""
    t.add("POST", f"{V1}/tickets/{{ticket_id}}/actions", 200, body={"actions": ACTIONS}, scoped=True)
    t.add("POST", f"{V1}/tickets/{{ticket_id}}/actions/preview", 200, body={"actions": ACTIONS}, scoped=True)
    t.add("POST", f"{V1}/bulk-actions", 200, fresh=_many)
    t.add("GET", f"{V1}/ticket-ids", 200, query="?view=all")
    t.add("GET", f"{V1}/views", 200)
    t.add("POST", f"{V1}/views", 201, body={"name": "V", "conditions": CONDITIONS})
    t.add("GET", f"{V1}/views/counts", 200)
    t.add("POST", f"{V1}/views/count", 200, body={"conditions": CONDITIONS})
    t.add("PATCH", f"{V1}/views/{{view_id}}", 200, body={"name": "W"}, scoped=True, fresh=_view)
    t.add("DELETE", f"{V1}/views/{{view_id}}", 204, scoped=True, fresh=_view)
    t.add("GET", f"{V1}/macros", 200)
    t.add("POST", f"{V1}/macros", 201, body={"name": "M", "actions": ACTIONS})
    t.add("PATCH", f"{V1}/macros/{{macro_id}}", 200, body={"name": "N"}, scoped=True, fresh=_macro)
    t.add("DELETE", f"{V1}/macros/{{macro_id}}", 204, scoped=True, fresh=_macro)
    t.add("GET", f"{V1}/rules", 200)
    t.add("POST", f"{V1}/rules", 201, body=RULE)
    t.add("PUT", f"{V1}/rules/order", 200, fresh=_order)
    t.add("POST", f"{V1}/rules/try", 200, body={"trigger": "customer_wrote", "conditions": {"all": []}})
    t.add("GET", f"{V1}/rules/runs", 200)
    t.add("PATCH", f"{V1}/rules/{{rule_id}}", 200, body={"name": "S"}, scoped=True, fresh=_rule)
    t.add("DELETE", f"{V1}/rules/{{rule_id}}", 204, scoped=True, fresh=_rule)
    t.add("GET", f"{V1}/tickets/{{ticket_id}}/rules", 200, scoped=True)
