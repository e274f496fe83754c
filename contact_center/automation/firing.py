"""Letting a rule act, in a unit of work of its own: claimed, judged once more, carried out and noted together, or not at all."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from contact_center import failpoints
from contact_center.automation.happenings import Happening
from contact_center.errors import NotFound
from contact_center.model import conditions
from contact_center.model.acts import Act
from contact_center.model.conditions import Finding
from contact_center.model.people import Viewer
from contact_center.model.rules import MOST_AN_HOUR, Armed
from contact_center.model.tickets import Ticket
from contact_center.model.words import Role, RuleOutcome
from contact_center.store import Connection, journal
from contact_center.store.repositories import hours, rules
from contact_center.tickets import acting, entries
from contact_center.tickets.replies import Sending

NOBODY = 0  # a rule is no employee


def viewer_of(rule: Armed) -> Viewer:
    """Through whose eyes a rule looks: of the whole project, or of the queues that whoever saved it saw."""
    if rule.queue_ids is None:
        return Viewer(NOBODY, rule.project_id, Role.ADMIN, ())
    return Viewer(NOBODY, rule.project_id, Role.SUPERVISOR, tuple(sorted(rule.queue_ids)))


def on_event(connection: Connection, act: Act, sending: Sending, rule: Armed, happening: Happening) -> RuleOutcome | None:
    """Let a rule act on what happened, unless it has looked at that already; None then, and when it is another rule by now."""
    if not rules.still(connection, rule):
        return None
    run_id = rules.claim(connection, rule, happening.ticket_id, happening.seq, act.now)
    if run_id is None:
        return None
    outcome, detail = _judge(connection, act, sending, rule, happening.ticket_id, happening.chain)
    rules.settle_run(connection, run_id, outcome, detail)
    failpoints.reach("rule.fired")
    return outcome


def on_time(connection: Connection, act: Act, sending: Sending, rule: Armed, ticket_id: int, began: datetime) -> RuleOutcome | None:
    """Let a rule act because something has been so for long enough; None when it has acted on that already, or it is so no longer."""
    assert rule.when.since is not None
    if not rules.still(connection, rule) or not rules.claim_episode(connection, rule.id, ticket_id, began):
        return None
    entries.lock(connection, ticket_id)
    if rules.began(connection, rule.when.since, ticket_id) != began:
        raise Changed
    outcome, detail = _judge(connection, act, sending, rule, ticket_id, ())
    if outcome is RuleOutcome.OVERTAKEN:
        raise Changed
    rules.add_run(connection, rule, ticket_id, act.now, outcome, detail)
    failpoints.reach("rule.fired")
    return outcome


def is_long_enough(connection: Connection, rule: Armed, queue_id: int, began: datetime, now: datetime) -> bool:
    """Whether enough of the queue's business time has passed."""
    calendar = hours.of_queue(connection, queue_id) if rule.when.business else None
    return calendar is None or calendar.business_time(began, now) >= timedelta(minutes=rule.when.minutes or 0)


def note_refusal(
    connection: Connection, act: Act, rule: Armed, ticket_id: int, message: str, *, seq: int | None = None, began: datetime | None = None
) -> None:
    """An action could not be done, so none was: that is the end of it for this event or episode."""
    if began is not None:
        rules.claim_episode(connection, rule.id, ticket_id, began)
    rules.add_run(connection, rule, ticket_id, act.now, RuleOutcome.REFUSED, {"error": message[:500]}, seq)


def note_loop(connection: Connection, act: Act, rule: Armed, happening: Happening) -> None:
    """Too many rules led to it: this one stays away, and says so."""
    rules.add_run(connection, rule, happening.ticket_id, act.now, RuleOutcome.LOOP, {"chain": list(happening.chain)}, happening.seq)


def told(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """What tests met, for the log."""
    return [asdict(each) | {"value": _plain(each.value), "seen": _plain(each.seen)} for each in findings[:10]]


class Changed(Exception):
    """The ticket is not any more as it was when it was looked for: the unit is taken back, and it is looked for again."""


def _judge(
    connection: Connection, act: Act, sending: Sending, rule: Armed, ticket_id: int, chain: tuple[int, ...]
) -> tuple[RuleOutcome, dict[str, Any]]:
    ticket = entries.lock(connection, ticket_id)
    if ticket.merged_into is not None or not rule.covers(ticket.queue_id):
        return RuleOutcome.OVERTAKEN, {"findings": []}
    facts = facts_now(connection, ticket)
    if not conditions.evaluate(rule.tree, facts, act.now):
        return RuleOutcome.OVERTAKEN, {"findings": told(conditions.explain(rule.tree, facts, act.now))}
    # The claim of this very run is one of them.
    if rules.fired_since(connection, rule.id, ticket_id, act.now - timedelta(hours=1)) > MOST_AN_HOUR:
        rules.pause(connection, rule.id, f"#{ticket.number}")
        return RuleOutcome.PAUSED, {"times": MOST_AN_HOUR}
    with journal.caused_by(connection, (*chain, rule.id)):
        done = acting.perform(connection, replace(act, by=rule.name), sending, viewer_of(rule), ticket_id, rule.actions)
    rules.note_fired(connection, rule.id, act.now)
    effects = [asdict(each) for each in done.effects]
    return RuleOutcome.FIRED, {"effects": effects, "findings": told(conditions.explain(rule.tree, facts, act.now))}


def facts_now(connection: Connection, ticket: Ticket) -> dict[str, Any]:
    """How a ticket stands at this moment, as tests see it."""
    return conditions.facts_of(ticket, rules.companies(connection, [ticket.contact.id]).get(ticket.contact.id))


def find_ticket(connection: Connection, ticket_id: int) -> Ticket | None:
    """A ticket, None when it is gone."""
    try:
        return entries.get(connection, ticket_id)
    except NotFound:
        return None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
