"""Promises and surveys: figures against a recount of the rows, one by one, and every count opens into as many."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from contact_center.model.figures import About
from contact_center.model.people import Viewer
from contact_center.model.reports import Asked, By
from contact_center.model.sla import Policy
from contact_center.model.words import Delivery, Goal, Role
from contact_center.store import Connection, Store
from contact_center.store.repositories import channels, figures, sla
from contact_center.store.repositories.tallies import COUNTED
from contact_center.store.schema.outbound import outbox
from contact_center.store.schema.sla import sla_clock
from contact_center.store.schema.surveys import survey
from contact_center.store.schema.tickets import interaction
from tests.store.test_board import Desk

BEGAN = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)  # a night of 25 hours follows in Berlin
NOW = BEGAN + timedelta(hours=40)
MINUTES = st.integers(0, 39 * 60)
CLOCK = st.fixed_dictionaries(
    {"began": MINUTES, "goal": st.sampled_from(Goal), "policy": st.integers(0, 1), "queue": st.integers(0, 2), "cancelled": st.booleans(),
     "due": st.one_of(st.none(), st.integers(0, 2000)), "stopped": st.one_of(st.none(), st.integers(0, 2000))}
)  # fmt: skip
ASKED = st.fixed_dictionaries(
    {"sent": st.one_of(st.none(), MINUTES), "kind": st.sampled_from(["csat", "nps", "ces"]), "score": st.one_of(st.none(), st.integers(0, 10)),
     "queue": st.integers(0, 2), "delivery": st.sampled_from(Delivery)}
)  # fmt: skip
EXAMPLES = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def numbers() -> list[int]:
    return []


def at(minutes: int) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


@EXAMPLES
@given(drawn=st.lists(CLOCK, max_size=25), hours=st.integers(1, 45), mine=st.integers(1, 3))
async def test_promises(store: Store, numbers: list[int], drawn: list[dict[str, Any]], hours: int, mine: int) -> None:
    """A promise is kept or broken by its due time, also one that still runs and that nobody has looked at; what was cancelled is none."""
    numbers.append(hours)

    def run(connection: Connection) -> None:
        desk = Desk(connection, 5 * 10**8 + len(numbers))
        policies = [sla.add_policy(connection, desk.project, Policy(0, f"P{n}", None, {}), BEGAN) for n in range(2)]
        for each in drawn:
            desk.do("open")
            stopped = None if each["stopped"] is None else at(each["began"] + each["stopped"])
            due = None if each["due"] is None else at(each["began"] + each["due"])
            each["met"] = None if stopped is None or each["cancelled"] else due is None or stopped <= due
            connection.execute(
                insert(sla_clock).values(
                    project_id=desk.project, ticket_id=desk.tickets[-1], queue_id=desk.queues[each["queue"]], policy_id=policies[each["policy"]],
                    kind=each["goal"], started_at=at(each["began"]), target_seconds=60, spent_seconds=0, due_at=due, aimed_at=BEGAN,
                    stopped_at=stopped, met=each["met"], cancelled=each["cancelled"],
                )
            )  # fmt: skip
        wanted: Counter[str] = Counter()
        by_policy: Counter[str] = Counter()
        for each in drawn:
            if each["cancelled"] or each["began"] >= hours * 60 or each["queue"] >= mine:
                continue
            is_late = each["due"] is not None and at(each["began"] + each["due"]) < NOW
            word = "kept" if each["met"] else "broken" if each["met"] is False or is_late else ""
            wanted[f"{each['goal']}_{word}" if word else "clocks_running"] += 1
            by_policy[str(policies[each["policy"]])] += 1
        viewer = Viewer(desk.people[0], desk.project, Role.SUPERVISOR, tuple(desk.queues[:mine]))
        total = _checked(connection, viewer, Asked(BEGAN, at(hours * 60), By.POLICY, about=About.SLA), by_policy, wanted)
        for goal in Goal:
            kept, broken = wanted[f"{goal}_kept"], wanted[f"{goal}_broken"]
            assert total.figures[f"sla.{goal}"] == (kept / (kept + broken) if kept + broken else None)

    await store.write(run)


@EXAMPLES
@given(drawn=st.lists(ASKED, max_size=25), hours=st.integers(1, 45), mine=st.integers(1, 3))
async def test_surveys(store: Store, numbers: list[int], drawn: list[dict[str, Any]], hours: int, mine: int) -> None:
    """Of those who were asked, whom the question did not reach are none, unless they answered all the same; each mark by its own scale."""
    numbers.append(hours)

    def run(connection: Connection) -> None:
        desk = Desk(connection, 6 * 10**8 + len(numbers))
        desk.do("open")
        account = channels.add_account(
            connection, project_id=desk.project, kind="email", name="M", address="m@localhost", queue_id=desk.queues[0], options={}, created_at=BEGAN
        )  # fmt: skip
        for number, each in enumerate(drawn):
            if each["sent"] is None:
                each["score"] = None
            common = {"project_id": desk.project, "queue_id": desk.queues[each["queue"]], "ticket_id": desk.tickets[0]}
            said = {
                "kind": "email",
                "direction": "out",
                "occurred_at": BEGAN,
                "received_at": BEGAN,
                "sender_name": "",
                "sender_address": "",
            }
            entry = (
                insert(interaction)
                .values(**common, **said, contact_id=desk.who.id, subject="", visible_text="")
                .returning(interaction.c.id)
            )
            message = connection.execute(entry).scalar_one()
            _send(connection, account, message, each["delivery"])
            row = {
                "contact_id": desk.who.id,
                "kind": each["kind"],
                "channel": "email",
                "language": "en",
                "question": "",
                "comment": "",
                "resolved_at": at(-number),
            }
            row |= {"sent_at": None if each["sent"] is None else at(each["sent"]), "score": each["score"], "interaction_id": message}
            connection.execute(insert(survey).values(**common, **row, answered_at=None if each["score"] is None else NOW))
        asked = [each for each in drawn if each["sent"] is not None and each["sent"] < hours * 60 and each["queue"] < mine]
        scores = {
            kind: [each["score"] for each in asked if each["kind"] == kind and each["score"] is not None] for kind in ("csat", "nps", "ces")
        }
        reached = [each for each in asked if each["score"] is not None or each["delivery"] not in (Delivery.BOUNCED, Delivery.FAILED)]
        wanted = Counter(
            surveys_sent=len(reached),
            surveys_answered=sum(each["score"] is not None for each in asked),
            csat_satisfied=sum(score >= 4 for score in scores["csat"]),
            nps_promoters=sum(score >= 9 for score in scores["nps"]),
            nps_detractors=sum(score <= 6 for score in scores["nps"]),
        ) + Counter({f"{kind}_answered": len(found) for kind, found in scores.items()})
        by_queue = Counter(str(desk.queues[each["queue"]]) for each in reached)
        viewer = Viewer(desk.people[0], desk.project, Role.SUPERVISOR, tuple(desk.queues[:mine]))
        total = _checked(connection, viewer, Asked(BEGAN, at(hours * 60), By.QUEUE, about=About.SURVEY), by_queue, wanted)
        assert total.figures["ces"] == (sum(scores["ces"]) / len(scores["ces"]) if scores["ces"] else None)
        marks = scores["nps"]
        nps = 100 * (sum(score >= 9 for score in marks) - sum(score <= 6 for score in marks)) / len(marks) if marks else None
        assert total.figures["nps"] == nps
        assert total.figures["csat"] == (wanted["csat_satisfied"] / len(scores["csat"]) if scores["csat"] else None)
        assert total.figures["survey.response_rate"] == (
            wanted["surveys_answered"] / wanted["surveys_sent"] if wanted["surveys_sent"] else None
        )

    await store.write(run)


def _send(connection: Connection, account: int, message: int, state: Delivery) -> None:
    row = {"interaction_id": message, "account_id": account, "message_key": f"{account}.{message}", "state": state, "message": {}}
    connection.execute(insert(outbox).values(row | {"next_attempt_at": BEGAN, "created_at": BEGAN}))


def _checked(connection: Connection, viewer: Viewer, asked: Asked, keys: Counter[str], wanted: Counter[str]) -> Any:
    """The total of a report, which is what was wanted, has these rows, and opens into what it counts."""
    report = figures.report(connection, viewer, asked, NOW)
    assert {row.key for row in report.rows} == set(keys)
    for tally, sources in COUNTED.items():
        if sources[0].about is asked.about:
            assert getattr(report.total.tallies, tally) == wanted[tally], tally
            assert len(figures.behind(connection, viewer, asked, tally, NOW)) == wanted[tally], tally
    return report.total
