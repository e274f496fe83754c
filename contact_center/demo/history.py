"""A shop that has worked for a while: colleagues, queues, channels, and tickets most of which are answered."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contact_center.api import passwords
from contact_center.api.handlers.channels import encrypt_options, publish_channel
from contact_center.app import Product, utc_now
from contact_center.channels import registry
from contact_center.demo.letters import mails
from contact_center.model.acts import Act
from contact_center.model.messages import RawItem
from contact_center.model.people import Viewer
from contact_center.model.words import Role, Status, View
from contact_center.store import Connection
from contact_center.store.repositories import access, channels, tickets
from contact_center.tickets import lifecycle, replies
from contact_center.tickets.lifecycle import TicketPatch
from contact_center.tickets.replies import Draft, Sending

PASSWORD = "demo password"  # noqa: S105 - printed on the screen of whoever starts the demo, on this machine
COLLEAGUES = [
    ("anna@shop.example", "Анна Белова", Role.ADMIN),
    ("boris@shop.example", "Boris Weber", Role.SUPERVISOR),
    ("vera@shop.example", "Вера Смирнова", Role.AGENT),
    ("daniel@shop.example", "Daniel Ortiz", Role.AGENT),
]
ANSWERS = [
    "Здравствуйте! Проверили: посылка уже в пункте выдачи, ждём вас.",
    "Добрый день! Возврат оформили, деньги придут в течение трёх рабочих дней.",
    "Hello! We have sent a replacement today; the tracking number follows by text message.",
    "Hi! The corrected invoice is attached to your account. Sorry for the trouble.",
]
BATCH = 500  # mails taken in at once
UNIT = 50  # tickets worked off in one transaction
RECENT = 160  # of the newest tickets most stay open


@dataclass(frozen=True)
class Shop:
    """What the story needs to know of the shop."""

    sms_id: int
    calls_id: int
    form_id: int
    people: dict[str, int]


async def furnish(product: Product, gateway: str, secret: str) -> Shop:
    """Colleagues, queues and channels; what is there already stays."""
    hashed = await passwords.hash_password(PASSWORD)
    shop = await product.store.write(_furnish, product, hashed, gateway, secret)
    await product.supervisor.refresh()
    return shop


async def write_past(product: Product, count: int, tell: Callable[[str], None]) -> None:
    """Some thousand mails by the ordinary pipeline, and what colleagues did about them. Nothing when there is a past already."""
    if await product.store.read(raw_count):
        return
    past = [RawItem(f"past:{number}", mail.as_bytes(), envelope={"trust_date": True}) for number, mail in enumerate(mails(count))]
    for start in range(0, len(past), BATCH):
        await product.pipeline.accept(1, past[start : start + BATCH], None, None)
        await product.pipeline.settle_all()
        tell(f"{min(start + BATCH, len(past))} of {len(past)} mails of the past")
    people = await product.store.read(_people)
    sending = Sending(product.keys, timedelta(0), {kind.name: kind.reaches for kind in registry.kinds().values() if kind.can_send})
    ids = await product.store.read(_ticket_ids)
    chance = random.Random(11)
    for start in range(0, len(ids), UNIT):
        await product.store.write_bulk(_work_off, sending, people, ids[start : start + UNIT], start, chance.random())
        await asyncio.sleep(0)


def raw_count(connection: Connection) -> int:
    """How many raw items there are."""
    from contact_center.store.repositories import raw_items

    return sum(sum(fates.values()) for fates in raw_items.books(connection, 1).values())


def _furnish(connection: Connection, product: Product, hashed: str, gateway: str, secret: str) -> Shop:
    now = utc_now()
    queues = {queue.name: queue.id for queue in access.queues(connection, 1)}
    for name in ("Продажи", "Complaints"):
        queues.setdefault(name, 0)
        queues[name] = queues[name] or access.add_queue(connection, 1, name, False, now)
    people = {}
    for email, name, role in COLLEAGUES:
        row = access.credentials(connection, email)
        people[email] = row["id"] if row else access.add_user(connection, 1, email, name, role, hashed, now)
        access.set_grants(connection, people[email], sorted(queues.values()))
    first = min(queues.values())
    sms = {"provider": "kannel", "kannel_url": gateway, "kannel_user": "demo", "kannel_password": secret, "kannel_hook_secret": secret}
    form = {"title": "Напишите нам / Write to us", "difficulty": 8, "callback": True, "code_shown": True}
    made = {
        "sms": _channel(connection, product, "sms", "SMS", "+74950000117", first, sms, now),
        "telephony": _channel(connection, product, "telephony", "АТС / PBX", "office", queues["Продажи"], {"webhook_secret": secret}, now),
        "web_form": _channel(connection, product, "web_form", "Сайт / Website", "contact", first, form, now),
    }
    return Shop(made["sms"], made["telephony"], made["web_form"], people)


def _channel(
    connection: Connection, product: Product, kind: str, name: str, address: str, queue_id: int, options: dict[str, Any], now: datetime
) -> int:
    known = registry.find(kind)
    stored = encrypt_options(product.keys, known, known.options.model_validate(options))
    account = channels.find_by_address(connection, 1, kind, address)
    if account is not None:
        channels.change_account(connection, account.id, options=stored)
        return account.id
    made = channels.add_account(
        connection, project_id=1, kind=kind, name=name, address=address, queue_id=queue_id, options=stored, created_at=now
    )
    publish_channel(connection, Act(now), 1, made)
    return made


def _people(connection: Connection) -> list[int]:
    return [user.id for user in access.users(connection, 1)]


def _ticket_ids(connection: Connection) -> list[int]:
    """All tickets, the latest first."""
    viewer = Viewer(0, 1, Role.ADMIN, ())
    found: list[int] = []
    after = None
    while page := tickets.page(connection, viewer, View.ALL, after=after, limit=500):
        found += [ticket.id for ticket in page]
        after = tickets.list_key(page[-1])
    return found


def _work_off(connection: Connection, sending: Sending, people: list[int], ids: list[int], position: int, seed: float) -> None:
    """What colleagues did: the newest tickets are mostly open, of the older ones some were answered and nearly all are done."""
    chance, now = random.Random(seed), utc_now()
    for number, ticket_id in enumerate(ids, position):
        ticket = tickets.find(connection, ticket_id)
        answered_at = ticket.last_entry.at + timedelta(minutes=chance.randint(4, 300)) if ticket and ticket.last_entry else now
        if ticket is None or answered_at >= now:
            continue
        agent = chance.choice(people)
        act = Act(answered_at, agent)
        recent = number < RECENT
        if recent and chance.random() < 0.55:
            if chance.random() < 0.4:
                lifecycle.change(connection, act, 1, ticket_id, TicketPatch(assignee_id=agent, tags=("доставка",)))
            continue
        if recent or chance.random() < 0.12:
            status = Status.WAITING if recent else Status.RESOLVED
            replies.reply(connection, act, sending, 1, ticket_id, Draft(chance.choice(ANSWERS), status=status))
        else:
            lifecycle.change(connection, act, 1, ticket_id, TicketPatch(status=Status.RESOLVED, assignee_id=agent))
