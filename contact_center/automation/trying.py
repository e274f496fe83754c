"""What a rule would have done, and why it did or did not: the same happenings, judged by the same function, and nothing is changed."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contact_center.automation import firing
from contact_center.automation.happenings import Happening, facts_of, happenings, is_too_long, looks_at
from contact_center.automation.runner import wanted_of
from contact_center.model import conditions
from contact_center.model.events import Recorded
from contact_center.model.rules import Armed
from contact_center.model.tickets import Ticket
from contact_center.model.words import Trigger
from contact_center.store import Connection, Store, journal
from contact_center.store.repositories import rules

DRY_DAYS = 7
MOST_EVENTS = 50_000
CHUNK = 1000
SHOWN = 50
ASKED_EVENTS = 500  # of one contact, for why a rule did or did not fire
MOST_VERDICTS = 5  # of one rule on one ticket


@dataclass(frozen=True, slots=True)
class Match:
    """A ticket that a rule would have acted on."""

    ticket_id: int
    number: int
    subject: str
    at: datetime
    seq: int | None
    """The event; None: time has passed."""


@dataclass
class DryRun:
    """What a rule would have done. Each event is looked at by itself: what the rule would have changed is not carried on."""

    since: datetime
    """How far back was looked: a week, or as far as so many events reach."""
    events: int = 0
    whole: bool = True
    """False: there was more than is looked at, and `since` is later for it."""
    looked: int = 0
    """How often it would have looked at a ticket."""
    fired: int = 0
    """How often its conditions held."""
    tickets: int = 0
    matches: list[Match] = field(default_factory=list)
    """The newest of them, of tickets that are in the rule's queues still."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a rule did or did not fire on a ticket."""

    rule_id: int
    name: str
    at: datetime
    seq: int | None
    reason: str
    """conditions: they did not hold; trigger: nothing of the kind happened; not_yet: it has not been so for long enough; before: the rule
    was another one then; itself: the rule had caused it; queue: not of its queues; inactive. Empty: everything held."""
    detail: dict[str, Any]


async def dry_run(store: Store, rule: Armed, now: datetime) -> DryRun:
    """Replay the events of last week through a rule, the newest first; for a rule of time, look whom it would meet now."""
    result = DryRun(now - timedelta(days=DRY_DAYS))
    if rule.when.trigger is Trigger.TIME:
        result.since = now
        await store.read(_time_now, rule, now, result)
        return result
    seen: set[int] = set()
    held: list[Recorded] = []
    before = 2**62
    last = False
    while not last:
        chunk = await store.read(journal.read_before, before, CHUNK)
        recent = [event for event in chunk if event.at >= result.since]
        result.events += len(recent)
        last = len(recent) < CHUNK
        if not last and result.events >= MOST_EVENTS:
            last, result.whole, result.since = True, False, recent[0].at
        # The first act of a chunk may have begun before it: it waits for the chunk in front.
        some = recent + held
        cut = 0 if last else next((n for n, event in enumerate(some) if event.at != some[0].at), len(some))
        held, ready = some[:cut], some[cut:]
        await store.read(_replay, rule, ready, result, seen)
        before = chunk[0].seq if chunk else 0
    result.tickets = len(seen)
    return result


def verdicts(connection: Connection, known: list[Armed], inactive: set[int], ticket: Ticket, now: datetime) -> list[Verdict]:
    """Of each rule why it did or did not fire on a ticket in the last days: its events are judged once more."""
    events = journal.of_contact(connection, ticket.contact.id, now - timedelta(days=DRY_DAYS), ASKED_EVENTS)
    mine = [each for each in happenings(events) if each.ticket_id == ticket.id]
    company = rules.companies(connection, [ticket.contact.id]).get(ticket.contact.id)
    found: list[Verdict] = []
    for rule in known:
        if rule.id in inactive:
            found.append(_verdict(rule, now, "inactive"))
        elif rule.when.trigger is Trigger.TIME:
            found.append(_of_time(connection, rule, ticket, company, now))
        else:
            found += _of_events(rule, mine, company) or [_verdict(rule, now, "trigger")]
    return found


def _replay(connection: Connection, rule: Armed, events: list[Recorded], result: DryRun, seen: set[int]) -> None:
    found = [each for each in happenings(events) if looks_at(rule, each) and not is_too_long(each)]
    result.looked += len(found)
    wanted = wanted_of(connection, [rule], found)
    here = rules.covered(connection, rule, {happening.ticket_id for happening, _ in wanted})
    for happening, _ in reversed(wanted):
        assert happening.ticket is not None
        ticket = happening.ticket
        result.fired += 1
        seen.add(happening.ticket_id)
        # What has gone elsewhere since is counted, and not named: whoever asks may not see it there.
        if happening.ticket_id in here and len(result.matches) < SHOWN:
            result.matches.append(Match(happening.ticket_id, ticket["number"], ticket["subject"], happening.at, happening.seq))


def _time_now(connection: Connection, rule: Armed, now: datetime, result: DryRun) -> None:
    after = 0
    while some := rules.due(connection, rule, now, after, CHUNK):
        after = some[-1][0]
        for ticket_id, queue_id, began in some:
            result.looked += 1
            if not firing.is_long_enough(connection, rule, queue_id, began, now):
                continue
            result.fired += 1
            if len(result.matches) < SHOWN and (ticket := firing.find_ticket(connection, ticket_id)) is not None:
                result.matches.append(Match(ticket_id, ticket.number, ticket.subject, began, None))
        if result.looked >= MOST_EVENTS:
            result.whole = False
            break
    result.tickets = result.fired


def _of_events(rule: Armed, mine: list[Happening], company: int | None) -> list[Verdict]:
    found = []
    for happening in reversed(mine):
        assert happening.ticket is not None
        if rule.when.trigger not in happening.triggers:
            continue
        facts = facts_of(happening.ticket, company)
        reason, detail = "", {"findings": firing.told(conditions.explain(rule.tree, facts, happening.at))}
        if happening.seq <= rule.since_seq:
            reason, detail = "before", {}
        elif rule.id in happening.chain:
            reason, detail = "itself", {}
        elif not rule.covers(happening.ticket["queue_id"]):
            reason, detail = "queue", {}
        elif not conditions.evaluate(rule.tree, facts, happening.at):
            reason = "conditions"
        found.append(Verdict(rule.id, rule.name, happening.at, happening.seq, reason, detail))
        if len(found) == MOST_VERDICTS:
            break
    return found


def _of_time(connection: Connection, rule: Armed, ticket: Ticket, company: int | None, now: datetime) -> Verdict:
    assert rule.when.since is not None
    if not rule.covers(ticket.queue_id):
        return _verdict(rule, now, "queue")
    facts = conditions.facts_of(ticket, company)
    findings = firing.told(conditions.explain(rule.tree, facts, now))
    if not conditions.evaluate(rule.tree, facts, now):
        return _verdict(rule, now, "conditions", findings=findings)
    began = rules.began(connection, rule.when.since, ticket.id)
    passed = began is not None and now - began >= timedelta(minutes=rule.when.minutes or 0)
    if began is None or not passed or not firing.is_long_enough(connection, rule, ticket.queue_id, began, now):
        return _verdict(rule, now, "not_yet", began=began)
    return _verdict(rule, now, "", findings=findings)


def _verdict(rule: Armed, at: datetime, reason: str, **detail: Any) -> Verdict:
    return Verdict(rule.id, rule.name, at, None, reason, detail)
