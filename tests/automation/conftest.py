"""A desk with rules on both engines: mails come in, an agent works, the runner is called by hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contact_center.automation.runner import Runner
from contact_center.automation.trying import DryRun, dry_run
from contact_center.model import actions, conditions
from contact_center.model.people import Viewer
from contact_center.model.rules import RuleRun, When, armed
from contact_center.model.words import PointKind, Role, RuleOutcome, Since, Trigger
from contact_center.store import Connection, Store
from contact_center.store.repositories import access, rules
from contact_center.tickets.replies import Sending
from tests.intake.world import KEYS, make_world
from tests.tickets.test_threading import Desk

SENDING = Sending(KEYS, timedelta(0), {"email": PointKind.EMAIL})
EVERYTHING: dict[str, Any] = {"all": []}
ADMIN = Viewer(1, 1, Role.ADMIN, ())


def tagged(*tags: str) -> list[dict[str, Any]]:
    return [{"do": "add_tags", "value": list(tags)}]


class House:
    """A desk and its rules."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.store, self.clock = desk, desk.store, desk.clock
        self.runner = self.a_runner()

    def a_runner(self, clock: Callable[[], Any] | None = None) -> Runner:
        return Runner(self.store, lambda: SENDING, clock or self.clock)

    async def rule(
        self,
        trigger: Trigger,
        todo: list[dict[str, Any]],
        tree: dict[str, Any] = EVERYTHING,
        *,
        since: Since | None = None,
        minutes: int | None = None,
        business: bool = False,
        queue_ids: list[int] | None = None,
        name: str = "R",
    ) -> int:
        """Keep a rule; it looks at what happens from now on."""
        await self.runner.catch_up()
        values = {
            "project_id": 1, "name": name, "active": True, "queue_ids": queue_ids, "changed_at": self.clock(), "changed_by_id": None,
            "trigger": When(trigger, since, minutes, business).as_json(),
            "conditions": conditions.as_json(conditions.parse(tree, reader=False)),
            "actions": actions.as_json(actions.parse(todo, reader=False)),
        }  # fmt: skip
        return await self.store.write(rules.add, **values)

    async def mail(self, sender: str = "ivan@x", *hints: str, **meaning: Any) -> tuple[str, int]:
        self.clock.move(seconds=1)
        return await self.desk.mail(sender, *hints, **meaning)

    async def change(self, ticket_id: int, **fields: Any) -> Any:
        self.clock.move(seconds=1)
        return await self.desk.change(ticket_id, **fields)

    async def tags(self, ticket_id: int) -> tuple[str, ...]:
        return (await self.desk.ticket(ticket_id)).tags

    async def runs(self, rule_id: int | None = None, outcome: RuleOutcome | None = None) -> list[RuleRun]:
        return await self.store.read(lambda c: rules.runs(c, ADMIN, rule_id=rule_id, outcome=outcome, limit=1000))

    async def all_rules(self) -> dict[int, Any]:
        return {rule.id: rule for rule in await self.store.read(rules.rules, ADMIN)}

    async def tried(self, rule_id: int) -> DryRun:
        """A dry run of a rule that is there."""

        def prepared(connection: Connection) -> Any:
            rule = rules.find(connection, ADMIN, rule_id)
            assert rule is not None
            when = When(rule.trigger, rule.since, rule.minutes, rule.business)
            return armed(rule.id, 1, rule.name, 1, when.as_json(), rule.conditions, rule.actions, rule.queue_ids, 0)

        return await dry_run(self.store, await self.store.read(prepared), self.clock())


@pytest.fixture
async def house(store: Store) -> House:
    world = await make_world(store)
    house = House(Desk(world, await store.write(access.add_user, 1, "a@x", "Anna", Role.ADMIN, None, world.clock())))
    await house.runner.catch_up()
    return house
