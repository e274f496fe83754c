"""Acknowledgements: once for a new ticket, and never a loop, a cannon or an answer to a machine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from contact_center.channels.email.options import EmailOptions
from contact_center.channels.sms.options import SmsOptions
from contact_center.contacts import identity
from contact_center.intake import acknowledging, settle
from contact_center.model.acknowledgement import opening, words
from contact_center.model.acts import Act
from contact_center.model.hours import Calendar
from contact_center.model.messages import InboundPerson
from contact_center.model.tickets import Entry, Proof
from contact_center.model.words import Direction, PointKind, ProofState, Status
from contact_center.store import Store
from contact_center.store.repositories import access, channels, hours, outbox, recovery, tickets, timeline
from contact_center.tickets import unattended
from tests.intake.world import World, item, make_world, message, person

OFFICE = Calendar("Europe/Moscow", (((("09:00", "18:00"),),) * 5 + ((), ())))


@pytest.fixture
async def world(store: Store) -> World:
    made = await make_world(store)
    await store.write(channels.change_account, 1, options={"acknowledge": True})
    return made


async def sent(world: World) -> list[Any]:
    return await world.store.read(lambda c: list(c.execute(text("SELECT * FROM outbox ORDER BY id")).mappings()))


async def entries(world: World, ticket_id: int = 1) -> list[Entry]:
    return await world.store.read(timeline.of_ticket, ticket_id)


async def count(world: World, table: str) -> int:
    return await world.store.read(lambda c: c.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def message_of(row: Any) -> Any:
    return orjson.loads(row["message"]) if isinstance(row["message"], str) else row["message"]


async def test_a_new_ticket_is_acknowledged_once(world: World) -> None:
    """To the sender alone, threaded, under a key of its own; it is in the history and leaves the ticket as it was."""
    await world.take_in(item("first", message_key="q1@x", text="Где мой заказ?", named=["boss@example.com"]))
    (row,) = await sent(world)
    message = message_of(row)
    assert [address["email"] for address in message["to"]] == ["ivan@example.com"]
    assert (message["cc"], message["in_reply_to"], message["references"], message["automatic"]) == ([], "q1@x", ["q1@x"], True)
    assert row["message_key"].endswith("@localhost")
    assert "обращения 1" in message["text"]
    question, answer = await entries(world)
    assert (answer.direction, answer.automatic, answer.author_id) == (Direction.OUT, True, None)
    ticket = await world.store.read(tickets.find, 1)
    assert ticket is not None
    assert ticket.status is Status.OPEN
    assert ticket.waiting_since == question.occurred_at
    assert ticket.last_entry is not None
    assert ticket.last_entry.direction is Direction.IN
    assert await count(world, "work_item WHERE closed_at IS NULL") == 1
    # What is added to the ticket is not acknowledged again; an answer to the acknowledgement is of the same ticket.
    await world.take_in(item("more", thread_hints=["q1@x"]), item("thanks", thread_hints=[row["message_key"]]))
    assert (len(await sent(world)), await count(world, "ticket")) == (1, 1)


async def test_it_says_nothing_that_the_sender_wrote(world: World) -> None:
    """A forger chooses who gets it, so that no word of theirs may be in it; not even to an address that was proven before."""
    await world.take_in(item("spam", subject="BUY PILLS http://evil", text="BUY PILLS http://evil"))
    await world.take_in(item("ru", sender="b@example.com", subject="КУПИ", text="купи"))
    shown = [message_of(row) for row in await sent(world)]
    assert "PILLS" not in repr(shown) and "КУПИ" not in repr(shown).upper().replace("КУПИТЬ", "")
    assert [message["subject"] for message in shown] == ["Your request #1", "Обращение №2"]
    assert all(address["name"] == "" for message in shown for address in message["to"])
    # That an earlier answer proved the address says nothing of a mail that only bears it.
    (first, _) = await sent(world)
    await world.store.write(outbox.change, first["id"], state="sent")
    await world.take_in(item("answer", thread_hints=[first["message_key"]]))
    await world.take_in(item("another", subject="Your account is locked: http://evil"))
    assert message_of((await sent(world))[-1])["subject"] == "Your request #3"


async def test_what_stands_behind_a_plus_is_the_same_mailbox(world: World) -> None:
    """Twelve spellings of one address get as many acknowledgements as one."""
    for n in range(12):
        await world.take_in(item(f"m{n}", sender=f"victim+{n}@example.com"))
        world.clock.move(minutes=11)
    assert len(await sent(world)) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"automatic": True},
        {"automatic": True, "is_bounce": True},
        {"unanswerable": "a mailing list"},
        {"unproven": True},
        {"sender": "support@localhost"},
        {"sender": "support+t123@localhost"},
        {"sender": None},
        {"envelope": {"trust_date": True}},
        {"source_time": datetime(2026, 10, 31, tzinfo=UTC)},
    ],
    ids=str,
)
async def test_to_whom_nothing_is_sent(world: World, wrong: dict[str, Any]) -> None:
    """Machines, lists, forms with claimed addresses, ourselves, nobody, yesterday's mail, imports."""
    await world.take_in(item("first", **wrong))
    assert (await count(world, "ticket"), await sent(world)) == (1, [])


@pytest.mark.parametrize("days", [0, 1.1, 400])
def test_a_mail_whose_own_date_is_old_is_not_answered(days: float) -> None:
    """A mail that lay somewhere for days, or that somebody sends again."""
    now = datetime(2026, 11, 2, tzinfo=UTC)
    old = message(sent_at=now - timedelta(days=days))
    arrived = Entry(1, 1, 1, 1, 1, "email", Direction.IN, now)
    found = acknowledging._refused_by_message(Act(now), {"envelope": {}}, old, arrived)  # type: ignore[arg-type]
    assert found == ("too old" if days else "")


@pytest.mark.parametrize(
    "claimed",
    [{"proof": Proof(ProofState.FAILED)}, {"behind": person("web@shop.example")}, {"unproven": True}],
    ids=["forged", "on behalf", "form"],
)
def test_an_address_that_is_only_claimed_gets_nothing(claimed: dict[str, Any]) -> None:
    """Whoever can make us write to an address of their choice has a cannon: forged mails, forms by mail, forms on the web."""
    now = datetime(2026, 11, 2, tzinfo=UTC)
    arrived = Entry(1, 1, 1, 1, 1, "email", Direction.IN, now)
    found = acknowledging._refused_by_message(Act(now), {"envelope": {}}, message(**claimed), arrived)  # type: ignore[arg-type]
    assert found == "the address is only claimed"


async def test_off_by_default(store: Store) -> None:
    """Nobody is written to unless an administrator wants it."""
    world = await make_world(store)
    await world.take_in(item("first"))
    assert await sent(world) == []
    assert EmailOptions().acknowledge is False


async def test_a_restored_database_does_not_answer_again(world: World) -> None:
    """What came before the restore may have been answered; what comes after has not."""
    now = world.clock()
    await world.store.write(recovery.mark_restored, now, now - timedelta(hours=20))
    await world.take_in(item("before", source_time=now - timedelta(minutes=5)))
    assert await sent(world) == []
    world.clock.move(minutes=1)
    await world.take_in(item("after", sender="b@example.com"))
    assert len(await sent(world)) == 1


async def test_a_mail_that_comes_again_is_not_answered_again(world: World) -> None:
    """After UIDVALIDITY changed everything is read again: same bytes are a duplicate, same id with other bytes is no news."""
    await world.take_in(item("1:1", subject="same", message_key="q1@x"))
    await world.take_in(item("2:1", subject="same", message_key="q1@x"))
    await world.take_in(item("2:2", subject="another header", message_key="q1@x"))
    assert len(await sent(world)) == 1


async def test_three_a_day_for_one_address(world: World) -> None:
    """However many tickets one opens; tomorrow there are three again."""
    for n in range(8):
        await world.take_in(item(f"m{n}"))
        world.clock.move(minutes=5)
    assert (await count(world, "ticket"), len(await sent(world))) == (8, 3)
    world.clock.move(days=1)
    await world.take_in(item("tomorrow"))
    assert len(await sent(world)) == 4


async def test_an_account_sends_so_many_an_hour(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand forged senders do not make a thousand mails."""
    monkeypatch.setattr(unattended, "MOST_AN_HOUR", 5)
    await world.take_in(*(item(f"m{n}", sender=f"victim{n}@example.com") for n in range(12)))
    assert (await count(world, "ticket"), len(await sent(world))) == (12, 5)
    world.clock.move(hours=1, seconds=1)
    await world.take_in(item("later", sender="late@example.com"))
    assert len(await sent(world)) == 6


async def test_one_company_gets_so_many_an_hour(world: World) -> None:
    """Invented senders of one domain do not fill its mailboxes; providers, other companies and proven senders are answered."""
    options = {"acknowledge": True, "acknowledge_per_domain": 4}
    await world.store.write(channels.change_account, 1, options=options)
    await world.take_in(*(item(f"m{n}", sender=f"u{n}@victim.example") for n in range(9)))
    assert (await count(world, "ticket"), len(await sent(world))) == (9, 4)
    await world.take_in(*(item(f"g{n}", sender=f"u{n}@gmail.com") for n in range(9)))
    await world.take_in(item("other", sender="u@not-victim.example"))
    assert len(await sent(world)) == 4 + 9 + 1
    await world.take_in(item("proven", sender="ceo@victim.example", proven=True))
    assert len(await sent(world)) == 15
    await world.store.write(channels.change_account, 1, options=options | {"acknowledge_per_domain": 0})
    await world.take_in(item("without limit", sender="x@victim.example"))
    assert len(await sent(world)) == 16
    await world.store.write(channels.change_account, 1, options=options)
    world.clock.move(hours=1, seconds=1)
    await world.take_in(item("later", sender="late@victim.example"))
    assert len(await sent(world)) == 17
    assert EmailOptions.model_fields["acknowledge_per_domain"].default == unattended.MOST_TO_DOMAIN


async def test_a_flood_of_one_sender_becomes_one_ticket(world: World) -> None:
    """Twenty messages in ten minutes open tickets, the rest joins the newest, which says so once; others are not held."""
    await world.take_in(*(item(f"m{n}") for n in range(45)))
    assert (await count(world, "ticket"), len(await sent(world))) == (20, 3)
    last = await entries(world, 20)
    assert [entry.change.field for entry in last if entry.change] == [acknowledging.FLOODED]
    assert len(last) == 1 + 25 + 1
    await world.take_in(item("other", sender="other@example.com"))
    assert await count(world, "ticket") == 21
    world.clock.move(minutes=11)
    await world.take_in(item("calm again"))
    assert await count(world, "ticket") == 22


async def test_old_mail_read_at_once_is_no_flood(world: World) -> None:
    """A year of mail from one customer, fetched in one minute, came in a year."""
    start = world.clock() - timedelta(days=300)
    await world.take_in(*(item(f"m{n}", source_time=start + timedelta(days=n)) for n in range(40)))
    assert await count(world, "ticket") == 40


async def test_closed_hours_say_when_somebody_is_there(world: World) -> None:
    """While the queue is closed the next opening stands in the text, in the sender's language."""
    calendar = await world.store.write(hours.add, 1, "Office", OFFICE, world.clock())
    await world.store.write(access.change_queue, 1, calendar_id=calendar)
    world.clock.now = datetime(2026, 11, 21, 9, tzinfo=UTC)  # a Saturday
    await world.take_in(item("ru", text="Привет"), item("en", sender="b@example.com", text="Hello"))
    russian, english = [message_of(row)["text"] for row in await sent(world)]
    assert "в понедельник, 23 ноября, в 09:00 (UTC+3)" in russian
    assert "on Monday, 23 November, at 09:00 (UTC+3)" in english
    world.clock.now = datetime(2026, 11, 23, 9, tzinfo=UTC)
    await world.take_in(item("open", sender="c@example.com", text="Hello"))
    assert "closed" not in message_of((await sent(world))[-1])["text"]


async def test_the_centres_own_words(world: World) -> None:
    """What an administrator wrote goes out, with its variables filled in and nothing else understood."""
    options = {"acknowledge": True, "acknowledge_en": "Got it: {number}."}
    await world.store.write(channels.change_account, 1, options=options)
    await world.take_in(item("first"))
    assert message_of((await sent(world))[0])["text"] == "Got it: 1."
    assert words({"acknowledge_closed_en": "{number} {opens}"}, "en", 7, "{number}") == "7 {number}"


async def test_a_text_message_is_acknowledged_in_few_words(world: World) -> None:
    """By number, without a subject that anybody sees, in one part."""
    sender = InboundPerson(PointKind.PHONE, "+79161234567")
    who = await world.store.write(identity.identify, Act(world.clock()), 1, sender)
    sms = replace(message(text="Где заказ?"), sender=sender, kind="email")

    def take(connection: Any) -> None:
        row = {"id": 1, "account_id": 1, "project_id": 1, "queue_id": 1, "envelope": {}, "source_time": None, "received_at": world.clock()}
        settle.settle(connection, Act(world.clock()), world.rules, row, sms, frozenset())  # type: ignore[arg-type]

    await world.store.write(take)
    text_sent = message_of((await sent(world))[0])["text"]
    assert who.point_id is not None
    assert text_sent == "Сообщение получено, обращение 1. Ответим как можно скорее."
    assert len(text_sent) <= 70
    assert SmsOptions(acknowledge_en="{number}").acknowledge is False


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("acknowledge_en", "Hello {name}"),
        ("acknowledge_en", "Until {opens}"),
        ("acknowledge_ru", "{number"),
        ("acknowledge_closed_ru", "{subject}"),
        ("acknowledge_closed_en", "{number.__class__}"),
    ],
)
def test_a_text_that_names_what_there_is_not_is_refused(name: str, wrong: str) -> None:
    """At saving, not when a customer reads it."""
    with pytest.raises(ValueError, match=r"filled in|brace"):
        EmailOptions(**{name: wrong})
    EmailOptions(acknowledge_closed_en="{number} {opens}", acknowledge_en="{number}")


def test_instants_in_words() -> None:
    """With the weekday, and how far the zone is from UTC on that day."""
    at = datetime(2026, 7, 1, 3, 30, tzinfo=UTC)
    assert opening(at, "Asia/Kathmandu", "en") == "on Wednesday, 1 July, at 09:15 (UTC+5:45)"
    assert opening(at, "America/New_York", "ru") == "во вторник, 30 июня, в 23:30 (UTC-4)"
    assert opening(at, "UTC", "en") == "on Wednesday, 1 July, at 03:30 (UTC)"
