"""Rules: kept by supervisors for the queues they see and by administrators for all; tried out; and why one did or did not fire."""

from typing import Any

from contact_center.api.answers import TicketRules
from contact_center.api.context import Context
from contact_center.api.handlers.views import readable
from contact_center.api.rules_schemas import RuleBody, RuleOrderBody, RulePatchBody, RunsQuery, TryBody
from contact_center.api.schemas import Page, decode_cursor, encode_cursor
from contact_center.automation import trying
from contact_center.automation.trying import DryRun
from contact_center.errors import Invalid, NotFound
from contact_center.model import actions, conditions
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.people import Viewer
from contact_center.model.rules import Armed, Rule, RuleRun, When, armed
from contact_center.model.words import Trigger
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import access, tickets
from contact_center.store.repositories import rules as stored

MOST_RULES = 200


async def list_rules(ctx: Context) -> list[Rule]:
    """Rules in their order: all of them for administrators, for supervisors those of queues they see."""
    return await ctx.read(stored.rules, ctx.viewer)


async def create_rule(ctx: Context, body: RuleBody) -> Rule:
    """Keep a rule, behind all others. It touches tickets of the queues that one has for good; an administrator's, all."""
    return await ctx.write(_create, ctx.act(), ctx.viewer, body)


async def change_rule(ctx: Context, rule_id: int, body: RulePatchBody) -> Rule:
    """Change a rule; a paused one goes on. It looks at nothing that happened before."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, rule_id, body)


async def delete_rule(ctx: Context, rule_id: int) -> None:
    """Drop a rule and its log; what it did stays done."""
    await ctx.write(_delete, ctx.act(), ctx.viewer, rule_id)


async def order_rules(ctx: Context, body: RuleOrderBody) -> list[Rule]:
    """Put rules in another order."""
    return await ctx.write(_order, ctx.act(), ctx.viewer, body.rule_ids)


async def try_rule(ctx: Context, body: TryBody) -> DryRun:
    """What a rule would have done in the last seven days: events are replayed from the journal, and nothing is changed."""
    rule = await ctx.read(_prepared, ctx.viewer, body)
    async with ctx.services.reports:
        return await trying.dry_run(ctx.store, rule, ctx.services.clock())


async def list_runs(ctx: Context, query: RunsQuery) -> Page[RuleRun]:
    """What came of rules, the newest first."""
    return await ctx.read(_runs, ctx.viewer, query)


async def explain_ticket(ctx: Context, ticket_id: int) -> TicketRules:
    """Why each rule did or did not fire on a ticket in the last days."""
    return await ctx.read(_explain, ctx.act(), ctx.viewer, ticket_id)


def _when(trigger: Trigger, body: RuleBody | RulePatchBody | TryBody) -> When:
    if trigger is not Trigger.TIME:
        return When(trigger)
    if body.since is None or body.minutes is None:
        raise Invalid("Say what the time is counted from, and how many minutes.", field="since" if body.since is None else "minutes")
    return When(trigger, body.since, body.minutes, body.business)


def _documents(body: RuleBody | RulePatchBody) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if body.conditions is not None:
        found["conditions"] = conditions.as_json(readable(body.conditions, "conditions", reader=False))
    if body.actions is not None:
        found["actions"] = actions.as_json(readable(body.actions, "actions", actions.parse, reader=False))
    if body.trigger is not None:
        found["trigger"] = _when(body.trigger, body).as_json()
    return found


def _scope(connection: Connection, viewer: Viewer) -> list[int] | None:
    # A rule outlives the shift: where its maker stands in for a while is not its business.
    return None if viewer.sees_all else sorted(access.grants(connection, viewer.user_id))


def _create(connection: Connection, act: Act, viewer: Viewer, body: RuleBody) -> Rule:
    if len(stored.rules(connection, viewer)) >= MOST_RULES:
        raise Invalid(f"At most {MOST_RULES} rules: drop one first.")
    values = {"name": body.name, "active": body.active, "queue_ids": _scope(connection, viewer)} | _documents(body)
    rule_id = stored.add(connection, project_id=viewer.project_id, changed_at=act.now, changed_by_id=viewer.user_id, **values)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.RULE, rule_id)
    return _found(connection, viewer, rule_id)


def _change(connection: Connection, act: Act, viewer: Viewer, rule_id: int, body: RulePatchBody) -> Rule:
    _found(connection, viewer, rule_id)
    values = {name: getattr(body, name) for name in ("name", "active") if getattr(body, name) is not None} | _documents(body)
    if values.keys() & {"conditions", "actions", "trigger"}:
        values["queue_ids"] = _scope(connection, viewer)  # whoever says what it does answers for where
    stored.change(connection, rule_id, **values, changed_at=act.now, changed_by_id=viewer.user_id)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.RULE, rule_id, fields=sorted(values))
    return _found(connection, viewer, rule_id)


def _delete(connection: Connection, act: Act, viewer: Viewer, rule_id: int) -> None:
    _found(connection, viewer, rule_id)
    stored.remove(connection, rule_id)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.RULE, rule_id)


def _order(connection: Connection, act: Act, viewer: Viewer, rule_ids: list[int]) -> list[Rule]:
    known = {rule.id: rule.position for rule in stored.rules(connection, viewer)}
    if set(rule_ids) != set(known) or len(rule_ids) != len(known):
        raise Invalid("All rules are to be named, each of them once.", field="rule_ids")
    # The places stay, and are dealt out anew: rules that one does not see keep theirs.
    for rule_id, position in zip(rule_ids, sorted(known.values()), strict=True):
        stored.place(connection, rule_id, position)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.RULE, None, fields=["position"])
    return stored.rules(connection, viewer)


def _prepared(connection: Connection, viewer: Viewer, body: TryBody) -> Armed:
    if body.rule_id is not None:
        _found(connection, viewer, body.rule_id)
    tree = conditions.as_json(readable(body.conditions, "conditions", reader=False))
    # What it would do is not asked for: a rule is tried out while it is being put together.
    todo = [{"do": "set_priority", "value": "normal"}]
    when = _when(body.trigger, body).as_json()
    return armed(body.rule_id or 0, viewer.project_id, "", 1, when, tree, todo, _scope(connection, viewer), 0)


def _runs(connection: Connection, viewer: Viewer, query: RunsQuery) -> Page[RuleRun]:
    cursor = decode_cursor(query.cursor, int)
    before = cursor[0] if cursor else None
    rows = stored.runs(connection, viewer, rule_id=query.rule_id, outcome=query.outcome, before=before, limit=query.limit + 1)
    known = {rule.id for rule in stored.rules(connection, viewer)}
    items = [row for row in rows[: query.limit] if row.rule_id in known]
    more = len(rows) > query.limit
    return Page(items, encode_cursor(rows[query.limit - 1].id) if more else None, journal.horizon(connection))


def _explain(connection: Connection, act: Act, viewer: Viewer, ticket_id: int) -> TicketRules:
    ticket = tickets.visible(connection, viewer, ticket_id)
    if ticket is None:
        raise NotFound
    known = stored.rules(connection, viewer)
    inactive = {rule.id for rule in known if not rule.active or rule.paused_because}
    ready = stored.ready(connection, [rule.id for rule in known])
    runs = [run for run in stored.runs(connection, viewer, ticket_id=ticket.id) if run.rule_id in {rule.id for rule in known}]
    return TicketRules(runs, trying.verdicts(connection, ready, inactive, ticket, act.now))


def _found(connection: Connection, viewer: Viewer, rule_id: int) -> Rule:
    rule = stored.find(connection, viewer, rule_id)
    if rule is None:
        raise NotFound
    return rule
