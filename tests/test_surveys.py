"""Surveys end to end, without a browser: who is asked, by what, once; and what comes of an answer."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from contact_center.app import utc_now
from contact_center.model.acts import Act
from contact_center.model.messages import InboundPerson
from contact_center.model.surveys import OnLow, Skipped, SurveyKind, SurveySettings
from contact_center.model.words import Demand, PointKind, Role, Status
from contact_center.store import Connection, Store, journal
from contact_center.store.repositories import access, outbox, surveys, tickets, timeline, work
from contact_center.surveys import answering, asking
from contact_center.surveys.asker import Asker
from contact_center.testing import RunningApp, a_mail
from contact_center.tickets import lifecycle, replies
from contact_center.tickets.replies import Draft, Sending
from tests.intake.world import KEYS, make_world
from tests.intake.world import message as make_message
from tests.tickets.test_threading import Desk

ASK = SurveySettings(SurveyKind.CSAT, delay_seconds=0)


async def resolved(server: RunningApp, *, reply: bool = True, sent: bool = True, **mail: Any) -> int:
    """A customer wrote, was answered, and the ticket is resolved; returns it."""
    await server.deliver(a_mail(**mail))
    ticket_id = int(await server.store.read(lambda c: c.execute(text("SELECT max(id) FROM ticket")).scalar()))

    def answer(connection: Connection) -> None:
        act = Act(utc_now(), 1)
        if reply:
            replies.reply(connection, act, sending(server), 1, ticket_id, Draft("Here it is."))
        if not sent:
            connection.execute(text("UPDATE outbox SET next_attempt_at = '2999-01-01T00:00:00.000000+00:00'"))
        lifecycle.change(connection, act, 1, ticket_id, lifecycle.TicketPatch(status=Status.RESOLVED))

    await server.store.write(answer)
    if sent:
        await left(server)
    return ticket_id


async def left(server: RunningApp) -> None:
    """Wait until what is to go out has gone."""
    waiting = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased')"
    for _ in range(500):
        if not await server.store.read(lambda c: c.execute(text(waiting)).scalar()):
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("something does not go out")


def sending(server: RunningApp) -> Any:
    from contact_center.api.context import SERVICES

    return server.product.app[SERVICES].sending


async def switch_on(server: RunningApp, wanted: SurveySettings = ASK) -> None:
    await server.store.write(surveys.keep_settings, 1, wanted, utc_now() - timedelta(days=1))


async def look(server: RunningApp, later: timedelta = timedelta(0)) -> None:
    now = utc_now() + later
    for project_id, ticket_id in await server.store.read(surveys.due, now, 50):
        await server.store.write(asking.ask, Act(now), sending(server), server.url, project_id, ticket_id)


async def rows(server: RunningApp) -> list[dict[str, Any]]:
    statement = "SELECT ticket_id, skipped, sent_at, score, comment, agent_id, interaction_id FROM survey ORDER BY id"
    return await server.store.read(lambda c: [dict(row) for row in c.execute(text(statement)).mappings()])


async def link(server: RunningApp, entry_id: int) -> str:
    row = await server.store.read(outbox.of_interaction, entry_id)
    assert row is not None
    found = re.search(r"(http\S+/surveys/\S+?)(\?score=5)?$", row["message"]["text"], re.M)
    assert found is not None
    return found[1]


async def test_a_resolved_ticket_is_asked_about_once(server: RunningApp) -> None:
    """After the delay and not before; by mail, marked automatic, with the resolver noted; the link stands in no history and no news."""
    await switch_on(server, SurveySettings(SurveyKind.CSAT, delay_seconds=3600))
    ticket_id = await resolved(server)
    await look(server, timedelta(minutes=59))
    assert await rows(server) == []
    for _ in range(2):
        await look(server, timedelta(minutes=61))
    (row,) = await rows(server)
    assert (row["ticket_id"], row["skipped"], row["agent_id"]) == (ticket_id, None, 1)
    queued = await server.store.read(outbox.of_interaction, row["interaction_id"])
    assert queued is not None
    assert queued["message"]["automatic"]
    assert f"{server.url}/surveys/" in queued["message"]["text"]
    events = await server.store.read(journal.read_after, 0, 1000)
    entry = await server.store.read(timeline.find, row["interaction_id"])
    assert "/surveys/" not in str(events)
    assert "/surveys/" not in str(entry)
    assert (await server.store.read(tickets.find, ticket_id)).status is Status.RESOLVED


async def test_nobody_is_asked_before_the_answer_has_left(server: RunningApp) -> None:
    """A reply that can still be called back, or whose mail server is away, is not overtaken by the question how it was."""
    await switch_on(server)
    await resolved(server, sent=False)
    await look(server, timedelta(days=1))
    assert await rows(server) == []
    await server.store.write(lambda c: c.execute(text("UPDATE outbox SET state = 'sent' WHERE state = 'queued'")))
    await look(server, timedelta(days=1))
    assert len(await rows(server)) == 1


@pytest.mark.parametrize(
    ("mail", "reply", "why"),
    [
        ({"headers": {"Auto-Submitted": "auto-generated"}}, True, Skipped.REFUSED),
        ({}, False, Skipped.NOTHING_SAID),
    ],
    ids=["a machine", "nobody answered"],
)
async def test_who_is_not_asked(server: RunningApp, mail: dict[str, Any], reply: bool, why: Skipped) -> None:
    """The row says why, and nothing goes out."""
    await switch_on(server)
    headers = mail.pop("headers", {})
    message = a_mail(**mail)
    for name, value in headers.items():
        message[name] = value
    await server.deliver(message)
    ticket_id = int(await server.store.read(lambda c: c.execute(text("SELECT max(id) FROM ticket")).scalar()))

    def answer(connection: Connection) -> None:
        act = Act(utc_now(), 1)
        if reply:
            replies.reply(connection, act, sending(server), 1, ticket_id, Draft("Here it is."))
        lifecycle.change(connection, act, 1, ticket_id, lifecycle.TicketPatch(status=Status.OPEN))
        lifecycle.change(connection, act, 1, ticket_id, lifecycle.TicketPatch(status=Status.RESOLVED))

    await server.store.write(answer)
    await left(server)
    await look(server)
    assert [(row["skipped"], row["sent_at"]) for row in await rows(server)] == [(why, None)]


async def test_nobody_is_asked_too_often(server: RunningApp) -> None:
    """One contact is asked once in so many days, about whichever ticket; another contact is asked."""
    await switch_on(server)
    await resolved(server)
    await look(server)
    await resolved(server, message_id="<q2@example.com>", subject="Another matter")
    await resolved(server, sender="Olga <olga@example.com>", message_id="<q3@example.com>")
    await look(server)
    assert [row["skipped"] for row in await rows(server)] == [None, Skipped.CAP, None]


async def test_a_reopened_ticket_is_not_asked_about(server: RunningApp) -> None:
    """Whoever writes again before the delay has passed is not asked; after the next resolution they are, once."""
    await switch_on(server, SurveySettings(SurveyKind.CSAT, delay_seconds=3600))
    ticket_id = await resolved(server)
    await server.deliver(a_mail(message_id="<q2@example.com>", answers="<q1@example.com>", text="It is not settled"))
    await look(server, timedelta(hours=2))
    assert await rows(server) == []
    await server.store.write(lifecycle.change, Act(utc_now(), 1), 1, ticket_id, lifecycle.TicketPatch(status=Status.RESOLVED))
    await look(server, timedelta(hours=2))
    assert [row["skipped"] for row in await rows(server)] == [None]


async def test_looking_does_not_vote_and_answers_can_be_changed(server: RunningApp) -> None:
    """GET, also with a score, only shows; POST answers; a second one takes the first one's place, in the same card; no turn opens."""
    await switch_on(server, SurveySettings(SurveyKind.CSAT, delay_seconds=0, low_score=2, on_low=OnLow.REOPEN))
    ticket_id = await resolved(server)
    await look(server)
    url = await link(server, (await rows(server))[0]["interaction_id"])
    async with aiohttp.ClientSession() as client:
        for path in (url, f"{url}?score=1", f"{url}?score=99", f"{url}?score=<b>"):
            async with client.get(path) as response:
                page = await response.text()
                assert response.status == 200
                assert "<script" not in page
                assert "script-src" not in response.headers["Content-Security-Policy"]
                assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert (await rows(server))[0]["score"] is None
        for values, status in (({"score": "4", "comment": "<b>Thanks</b>"}, 200), ({"score": "6"}, 422), ({"comment": "x"}, 422)):
            async with client.post(url, data=values) as response:
                assert response.status == status
                assert "<b>Thanks" not in await response.text()
        assert ((await rows(server))[0]["score"], (await rows(server))[0]["comment"]) == (4, "<b>Thanks</b>")
        assert (await server.store.read(tickets.find, ticket_id)).status is Status.RESOLVED
        async with client.post(url, data={"score": "1", "comment": "Late"}) as response:
            assert response.status == 200
        for wrong in (f"{url}x", url.replace("surveys/1-", "surveys/2-"), f"{server.url}/surveys/x"):
            async with client.get(wrong) as response:
                assert response.status == 410
    cards = [entry for entry in await server.store.read(timeline.of_ticket, ticket_id) if entry.kind == "survey"]
    assert [(card.facts["score"], card.text) for card in cards if card.facts] == [(1, "Late")]
    assert (await server.store.read(tickets.find, ticket_id)).status is Status.OPEN
    assert await server.store.read(work.open_item, ticket_id) is None
    told = [
        event.data["survey"]["score"] for event in await server.store.read(journal.read_after, 0, 1000) if event.type == "survey.answered"
    ]
    assert told == [4, 1]


async def test_the_page_closes(server: RunningApp) -> None:
    """After its time nothing is shown and nothing taken."""
    await switch_on(server)
    await resolved(server)
    await look(server)
    url = await link(server, (await rows(server))[0]["interaction_id"])
    await server.store.write(surveys.change, 1, expires_at=utc_now() - timedelta(seconds=1))
    async with aiohttp.ClientSession() as client:
        async with client.get(url) as response:
            assert response.status == 410
        async with client.post(url, data={"score": "5"}) as response:
            assert response.status == 410
    assert (await rows(server))[0]["score"] is None


async def test_a_ticket_that_cannot_be_asked_about_holds_up_nobody(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with one, the next is asked about, and the asker comes to an end."""
    await switch_on(server, SurveySettings(SurveyKind.CSAT, delay_seconds=3600))
    broken = await resolved(server)
    sound = await resolved(server, sender="olga@example.com", message_id="<o@example.com>")
    real = asking.ask

    def ask(connection: Connection, act: Act, sent: Any, base_url: str, project_id: int, ticket_id: int) -> int | None:
        if ticket_id == broken:
            raise ZeroDivisionError
        return real(connection, act, sent, base_url, project_id, ticket_id)

    monkeypatch.setattr(asking, "ask", ask)
    asker = Asker(server.store, lambda: sending(server), server.url, lambda: utc_now() + timedelta(hours=2))
    assert [await asker.look(), await asker.look()] == [2, 0]
    assert [(row["ticket_id"], row["skipped"]) for row in await rows(server)] == [(sound, None)]


async def test_a_form_of_too_many_fields_is_no_answer(server: RunningApp) -> None:
    """Whoever posts what no browser sends is asked for a number, as somebody who chose none."""
    await switch_on(server)
    await resolved(server)
    await look(server)
    url = await link(server, (await rows(server))[0]["interaction_id"])
    async with aiohttp.ClientSession() as client, client.post(url, data="&".join(f"f{n}=1" for n in range(20))) as response:
        assert response.status == 422
    assert (await rows(server))[0]["score"] is None


async def test_a_text_message_is_an_answer(server: RunningApp) -> None:
    """A number from whoever was asked by this account is their answer, is kept and asks for nothing; what says more is the answer and a
    message; a second number, a question and a text to another account are messages as ever."""
    await server.deliver(a_mail())

    def asked(connection: Connection) -> tuple[int, int]:
        ticket = tickets.find(connection, 1)
        assert ticket is not None
        now = utc_now()
        values = {"project_id": 1, "queue_id": 1, "ticket_id": 1, "contact_id": ticket.contact.id, "kind": "nps", "account_id": 1}
        survey_id = surveys.add(connection, **values, channel="sms", language="ru", question="", resolved_at=now)
        surveys.change(connection, survey_id or 0, sent_at=now, expires_at=now + timedelta(days=1))
        return survey_id or 0, ticket.contact.id

    survey_id, contact_id = await server.store.write(asked)

    def said(words: str, account_id: int = 1) -> Any:
        message = make_message(None, text=words)
        message = replace(message, sender=InboundPerson(PointKind.PHONE, "+79161234567"), kind="sms")
        act = Act(utc_now())
        return lambda connection: answering.by_text(connection, act, {"account_id": account_id}, message, contact_id)

    for words, account_id in (("Where is my order?", 1), ("11", 1), ("9", 2)):
        assert (await server.store.write(said(words, account_id))).demand is Demand.ANSWER
    assert (await rows(server))[0]["score"] is None
    assert (await server.store.write(said("9"))).demand is Demand.NOTHING
    assert (await rows(server))[0]["score"] == 9
    assert (await server.store.write(said("3"))).demand is Demand.ANSWER
    await server.store.write(surveys.change, survey_id, score=None, answered_at=None)
    assert (await server.store.write(said("1 коробка не пришла"))).demand is Demand.ANSWER
    assert ((await rows(server))[0]["score"], (await rows(server))[0]["comment"]) == (1, "коробка не пришла")
    assert survey_id == 1


async def test_two_processes_ask_once(server: RunningApp) -> None:
    """However many look at the same moment, one row and one message come of it."""
    await switch_on(server)
    ticket_id = await resolved(server)
    now = utc_now()
    asks = (server.store.write(asking.ask, Act(now), sending(server), server.url, 1, ticket_id) for _ in range(5))
    made = [each for each in await asyncio.gather(*asks) if each is not None]
    assert len(made) == 1
    assert len(await rows(server)) == 1


async def test_two_at_once_ask_a_customer_once(store: Store) -> None:
    """Two tickets of one customer come due at two processes in the same moment: the limit of questions holds."""
    desk = Desk(await make_world(store), None)
    desk.agent = await store.write(access.add_user, 1, "a@x", "Anna", Role.AGENT, None, desk.clock())
    await store.write(surveys.keep_settings, 1, ASK, desk.clock() - timedelta(days=1))
    sent = Sending(KEYS, timedelta(0), {"email": PointKind.EMAIL})
    due = []
    for subject in ("One", "Two"):
        _, ticket_id = await desk.mail("ivan@example.com", subject=subject)
        await desk.reply(ticket_id, Status.RESOLVED)
        due.append(ticket_id)
    act = Act(desk.clock() + timedelta(seconds=1))
    await asyncio.gather(*(store.write(asking.ask, act, sent, "http://x", 1, ticket_id) for ticket_id in due))
    found = await store.read(lambda c: list(c.execute(text("SELECT skipped FROM survey")).scalars()))
    assert sorted(found, key=str) == [None, Skipped.CAP]
