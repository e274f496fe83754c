"""Two instances of the product write to each other by real SMTP, both acknowledging: they stop, also when the marks of machines get lost."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text

from contact_center.intake import acknowledging
from contact_center.store.repositories import channels
from contact_center.testing import RunningApp, a_mail, running_app
from contact_center.tickets import unattended
from tests.channels.email.test_mime import a_report

MARKS = re.compile(r"^(auto-submitted|x-auto-response-suppress|precedence|in-reply-to|references|return-path)$", re.I)


class Relay:
    """A mail server between the two that can make a machine's mail look like a person's."""

    def __init__(self, *, strips: bool) -> None:
        self.strips = strips
        self.to: dict[str, int] = {}
        self.mails: list[tuple[str, str]] = []
        self.port = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content or b"")
        (recipient,) = envelope.rcpt_tos
        self.mails.append((str(envelope.mail_from), recipient))
        if self.strips:
            for name in [name for name in set(mail) if MARKS.match(name)]:
                del mail[name]
        domain = recipient.rpartition("@")[2]
        await aiosmtplib.send(
            mail.as_bytes(), sender=envelope.mail_from, recipients=[recipient], hostname="127.0.0.1", port=self.to[domain], start_tls=False
        )
        return "250 OK"


@contextlib.asynccontextmanager
async def two(folder: Path, *, strips: bool) -> AsyncIterator[tuple[Relay, RunningApp, RunningApp]]:
    relay = Relay(strips=strips)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(relay, hostname="relay", loop=loop), "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    try:
        async with running_app(folder / "a") as a, running_app(folder / "b") as b:
            for domain, app in (("a.test", a), ("b.test", b)):
                relay.to[domain] = app.mail_port
                options = {
                    "acknowledge": True,
                    "catch_all": True,
                    "smtp_host": "127.0.0.1",
                    "smtp_port": relay.port,
                    "smtp_security": "none",
                }
                await app.store.write(channels.change_account, 1, address=f"support@{domain}", options=options)
                await app.product.supervisor.refresh()
            yield relay, a, b
    finally:
        server.close()


async def quiet(relay: Relay, *apps: RunningApp) -> None:
    """Wait until nothing has moved for a while."""
    seen, still = -1, 0
    for _ in range(600):
        for app in apps:
            await app.settled()
        waiting = sum([await count(app, "outbox WHERE state IN ('queued', 'leased')") for app in apps])
        still = still + 1 if len(relay.mails) == seen and not waiting else 0
        seen = len(relay.mails)
        if still > 15:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError("they never stop")


async def count(app: RunningApp, what: str) -> int:
    return await app.store.read(lambda c: c.execute(text(f"SELECT count(*) FROM {what}")).scalar_one())


async def write_to_a(a: RunningApp, **values: Any) -> None:
    mail = a_mail(to="support@a.test", **values)
    await aiosmtplib.send(
        mail.as_bytes(), sender="x@b.test", recipients=["support@a.test"], hostname="127.0.0.1", port=a.mail_port, start_tls=False
    )


@pytest.mark.parametrize(("strips", "most"), [(False, 1), (True, 2 * unattended.MOST_A_DAY)])
async def test_two_that_acknowledge_each_other_stop(tmp_path: Path, strips: bool, most: int) -> None:
    """With the marks of machines after one mail; without them each sends three, and the day is over."""
    async with two(tmp_path, strips=strips) as (relay, a, b):
        await write_to_a(a, sender="support@b.test", subject="Where is my order?")
        await quiet(relay, a, b)
        assert 1 <= len(relay.mails) <= most
        for app in (a, b):
            assert await count(app, "automatic_send") <= unattended.MOST_A_DAY
        assert await count(b, "interaction WHERE direction = 'in'") >= 1
        # Tomorrow's first mail of a person is still answered by a person: it opened a ticket and waits.
        assert await count(a, "work_item WHERE closed_at IS NULL") >= 1


async def test_a_machine_that_answers_every_mail_gets_three(tmp_path: Path) -> None:
    """A vacation responder without any mark, that starts a thread of its own each time, is answered three times a day."""
    async with two(tmp_path, strips=True) as (relay, a, b):
        await b.store.write(channels.change_account, 1, options={"catch_all": True})
        for n in range(30):
            await write_to_a(a, sender="ivan@b.test", subject="I am on holiday", message_id=f"<away{n}@b.test>", text=f"Away {n}")
        await quiet(relay, a, b)
        assert await count(a, "automatic_send") == unattended.MOST_A_DAY
        assert await count(a, "ticket") == acknowledging.FLOOD
        assert await count(a, "interaction WHERE direction = 'in'") == 30


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated"},
        {"X_Autoreply": "yes"},
        {"Precedence": "bulk"},
        {"Precedence": "list"},
        {"List_Id": "<news.example.com>"},
        {"List_Unsubscribe": "<mailto:x@example.com>"},
        {"X_Auto_Response_Suppress": "DR, AutoReply"},
        {"Return_Path": "<>"},
        {"X_Failed_Recipients": "a@example.com"},
        {"sender": "no-reply@example.com"},
        {"sender": "shop.noreply+17@example.com"},
        {"sender": "do_not_reply@example.com"},
        {"sender": "MAILER-DAEMON@example.com", "subject": "Undelivered Mail Returned to Sender"},
        {"sender": "bounces+123@example.com"},
        {"sender": "Support <support@a.test>"},
        {"sender": "support+t123@a.test"},
        {"subject": "Автоответ: меня нет"},
        {"date": "old"},
    ],
    ids=str,
)
async def test_machines_and_lists_are_not_answered(server: RunningApp, headers: dict[str, Any]) -> None:
    """Real mails of every kind that nobody waits for an answer to; each is kept all the same."""
    from datetime import UTC, datetime

    await server.store.write(channels.change_account, 1, address="support@a.test", options={"acknowledge": True, "catch_all": True})
    if headers.get("date") == "old":
        headers = {"date": datetime(2020, 1, 1, tzinfo=UTC)}
    await server.deliver(a_mail(**({"to": "support@a.test"} | headers)))
    assert (await count(server, "interaction WHERE direction = 'in'"), await count(server, "outbox")) == (1, 0)


@pytest.mark.parametrize(
    "headers", [{}, {"X_Auto_Response_Suppress": "DR, OOF"}, {"sender": "replying@example.com"}, {"sender": "noreen@example.com"}], ids=str
)
async def test_people_are_answered(server: RunningApp, headers: dict[str, Any]) -> None:
    """Ordinary mails, also of Outlook, and of people whose names begin like those of machines."""
    await server.store.write(channels.change_account, 1, address="support@a.test", options={"acknowledge": True, "catch_all": True})
    await server.deliver(a_mail(**headers))
    assert await count(server, "outbox") == 1


async def test_a_bounced_acknowledgement_is_the_end_of_it(server: RunningApp) -> None:
    """It marks the address, opens no second work item, is not answered, and the next mail from there is not acknowledged."""
    await server.store.write(channels.change_account, 1, address="support@a.test", options={"acknowledge": True, "catch_all": True})
    await server.deliver(a_mail())
    key = await server.store.read(lambda c: c.execute(text("SELECT message_key FROM outbox")).scalar_one())
    await server.store.write(lambda c: c.execute(text("UPDATE outbox SET state = 'sent'")) and None)
    for n in range(2):
        bounce = a_mail(
            sender="MAILER-DAEMON@mx.example.com", subject="Undelivered Mail", answers=f"<{key}>", message_id=f"<b{n}@mx>", Return_Path="<>"
        )
        await server.deliver(bounce)
    assert await count(server, "outbox WHERE state = 'bounced'") == 1
    assert (await count(server, "work_item"), await count(server, "ticket")) == (1, 1)
    await server.deliver(a_mail(message_id="<q2@example.com>", subject="Again"))
    assert await count(server, "outbox") == 1


async def test_a_mail_that_came_back_is_work_and_names_the_reply(server: RunningApp) -> None:
    """The bounce points to the reply and says why, the reply says why, and the board has an item more."""
    await server.store.write(channels.change_account, 1, address="support@a.test", options={"catch_all": True})
    await server.deliver(a_mail(to="support@a.test"))
    async with server.session() as client:
        headers = {"Idempotency-Key": "1"}
        async with client.post("/api/v1/tickets/1/replies", json={"text": "Here.", "status": "resolved"}, headers=headers) as response:
            reply = await response.json()
        for _ in range(200):
            if await count(server, "outbox WHERE state = 'sent'"):
                break
            await asyncio.sleep(0.05)
        assert await count(server, "work_item WHERE closed_at IS NULL") == 0
        key = await server.store.read(lambda c: c.execute(text("SELECT message_key FROM outbox")).scalar_one())
        await server.deliver(a_report("failed").replace(b"k1@example.com", key.encode()).replace(b"example.org", b"example.com"))
        assert await count(server, "work_item WHERE closed_at IS NULL") == 1
        async with client.get("/api/v1/contacts/1/timeline") as response:
            entries = (await response.json())["items"]
    bounce = next(entry for entry in entries if entry["facts"])
    again = next(entry for entry in entries if entry["id"] == reply["id"])
    assert bounce["facts"] == {"type": "bounce", "reason": "550 5.1.1 No such user", "entry_id": reply["id"]}
    assert again["delivery"]["state"] == "bounced"
    assert again["delivery"]["error"] == "550 5.1.1 No such user"
