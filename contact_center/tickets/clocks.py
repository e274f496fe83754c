"""Keeps the clocks of a ticket's promises in step with the ticket.

Called at every change, by the one place through which changes pass. It asks how things stand (the customer's turns, the
status, the policy) and lets the clocks follow, so that whoever changes a ticket need not think of them: a turn that is open has a
clock that runs, one that was answered has one that stopped at its answer, and nothing runs while the ticket waits.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contact_center.model import sla as rules
from contact_center.model.acts import Act
from contact_center.model.sla import Clock, Course, Policy
from contact_center.model.tickets import Ticket
from contact_center.model.words import EndReason, Goal, Status
from contact_center.store import Connection
from contact_center.store.repositories import sla, tickets
from contact_center.store.repositories.sla import TicketClock

DONE = (Status.RESOLVED, Status.CLOSED)


def keep(
    connection: Connection, act: Act, project_id: int, before: Ticket | None, ticket: Ticket, *, anew: bool = False, has_past: bool = False
) -> Ticket:
    """Let the clocks follow a ticket that is new, or that stood as `before`; returns the ticket with what is due next.

    `anew` aims the clocks again, because the policy or its hours have changed. A new ticket that `has_past` was split from another:
    the clock of its turn has come along.
    """
    moved = before is None or (before.queue_id, before.contact.id) != (ticket.queue_id, ticket.contact.id)
    policy_id = sla.chosen_policy(connection, ticket.id) if moved else ticket.sla_policy_id
    if policy_id is None and ticket.sla_policy_id is None:
        return ticket
    policy = sla.find_policy(connection, policy_id) if policy_id is not None else None
    keeper = _Keeper(connection, act, project_id, ticket, policy, _courses(connection, policy, ticket.sla_policy_id))
    due = rules.nearest(keeper.keep(is_new=before is None and not has_past, anew=anew))
    if (policy_id, due) == (ticket.sla_policy_id, ticket.due):
        return ticket
    sla.show_due(connection, ticket.id, policy_id, due)
    kept = tickets.find(connection, ticket.id)
    assert kept is not None
    return kept


def _courses(connection: Connection, policy: Policy | None, before_id: int | None) -> dict[int, Course]:
    """How clocks run by the policy that the ticket follows, and by the one it followed before."""
    found = {} if policy is None else {policy.id: sla.course(connection, policy)}
    if before_id is not None and before_id not in found:
        before = sla.find_policy(connection, before_id)
        if before is not None:
            found[before_id] = sla.course(connection, before)
    return found


@dataclass(frozen=True, slots=True)
class _Keeper:
    """One ticket, and what its clocks have to follow."""

    connection: Connection
    act: Act
    project_id: int
    ticket: Ticket
    policy: Policy | None
    courses: dict[int, Course]

    def keep(self, *, is_new: bool, anew: bool) -> list[Clock]:
        """Let every clock follow, and begin those that are missing; returns how they stand."""
        turn = sla.open_turn(self.connection, self.ticket.id)
        found = [] if is_new else sla.clocks(self.connection, self.ticket.id, turn[0] if turn is not None else 0)
        kept = [self._kept(each, anew) for each in found]
        if self.policy is not None and self.ticket.merged_into is None:
            kept += self._begun(self.policy, found, turn, is_new)
        return [clock for clock, home in kept if home == self.ticket.id]

    def _kept(self, each: TicketClock, anew: bool) -> tuple[Clock, int]:
        """How the clock stands now, and in which ticket: it goes along with its turn, and is kept there."""
        clock, home = self._followed(each), each.turn.ticket_id if each.turn is not None else self.ticket.id
        if anew and self.policy is not None and not clock.is_over:
            clock = self.courses[self.policy.id].aimed(clock)
        if anew or clock != each.clock or each.ticket_id != home:
            policy_id = self.policy.id if self.policy is not None and home == self.ticket.id else each.policy_id
            sla.change_clock(self.connection, clock, self.act.now, ticket_id=home, policy_id=policy_id, queue_id=self.ticket.queue_id)
        return clock, home

    def _followed(self, each: TicketClock) -> Clock:
        """The clock as it has to stand."""
        clock, turn, now = each.clock, each.turn, self.act.now
        if turn is not None and turn.closed_at is not None:
            if turn.ended_by is EndReason.COMPLETED:
                return self._course(each).stopped(clock, turn.closed_at)
            return rules.cancelled(clock, turn.closed_at)
        if turn is not None and turn.ticket_id != self.ticket.id:
            return clock
        target = self._target(clock.goal)
        if target is None or self.ticket.merged_into is not None:
            return rules.cancelled(clock, now)
        if turn is None and self.ticket.status in DONE:
            done_at = tickets.resolved_at(self.connection, self.ticket.id) or now
            return self._course(each).stopped(clock, done_at)
        return self._run(each, rules.continued(clock) if turn is not None and clock.is_over else clock, target)

    def _run(self, each: TicketClock, clock: Clock, target: timedelta) -> Clock:
        assert self.policy is not None
        now = self.act.now
        if each.policy_id != self.policy.id or clock.target != target:
            # What was spent was spent in the time of before; from here on the new one counts.
            clock = replace(self._course(each).paused(clock, now), target=target)
        course = self.courses[self.policy.id]
        return course.paused(clock, now) if self.ticket.status is Status.WAITING else course.started(clock, now)

    def _begun(self, policy: Policy, found: list[TicketClock], turn: tuple[int, datetime] | None, is_new: bool) -> list[tuple[Clock, int]]:
        begun = []
        if turn is not None and all(each.turn is None or each.turn.id != turn[0] for each in found):
            answered = not is_new and sla.was_answered(self.connection, self.ticket.id)
            goal = Goal.NEXT_RESPONSE if answered else Goal.FIRST_RESPONSE
            begun.append(self._begin(policy, goal, turn[0], turn[1]))
        if self.ticket.status not in DONE and all(each.turn is not None for each in found):
            begun.append(self._begin(policy, Goal.RESOLUTION, None, self.ticket.created_at if is_new else self.act.now))
        return [(clock, self.ticket.id) for clock in begun if clock is not None]

    def _begin(self, policy: Policy, goal: Goal, turn_id: int | None, at: datetime) -> Clock | None:
        target = self._target(goal)
        if target is None:
            return None
        course = self.courses[policy.id]
        clock = course.started(Clock(0, goal, at, target), at)
        if self.ticket.status is Status.WAITING:
            clock = course.paused(clock, self.act.now)
        ids = (self.project_id, self.ticket.id, self.ticket.queue_id, policy.id)
        return replace(clock, id=sla.add_clock(self.connection, *ids, turn_id, clock, self.act.now))

    def _target(self, goal: Goal) -> timedelta | None:
        return None if self.policy is None else self.policy.target(self.ticket.priority, goal)

    def _course(self, each: TicketClock) -> Course:
        """How the clock ran until now."""
        own = self.courses.get(each.policy_id)
        return own if own is not None else Course(None)
