"""The demo tells one story: in one language a ticket, with colleagues who answer, and with nobody who is two by mistake."""

import asyncio
import random
from pathlib import Path

from sqlalchemy import text

from contact_center.contacts import candidates
from contact_center.demo import run
from contact_center.demo.colleagues import Colleagues
from contact_center.demo.letters import PEOPLE, TEXTS, TOPICS, answer_to, language_of, mails, somebody, topic_for, topic_of
from contact_center.demo.outside import Gateway
from contact_center.model.people import Viewer
from contact_center.model.words import Role
from contact_center.store import Connection
from contact_center.store.repositories import raw_items, routing, webhooks
from contact_center.testing import running_app
from tests.console.helpers import console


def test_a_ticket_speaks_one_language() -> None:
    """Whoever writes about a matter, and whoever answers, keeps to the customer's language and to the matter."""
    chance = random.Random(1)
    for topic in TOPICS:
        said = (topic.subject, topic.body, *topic.more, *topic.answers)
        assert len({language_of(words) for words in said}) == 1, topic.subject
    for person in (somebody(chance) for _ in range(200)):
        assert language_of(topic_for(chance, person).subject) == person.language
    for language, pairs in TEXTS.items():
        assert {language_of(words) for pair in pairs for words in pair} == {language}
    for mail in mails(300):
        subject = str(mail["Subject"])
        found = topic_of(subject)
        assert found is not None
        answer = answer_to(subject, found[0].body.format(n=found[1]))
        assert answer is not None
        assert language_of(answer[0]) == language_of(subject)
        assert "{n}" not in answer[0]


def test_people_have_names_of_their_own() -> None:
    """Two write from a second address, and they are who is proposed; nobody else shares a name."""
    names = [person.name for person in PEOPLE]

    assert len({person.address for person in PEOPLE}) == len(PEOPLE)
    assert len(names) - len(set(names)) <= 2


async def test_colleagues_answer_while_one_watches(tmp_path: Path) -> None:
    """A past that is answered, calls in the same histories, something in quarantine, a webhook, and answers that go on; whoever sits
    down in the visitor's seat is offered something."""
    gateway = Gateway()
    async with running_app(tmp_path / "data", webhooks={"allow_private_networks": True}) as server:
        shop = await run.prepare(server.product, gateway, lambda _words: None, 240, "ru")
        try:
            await run.outside_of(server.product, shop, gateway, 1.0).happen(18)
            await server.settled()
            before = await server.store.read(_replies)
            office = asyncio.create_task(Colleagues(server.url, "ru", gateway.crm, 0.2).work())
            async with asyncio.timeout(60):
                while await server.store.read(_replies) <= before + 2:
                    await asyncio.sleep(0.3)
            visitor = await server.store.read(_visitor)
            async with console(server, visitor), asyncio.timeout(60):
                while not await server.store.read(routing.open_offers_to, visitor):
                    await asyncio.sleep(0.3)
            office.cancel()
            books = await server.store.read(raw_items.books)
            pairs = await server.store.read(candidates.find, Viewer(1, 1, Role.ADMIN, ()))

            assert sum(fates["quarantined"] for fates in books.values()) == 2
            assert len(books) == 5
            assert len(pairs) <= 2
            assert len(await server.store.read(webhooks.endpoints, 1)) == 1
        finally:
            await gateway.close()


def _visitor(connection: Connection) -> int:
    return int(connection.execute(text("SELECT id FROM employee WHERE email = 'anna@shop.example'")).scalar_one())


def _replies(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM interaction WHERE direction = 'out' AND author_id IS NOT NULL")).scalar_one())
