"""A shop that has worked for a while: colleagues, queues, channels, and tickets most of which are answered."""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from contact_center.api import passwords
from contact_center.api.handlers.channels import encrypt_options, publish_channel
from contact_center.app import Product, utc_now
from contact_center.channels import registry
from contact_center.contacts import book
from contact_center.demo.letters import PEOPLE, answer_to, mails
from contact_center.model.acts import Act
from contact_center.model.messages import RawItem
from contact_center.model.people import Viewer
from contact_center.model.sla import Policy
from contact_center.model.words import Delivery, Goal, PointKind, Priority, Role, Status, View
from contact_center.store import Connection
from contact_center.store.repositories import access, channels, contacts, outbox, sla, tickets, timeline
from contact_center.tickets import lifecycle, replies
from contact_center.tickets.lifecycle import TicketPatch
from contact_center.tickets.replies import Draft, Sending

PASSWORD = "demo password"  # noqa: S105 - printed on the screen of whoever starts the demo, on this machine
COLLEAGUES = [
    ("anna@shop.example", {"en": "Anna Bell", "ru": "Анна Белова"}, Role.ADMIN),
    ("boris@shop.example", {"en": "Boris Weber", "ru": "Борис Вебер"}, Role.SUPERVISOR),
    ("vera@shop.example", {"en": "Vera Smirnova", "ru": "Вера Смирнова"}, Role.AGENT),
    ("daniel@shop.example", {"en": "Daniel Ortiz", "ru": "Даниэль Ортис"}, Role.AGENT),
]
WORDS = {
    "en": {"support": "Support", "sales": "Sales", "complaints": "Complaints", "sms": "Text messages", "calls": "Office telephone", "log": "Call log",
           "form": "Website", "title": "Write to us", "tag": "delivery", "hours": "Shop hours", "other": "Something else", "promise": "Standard"},
    "ru": {"support": "Поддержка", "sales": "Продажи", "complaints": "Жалобы", "sms": "СМС", "calls": "Телефон офиса", "log": "Журнал звонков",
           "form": "Сайт", "title": "Напишите нам", "tag": "доставка", "hours": "Часы магазина", "other": "Другое", "promise": "Обычное"},
}  # fmt: skip
FORM = {
    "en": {"name": "Name", "email": "E-mail", "phone": "Phone", "subject": "What is it about?", "message": "Message"},
    "ru": {"name": "Имя", "email": "Электронная почта", "phone": "Телефон", "subject": "О чём вы пишете?", "message": "Сообщение"},
}
KNOWN_NUMBERS = 60  # of the people who write most, colleagues have noted the telephone
BATCH = 120  # mails taken in before colleagues answer: most of a day of them
RECENT = 40  # of the newest tickets some wait still
LOGGED = 90  # calls of the last days that stand in the log of the PBX


@dataclass(frozen=True)
class Shop:
    """What the story needs to know of the shop."""

    sms_id: int
    calls_id: int
    form_id: int
    people: dict[str, int]
    language: str


async def furnish(product: Product, gateway: str, secret: str, language: str) -> Shop:
    """Colleagues, queues and channels, called in this language; what is there already stays."""
    hashed = await passwords.hash_password(PASSWORD)
    log = product.settings.data_dir.resolve().parent / f"{product.settings.data_dir.resolve().name}-pbx" / "calls.csv"
    if not log.exists():
        await asyncio.to_thread(_write_call_log, log)
    return await product.store.write(_furnish, product, hashed, gateway, secret, language, log)


async def write_past(product: Product, count: int, tell: Callable[[str], None]) -> None:
    """Some thousand mails by the ordinary pipeline, and what colleagues did about them. Nothing when there is a past already."""
    if await product.store.read(raw_count):
        return
    past = [RawItem(f"past:{number}", mail.as_bytes(), envelope={"trust_date": True}) for number, mail in enumerate(mails(count))]
    people = await product.store.read(_people)
    sending = Sending(product.keys, timedelta(0), {kind.name: kind.reaches for kind in registry.kinds().values() if kind.can_send})
    chance = random.Random(11)
    for start in range(0, len(past), BATCH):
        await product.pipeline.accept(1, past[start : start + BATCH], None, None)
        await product.pipeline.settle_all()
        ids = await product.store.read(_open_ids)
        done = start + BATCH
        await product.store.write_bulk(_work_off, sending, people, ids, chance.random(), left=RECENT if done >= len(past) else 0)
        if done % 840 == 0 or done >= len(past):
            tell(f"{min(done, len(past))} of {len(past)} mails of the past")
    await product.store.write(_note_numbers, people[0])


def raw_count(connection: Connection) -> int:
    """How many raw items there are."""
    from contact_center.store.repositories import raw_items

    return sum(sum(fates.values()) for fates in raw_items.books(connection, 1).values())


def _furnish(connection: Connection, product: Product, hashed: str, gateway: str, secret: str, language: str, log: Path) -> Shop:
    now, words = utc_now(), WORDS[language]
    queues = {queue.name: queue.id for queue in access.queues(connection, 1)}
    first = min(queues.values())
    if next(iter(queues)) != words["support"] and len(queues) == 1:
        access.change_queue(connection, first, name=words["support"])
        channels.change_account(connection, 1, name=words["support"])
    for name in (words["sales"], words["complaints"]):
        queues.setdefault(name, 0)
        queues[name] = queues[name] or access.add_queue(connection, 1, name, False, now)
    _promise(connection, [first, queues[words["complaints"]]], words["promise"], now)
    people = {}
    for email, names, role in COLLEAGUES:
        row = access.credentials(connection, email)
        people[email] = row["id"] if row else access.add_user(connection, 1, email, names[language], role, hashed, now)
        access.set_grants(connection, people[email], sorted(queues.values()))
    sms = {"provider": "kannel", "kannel_url": gateway, "kannel_user": "demo", "kannel_password": secret, "kannel_hook_secret": secret}
    kinds = {"name": "text", "email": "email", "phone": "phone", "subject": "text", "message": "textarea"}
    fields = [{"name": name, "label": label, "type": kinds[name], "required": name != "phone"} for name, label in FORM[language].items()]
    form = {
        "title": words["title"], "language": language, "fields": json.dumps(fields, ensure_ascii=False), "difficulty": 8,
        "callback": True, "code_shown": True, "allowed_origins": "https://shop.example",
    }  # fmt: skip
    cdr = {
        "cdr_file": str(log), "cdr_format": "columns", "csv_header": True,
        "columns": "id=id,start=start,from=from,to=to,direction=direction,result=result,wait=wait,talk=talk,agent=agent",
    }  # fmt: skip
    made = {
        "sms": _channel(connection, product, "sms", words["sms"], "+74950000117", first, sms, now),
        "telephony": _channel(
            connection, product, "telephony", words["calls"], "office", queues[words["sales"]], {"webhook_secret": secret}, now
        ),
        "log": _channel(connection, product, "telephony", words["log"], "log", queues[words["sales"]], cdr, now),
        "web_form": _channel(connection, product, "web_form", words["form"], "contact", first, form, now),
    }
    return Shop(made["sms"], made["telephony"], made["web_form"], people, language)


def _promise(connection: Connection, queue_ids: list[int], name: str, now: datetime) -> None:
    """What the shop promises whoever writes; the past is answered by it, mostly."""
    known = {policy.name: policy.id for policy in sla.policies(connection, 1)}
    if name in known:
        return
    hour = 3600
    targets = {
        Priority.URGENT: {Goal.FIRST_RESPONSE: hour // 2, Goal.NEXT_RESPONSE: hour, Goal.RESOLUTION: 8 * hour},
        Priority.NORMAL: {Goal.FIRST_RESPONSE: hour, Goal.NEXT_RESPONSE: 2 * hour, Goal.RESOLUTION: 48 * hour},
    }
    policy_id = sla.add_policy(connection, 1, Policy(0, name, None, targets), now)
    for queue_id in queue_ids:
        access.change_queue(connection, queue_id, sla_policy_id=policy_id)


def _write_call_log(path: Path) -> None:
    """What the PBX wrote of the last days: calls of people who also write, and two lines that are none."""
    chance, now = random.Random(3), utc_now()
    lines = ["id,start,from,to,direction,result,wait,talk,agent"]
    for number in range(LOGGED):
        at, person = now - timedelta(hours=1.6 * (LOGGED - number) + 2), PEOPLE[chance.randrange(KNOWN_NUMBERS)]
        result = "missed" if chance.random() < 0.12 else "answered"
        talk = chance.randint(30, 600) if result == "answered" else 0
        who = COLLEAGUES[chance.choice((2, 3))][1][person.language] if talk else ""
        lines.append(
            f"log-{number},{at.isoformat()},{person.phone or PEOPLE[0].phone},+74950000118,in,{result},{chance.randint(3, 40)},{talk},{who}"
        )
    lines[60:60] = ["log-cut,2026-", "=== voice mail: please call back about the invoice, Harbour Ltd ==="]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


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


def _open_ids(connection: Connection) -> list[int]:
    """The latest tickets in which it is our turn, the latest first."""
    viewer = Viewer(0, 1, Role.ADMIN, ())
    return [ticket.id for ticket in tickets.page(connection, viewer, View.OPEN, after=None, limit=300)]


def _note_numbers(connection: Connection, agent: int) -> None:
    """Colleagues noted the telephone of whoever writes often, so that calls and texts stand in the same history."""
    act = Act(utc_now(), agent)
    for person in PEOPLE[:KNOWN_NUMBERS]:
        holders = contacts.holders(connection, contacts.ensure_point(connection, 1, PointKind.EMAIL, person.address, person.address))
        if holders and person.phone:
            book.add_point(connection, act, 1, int(holders[0]["contact_id"]), PointKind.PHONE, person.phone, person.phone)


def _work_off(connection: Connection, sending: Sending, people: list[int], ids: list[int], seed: float, *, left: int) -> None:
    """What colleagues did: they answer in the customer's language and about their matter, and end what has come to its end."""
    chance, now = random.Random(seed), utc_now()
    for number, ticket_id in enumerate(ids):
        ticket = tickets.find(connection, ticket_id)
        entry = timeline.last_inbound(connection, ticket_id)
        if ticket is None or entry is None or ticket.last_entry is None:
            continue
        at = ticket.last_entry.at + timedelta(minutes=chance.randint(4, 90))
        agent = chance.choice(people)
        act = Act(at, agent)
        if at >= now or (number < left and chance.random() < 0.6):
            if chance.random() < 0.4:
                lifecycle.change(connection, Act(now, agent), 1, ticket_id, TicketPatch(assignee_id=agent))
            continue
        answer = answer_to(ticket.subject, str(entry["visible_text"]))
        if answer is None:
            lifecycle.change(connection, act, 1, ticket_id, TicketPatch(status=Status.RESOLVED, assignee_id=agent))
            continue
        status = Status.RESOLVED if answer[1] or (number >= left and chance.random() < 0.97) else Status.WAITING
        lifecycle.change(connection, act, 1, ticket_id, TicketPatch(assignee_id=agent))
        sent = replies.reply(connection, act, sending, 1, ticket_id, Draft(answer[0], status=status))
        # It went out then; nobody gets the mails of a past that never was.
        row = outbox.of_interaction(connection, sent.id)
        if row is not None:
            outbox.change(connection, row["id"], state=Delivery.SENT, sent_at=at)
