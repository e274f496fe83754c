"""Several folders of a real mailbox, all the way to the history: every mail once, whatever the server does with its numbers."""

import asyncio
import contextlib
from typing import Any

import pytest

from contact_center.channels.email import imap
from contact_center.channels.email.imap import ImapReader
from contact_center.channels.email.options import EmailOptions
from contact_center.errors import ChannelMisconfigured
from contact_center.model.words import Direction, Fate, Status
from contact_center.store import Store
from contact_center.store.repositories import channels, outbox
from contact_center.testing import a_mail as customer_mail
from tests.channels.doubles import MemoryInbox
from tests.channels.email.house import House, make_house
from tests.channels.email.mailboxes import Mailbox, a_mail, catch_up, forget_index, reading


@pytest.fixture
async def house(store: Store) -> House:
    return await make_house(store)


async def read(house: House, mailbox: Mailbox, during: Any = None, **options: Any) -> None:
    """Read the mailbox into the house until it is caught up with; `during` happens while it is being read."""
    account = await house.store.read(channels.find_account, house.world.account_id)
    assert account is not None
    looked = asyncio.Queue[str]()

    async def report(_ok: bool, detail: str) -> None:
        looked.put_nowait(detail)

    reader = ImapReader(mailbox.options(**options))
    task = asyncio.create_task(reader.run(house.world.pipeline.inbox(account, None, report)))
    try:
        for step in (None, during) if during else (None,):
            if step is not None:
                await step()
            got = asyncio.create_task(looked.get())
            await asyncio.wait([task, got], timeout=30, return_when=asyncio.FIRST_COMPLETED)
            got.cancel()
            if task.done():
                task.result()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task
    house.clock.move(days=200)  # the server's clock is the machine's
    await house.world.pipeline.settle_all()


async def put(mailbox: Mailbox, *mails: bytes, folder: str = "INBOX") -> None:
    await asyncio.to_thread(mailbox.put, *mails, folder=folder)


def test_folders_of_the_options() -> None:
    """The one option of before is the first folder; further ones come as lines or as a list; the sent mails only as such."""
    names = lambda **given: [(folder.name, folder.sent) for folder in EmailOptions(**given).folders]  # noqa: E731
    assert names() == [("INBOX", False)]
    assert names(imap_folder="A", imap_folders="B\n\n A \nSent", imap_sent_folder="Sent") == [("A", False), ("B", False), ("Sent", True)]
    assert names(imap_folders=["B", "C"]) == [("INBOX", False), ("B", False), ("C", False)]
    assert len(EmailOptions(imap_folders="\n".join(map(str, range(500)))).folders) == 50


async def test_each_folder_is_read_with_a_cursor_of_its_own(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """One connection serves them all; the next run fetches nothing again."""
    await put(mailbox, a_mail("in"))
    await put(mailbox, a_mail("vip"), folder="VIP")
    await put(mailbox, a_mail("sent"), folder="Sent")
    await catch_up(mailbox, inbox, imap_folders="VIP", imap_sent_folder="Sent")
    assert sorted(inbox.contents()) == sorted([a_mail("in"), a_mail("vip"), a_mail("sent")])
    assert set(inbox.cursors) == {"imap:INBOX", "imap:VIP", "imap:Sent"}
    assert [item.envelope for item in inbox.items.values() if item.content == a_mail("sent")] == [{"sent": True}]
    inbox.log.clear()
    await catch_up(mailbox, inbox, imap_folders="VIP", imap_sent_folder="Sent")
    assert inbox.log == []


async def test_news_in_the_other_folders_come_by_the_minute(mailbox: Mailbox, inbox: MemoryInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """IDLE tells of the first folder at once, the others are looked at when their time has come."""
    monkeypatch.setattr(imap, "OTHERS", 1.0)
    await put(mailbox, a_mail("old"), folder="VIP")
    async with reading(mailbox, inbox, imap_folders="VIP"):
        await put(mailbox, a_mail("new"), folder="VIP")
        await put(mailbox, a_mail("first"))
        await inbox.until(lambda: len(inbox.items) == 3, 20)


async def test_a_missing_folder_stops_only_itself(mailbox: Mailbox, inbox: MemoryInbox) -> None:
    """The check names it; at work the others are read, and people are told."""
    await put(mailbox, a_mail("in"))
    with pytest.raises(ChannelMisconfigured, match="Nowhere"):
        await ImapReader(mailbox.options(imap_folders="Nowhere")).check()
    await catch_up(mailbox, inbox, imap_folders="Nowhere")
    assert inbox.contents() == [a_mail("in")]
    assert "Nowhere" in inbox.details[-1]


async def test_a_mail_in_two_folders_is_one_entry(house: House, mailbox: Mailbox) -> None:
    """A copy is a duplicate of what is stored, by its bytes; the numbers add up."""
    await put(mailbox, a_mail("both"))
    await put(mailbox, a_mail("both"), a_mail("other"), folder="VIP")
    await read(house, mailbox, imap_folders="VIP")
    assert await house.world.books() == {Fate.STORED: 2, Fate.DUPLICATE: 1}


async def test_a_renumbered_mailbox_makes_no_second_entry(house: House, mailbox: Mailbox) -> None:
    """The same numbers for the same mails under a new UIDVALIDITY, as after an index was lost; a new mail is found."""
    await put(mailbox, a_mail("one"), a_mail("two"))
    await read(house, mailbox)
    await asyncio.to_thread(forget_index, mailbox)
    await put(mailbox, a_mail("three"))
    await read(house, mailbox)
    assert await house.world.books() == {Fate.STORED: 3, Fate.DUPLICATE: 2}
    assert await house.value("SELECT count(*) FROM ticket") == 3


def _renumber(mailbox: Mailbox, *, drop_first: bool, add: bytes = b"") -> None:
    """Make the folder anew, so that its mails get other numbers, or their numbers go to other mails."""
    with mailbox.client() as client:
        kept = [row[b"BODY[]"] for _, row in sorted(client.fetch(client.search("ALL"), ["BODY.PEEK[]"]).items())]
    mailbox.server.stop()
    for path in [*mailbox.maildir.glob("cur/*"), *mailbox.maildir.glob("new/*")]:
        path.unlink()
    for path in mailbox.maildir.rglob("dovecot*"):
        if path.is_file():
            path.unlink()
    mailbox.server.start()
    mailbox.put(*([add] if add else []), *(kept[1:] if drop_first else kept))


@pytest.mark.parametrize("drop_first", [True, False])
async def test_numbers_that_belong_to_other_mails_now(house: House, mailbox: Mailbox, drop_first: bool) -> None:
    """A new UIDVALIDITY under which 1 is another mail: nothing is lost, nothing is doubled."""
    await put(mailbox, a_mail("one"), a_mail("two"), a_mail("three"))
    await read(house, mailbox)
    await asyncio.sleep(1.1)  # UIDVALIDITY is a time in seconds
    await asyncio.to_thread(_renumber, mailbox, drop_first=drop_first, add=a_mail("zero"))
    await read(house, mailbox)
    books = await house.world.books()
    assert (books[Fate.STORED], books[Fate.DUPLICATE]) == (4, 2 if drop_first else 3)


async def test_renumbered_while_we_read(house: House, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is made anew while we wait for news of it: the next look notices, without a restart of ours."""
    monkeypatch.setattr(imap, "OTHERS", 0.5)
    monkeypatch.setattr(imap, "IDLE_REFRESH", 0.5)
    await put(mailbox, a_mail("one"), a_mail("two"), folder="VIP")

    async def anew() -> None:
        def work() -> None:
            with mailbox.client() as client:
                client.delete_folder("VIP")
            mailbox.put(a_mail("three"), a_mail("one"), folder="VIP")

        await asyncio.sleep(1.1)
        await asyncio.to_thread(work)
        await asyncio.sleep(3)

    await read(house, mailbox, anew, imap_folders="VIP")
    books = await house.world.books()
    assert (books[Fate.STORED], books.get(Fate.DUPLICATE)) == (3, 1)


async def test_bytes_that_a_migration_changed(house: House) -> None:
    """A new server added a line to every mail: known by id, sender, date and content, and not by bytes."""
    mail = customer_mail(html="<p>Where?</p>", date=house.clock()).as_bytes()
    first = await house.receive(mail)
    again = await house.receive(b"X-Moved: yes\r\n" + mail, renumbered=True)
    assert (again["state"], again["duplicate_of_id"]) == (Fate.DUPLICATE, first["id"])


async def test_what_was_removed_too_soon_has_a_fate(house: House, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignored, with the reason; it is in the books, and opens nothing."""
    from contact_center.channels.email.imap_line import Line

    await put(mailbox, a_mail("gone"), a_mail("stays"))
    before = Line.sizes

    def sizes(line: Line, uids: list[int]) -> dict[int, int]:
        with mailbox.client() as client:
            client.delete_messages([1])
            client.expunge()
        return before(line, uids)

    monkeypatch.setattr(Line, "sizes", sizes)
    await read(house, mailbox)
    assert await house.world.books() == {Fate.STORED: 1, Fate.IGNORED: 1}
    assert "before it could be fetched" in await house.value("SELECT reason FROM raw_item WHERE state = 'ignored'")


async def test_others_who_clean_up_while_we_read(house: House, mailbox: Mailbox) -> None:
    """Another program deletes and moves mails all the while: what was listed is stored or told as gone, each once."""
    mails = [a_mail(f"m{number}") for number in range(60)]
    await put(mailbox, *mails)
    await put(mailbox, a_mail("there"), folder="Archive")

    def meddle() -> None:
        with mailbox.client() as client:
            for uid in list(client.search("ALL"))[:40]:
                if uid % 2:
                    client.copy([uid], "Archive")
                client.delete_messages([uid])
                client.expunge()

    meddler = asyncio.create_task(asyncio.to_thread(meddle))
    await read(house, mailbox, imap_folders="Archive")
    await meddler
    await read(house, mailbox, imap_folders="Archive")
    subjects = await house.value("SELECT count(DISTINCT subject) FROM interaction")
    assert subjects == await house.value("SELECT count(*) FROM interaction")
    with mailbox.client() as client:
        left = len(client.search("ALL")) + client.folder_status("Archive", ["MESSAGES"])[b"MESSAGES"]
    assert subjects >= left


OWN = "From: Anna <support@localhost>\r\nTo: ivan@example.com\r\nSubject: {subject}\r\nMessage-ID: <{key}>\r\n{more}\r\nWe sent it.\r\n"


def own(key: str, more: str = "", subject: str = "Re: order") -> bytes:
    return OWN.format(key=key, more=more, subject=subject).encode()


async def test_what_colleagues_send_from_elsewhere_is_outgoing(house: House, mailbox: Mailbox) -> None:
    """It stands in the customer's ticket, ends their wait, and asks for nothing."""
    await put(mailbox, customer_mail().as_bytes())
    await put(mailbox, own("s1@localhost", "In-Reply-To: <q1@example.com>\r\n"), folder="Sent")
    await read(house, mailbox, imap_sent_folder="Sent")
    entry = await house.row("SELECT * FROM interaction WHERE direction = 'out'")
    ticket = await house.row("SELECT * FROM ticket")
    assert (entry["ticket_id"], entry["contact_id"], entry["sender_address"]) == (ticket["id"], ticket["contact_id"], "support@localhost")
    assert (ticket["status"], ticket["waiting_since"]) == (Status.WAITING, None)
    assert await house.value("SELECT count(*) FROM work_item WHERE closed_at IS NULL") == 0
    _, again = await house.write(answers="<s1@localhost>", message_id="<q2@example.com>")
    assert again is not None
    assert again.id == ticket["id"]


async def test_a_mail_sent_to_somebody_new(house: House, mailbox: Mailbox) -> None:
    """Without a ticket it is in the person's history, and makes no work; to ourselves alone it is nothing."""
    await put(
        mailbox,
        own("s2@localhost"),
        OWN.format(key="s3@x", more="", subject="note").replace("ivan@example.com", "support@localhost").encode(),
        folder="Sent",
    )
    await read(house, mailbox, imap_sent_folder="Sent")
    assert await house.value("SELECT count(*) FROM ticket") == 0
    assert await house.value("SELECT direction FROM interaction") == Direction.OUT
    assert await house.world.books() == {Fate.STORED: 1, Fate.IGNORED: 1}


async def test_our_own_replies_among_the_sent_are_recognised(house: House, mailbox: Mailbox) -> None:
    """By their id: no second entry; and a reply of which nobody knew whether it went out has gone out."""
    _, ticket = await house.write()
    assert ticket is not None
    entry, row = await house.reply(ticket.id)
    await house.store.write(outbox.change, row["id"], state="uncertain")
    await put(mailbox, own(row["message_key"]), folder="Sent")
    await read(house, mailbox, imap_sent_folder="Sent")
    after = await house.store.read(outbox.of_interaction, entry.id)
    assert after is not None
    assert after["state"] == "sent"
    assert await house.value("SELECT count(*) FROM interaction WHERE direction = 'out'") == 1
    assert await house.value("SELECT state FROM raw_item ORDER BY id DESC LIMIT 1") == Fate.IGNORED
