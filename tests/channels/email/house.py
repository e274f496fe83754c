"""A support desk with a real mail parser behind it: mails in, tickets and contacts out."""

from email.message import EmailMessage
from itertools import count
from typing import Any

from sqlalchemy import text

from contact_center.channels.email import parse
from contact_center.intake.understanding import Original, Outcome
from contact_center.model.acts import Act
from contact_center.model.messages import RawItem
from contact_center.model.tickets import Entry, Ticket
from contact_center.model.words import PointKind, Role, Status
from contact_center.store import Store
from contact_center.store.repositories import access, channels, outbox, tickets, timeline
from contact_center.testing import a_mail
from contact_center.tickets import replies
from contact_center.tickets.replies import Draft, Sending
from tests.intake.world import KEYS, DirectParsers, World, make_world

_numbers = count(1)


class MailParsers(DirectParsers):
    """Understands mails, in this process."""

    def _one(self, original: Original) -> Outcome:
        return parse.parse(original.content or b"", original.envelope)


class House:
    """The mailbox support@localhost, the agent anna@localhost, and whoever writes."""

    def __init__(self, world: World, agent: int) -> None:
        self.world, self.store, self.clock, self.agent = world, world.store, world.clock, agent

    async def options(self, **options: Any) -> None:
        await self.store.write(channels.change_account, self.world.account_id, options=options)

    async def receive(self, mail: EmailMessage | bytes, key: str | None = None, **envelope: Any) -> dict[str, Any]:
        """Take a mail in; its row of the ledger."""
        self.clock.move(minutes=1)
        content = mail if isinstance(mail, bytes) else mail.as_bytes()
        key = key or f"INBOX:1:{next(_numbers)}"
        await self.world.take_in(RawItem(key, content, None, len(content), self.clock(), envelope))
        return dict(await self.row(f"SELECT * FROM raw_item WHERE provider_key = '{key}'"))

    async def write(self, **mail: Any) -> tuple[Entry, Ticket | None]:
        """A mail by its parts; what became of it."""
        headers = mail.pop("top", "")
        made = a_mail(**({"message_id": f"<n{next(_numbers)}@example.com>"} | mail)).as_bytes()
        return await self.became(await self.receive(headers.encode() + made))

    async def became(self, row: dict[str, Any]) -> tuple[Entry, Ticket | None]:
        entry = await self.store.read(timeline.find, row["interaction_id"])
        assert entry is not None
        return entry, await self.store.read(tickets.find, entry.ticket_id) if entry.ticket_id else None

    async def reply(self, ticket_id: int, body: str = "Here it is.", **draft: Any) -> tuple[Entry, dict[str, Any]]:
        self.clock.move(minutes=1)
        sending = Sending(KEYS, self.clock() - self.clock(), {"email": PointKind.EMAIL})
        entry = await self.store.write(replies.reply, Act(self.clock(), self.agent), sending, 1, ticket_id, Draft(body, **draft))
        row = await self.store.read(outbox.of_interaction, entry.id)
        assert row is not None
        await self.store.write(outbox.change, row["id"], state="sent")
        return entry, dict(row)

    async def participants(self, ticket_id: int) -> dict[str, str | None]:
        rows = await self.store.read(tickets.participants_with_roles, ticket_id)
        return {row["display"].lower(): row["role"] for row in rows}

    async def row(self, statement: str) -> Any:
        return await self.store.read(lambda c: c.execute(text(statement)).mappings().one())

    async def value(self, statement: str) -> Any:
        return await self.store.read(lambda c: c.execute(text(statement)).scalar())


async def make_house(store: Store) -> House:
    world = await make_world(store, MailParsers())
    agent = await store.write(access.add_user, 1, "anna@localhost", "Anna", Role.AGENT, None, world.clock())
    return House(world, agent)


WAITING = Status.WAITING
