"""The ledger for people: compared with its sources, written up by hand, read again."""

import contextlib
import smtplib
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contact_center.app import utc_now
from contact_center.channels.base import Inbox
from contact_center.errors import ChannelUnavailable, Conflict
from contact_center.intake.ledger import ByHand, Ledger
from contact_center.intake.watch import Watch
from contact_center.model.acts import Act
from contact_center.model.channels import ChannelAccount
from contact_center.model.words import Fate
from contact_center.store import Store
from contact_center.store.repositories import channels, raw_items, reconciliations, tickets, timeline
from contact_center.testing import RunningApp, a_mail, running_app
from tests.intake.world import DirectParsers, World, item, make_world, person
from tests.servers import Dovecot


class Source:
    """A source that says what it holds."""

    repeatable = True

    def __init__(self, *portions: Sequence[str], fails: bool = False) -> None:
        self.portions = portions
        self.fails = fails

    async def holdings(self, _inbox: Inbox) -> AsyncIterator[Sequence[str]]:
        for portion in self.portions:
            yield portion
        if self.fails:
            raise ChannelUnavailable("The mail server does not answer.")


@pytest.fixture
async def world(store: Store) -> World:
    return await make_world(store)


def ledger_of(world: World, source: Any) -> Ledger:
    async def connect(account_id: int) -> Any:
        return ChannelAccount(account_id, 1, "email", "Support", "support@localhost", 1), source

    return Ledger(world.pipeline, connect)


async def test_what_the_source_has_and_we_do_not_is_named(world: World) -> None:
    """A comparison counts what the source holds and names what the ledger lacks; it is kept for the page."""
    await world.take_in(item("a"), item("b"), item("gone since"))
    found = await ledger_of(world, Source(["a", "x"], ["b", "y"])).compare(world.account_id, recheck=0)
    assert (found.at_source, found.in_ledger, found.missing, found.missing_keys) == (4, 2, 2, ("x", "y"))
    assert (await world.store.read(reconciliations.latest, 1))[world.account_id] == found


async def test_what_was_only_on_its_way_is_not_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrives while the comparison runs is looked for again before anybody is alarmed."""

    async def meanwhile(_seconds: float) -> None:
        await world.accept(item("late"))

    monkeypatch.setattr("contact_center.intake.comparing.asyncio.sleep", meanwhile)
    found = await ledger_of(world, Source(["late"])).compare(world.account_id)
    assert (found.at_source, found.missing) == (1, 0)


async def test_a_source_that_cannot_be_reached_is_no_loss(world: World) -> None:
    """A comparison that could not be made says why, and names nothing as missing."""
    found = await ledger_of(world, Source(["x"], fails=True)).compare(world.account_id, recheck=0)
    assert (found.missing, found.error) == (0, "The mail server does not answer.")
    assert not (await ledger_of(world, object()).compare(world.account_id)).can_be_asked


async def test_silence_is_noticed_and_ends(world: World) -> None:
    """An account that expects something every four hours is silent after five, and no more when something comes."""
    told: list[bool] = []
    watch = Watch(world.store, ledger_of(world, Source()), lambda _: True, lambda *_: told.append(True), world.clock)
    await world.store.write(lambda connection: channels.change_account(connection, world.account_id, expect_hours=4))
    await world.take_in(item("a"))

    async def silent_since() -> Any:
        await watch.look()
        account = await world.store.read(channels.find_account, world.account_id)
        assert account is not None
        return account.silent_since

    last = world.clock()
    assert await silent_since() is None
    world.clock.move(hours=5)
    assert await silent_since() == last
    assert await silent_since() == last
    await world.accept(item("b"))
    assert await silent_since() is None
    assert len(told) == 2


async def test_once_a_day_is_enough(world: World) -> None:
    """The watch compares a source once a day by itself."""
    counted = Source(["a"])
    watch = Watch(world.store, ledger_of(world, counted), lambda _: True, lambda *_: None, world.clock)
    await world.accept(item("a"))
    for hours in (0, 10, 25):
        await watch.look()
        at = (await world.store.read(reconciliations.latest))[world.account_id].at
        assert world.clock() - at <= timedelta(hours=10)
        world.clock.move(hours=hours)


async def test_what_no_parser_understands_becomes_a_ticket_by_hand(world: World) -> None:
    """A person writes up what they read: the item is stored, its original attached, and it cannot be done twice."""
    assert isinstance(world.parsers, DirectParsers)
    world.parsers.broken = {"odd"}
    await world.take_in(item("odd"))
    (stuck,) = await world.store.read(raw_items.quarantined, 1, None, 0, 10)
    by_hand = ByHand(person("anna@example.com", "Anna"), "Broken kettle", "She wants a new one.")
    ledger = ledger_of(world, Source())
    entry_id = await ledger.make_ticket(Act(world.clock()), stuck.id, by_hand)
    entry = await world.store.read(timeline.find, entry_id)
    assert entry is not None
    assert entry.ticket_id is not None
    ticket = await world.store.read(tickets.find, entry.ticket_id)
    assert ticket is not None
    assert (ticket.subject, ticket.contact.name, entry.text) == ("Broken kettle", "Anna", "She wants a new one.")
    row = await world.store.read(raw_items.find, stuck.id)
    assert row is not None
    assert (row["state"], row["interaction_id"]) == (Fate.STORED, entry_id)
    assert [(file.filename, file.size) for file in entry.attachments] == [(f"original-{stuck.id}.eml", stuck.size)]
    with pytest.raises(Conflict):
        await ledger.make_ticket(Act(world.clock()), stuck.id, by_hand)


async def test_an_entry_is_read_again_in_its_place(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mended parser changes what an entry says, and neither its id nor its place, ticket and contact."""
    await world.take_in(item("a", text="helo"), item("b"))
    before = await world.store.read(timeline.find, 1)
    understand = world.parsers._one  # type: ignore[attr-defined]

    def mended(original: Any) -> Any:
        from dataclasses import replace

        meaning = understand(original)
        return replace(meaning, visible_text="hello", text="hello\n> quoted")

    monkeypatch.setattr(world.parsers, "_one", mended)
    after = await ledger_of(world, Source()).read_again(Act(world.clock()), 1)
    assert before is not None
    assert (after.text, after.folded) == ("hello", True)
    assert (after.id, after.ticket_id, after.contact_id, after.occurred_at) == (
        before.id, before.ticket_id, before.contact_id, before.occurred_at,
    )  # fmt: skip
    assert (await world.store.read(timeline.body, 1)).text == "hello\n> quoted"  # type: ignore[union-attr]


async def test_what_a_forger_claims_stays_a_claim_when_it_is_read_again(world: World) -> None:
    """The address to which a forged mail wants its answer is no recipient, however often the original is read."""
    await world.take_in(item("forged", headers={"reply_to": [{"name": "", "email": "evil@attacker.example"}]}))
    await world.store.write(timeline.change, 1, proof={"state": "failed"})
    await ledger_of(world, Source()).read_again(Act(world.clock()), 1)
    body = await world.store.read(timeline.body, 1)
    assert body is not None
    assert body.headers["reply_to"] == []
    assert body.headers["claimed_reply_to"] == [{"name": "", "email": "evil@attacker.example"}]


async def test_another_markup_is_another_mail(world: World) -> None:
    """The same id, sender, words and date with another account number in the markup is stored, not swallowed."""
    headers = {"date": "Mon, 2 Nov 2026 09:00:00 +0000"}
    same: dict[str, Any] = {"subject": "Invoice", "text": "Please pay", "message_key": "invoice@x.example", "headers": headers}
    await world.take_in(item("a", html="<p>IBAN 1</p>", **same))
    await world.take_in(item("b", html="<p>IBAN 2</p>", **same), item("c", html="<p>IBAN 1</p>", sender="ivan@example.com", **same))
    states = {row["provider_key"]: row["state"] for row in await _all_items(world)}
    assert states == {"a": Fate.STORED, "b": Fate.STORED, "c": Fate.DUPLICATE}


async def _all_items(world: World) -> list[Any]:
    return [await world.store.read(raw_items.find, number) for number in (1, 2, 3)]


async def test_quarantine_replayed_takes_its_own_place(world: World) -> None:
    """What comes out of quarantine late stands in the history where it happened, not where it was mended."""
    assert isinstance(world.parsers, DirectParsers)
    world.parsers.broken = {"odd"}
    now = world.clock()
    await world.take_in(item("odd", source_time=now - timedelta(hours=2)), item("later", source_time=now - timedelta(hours=1)))
    world.parsers.broken = set()
    world.clock.move(hours=3)
    assert await world.store.write(raw_items.release_all, 1) == 1
    await world.pipeline.settle_all()
    from sqlalchemy import text

    order = await world.store.read(lambda c: c.execute(text("SELECT subject FROM interaction ORDER BY occurred_at")).scalars().all())
    assert order == ["odd", "later"]


async def test_a_real_mailbox_is_compared(tmp_path: Path, dovecot: Dovecot) -> None:
    """A real server's mails are all missing before the connector ran, and none after."""
    user = f"compared{time.time_ns()}"
    with smtplib.LMTP("127.0.0.1", dovecot.lmtp_port) as lmtp:
        for number in range(3):
            lmtp.sendmail("c@example.com", [user], a_mail(message_id=f"<{number}@x.example>", subject=str(number)).as_bytes())
    options = {"imap_host": "127.0.0.1", "imap_port": dovecot.port, "imap_security": "none", "imap_user": user, "imap_password": "secret"}
    async with running_app(tmp_path, workers=False) as app, app.session() as client:
        # Not by the API, which would begin to read at once.
        sealed = options | {"imap_password": app.product.keys.encrypt("secret")}
        box = {"kind": "email", "name": "Box", "address": "box@example.org", "queue_id": 1, "options": sealed, "created_at": utc_now()}
        account_id = await app.store.write(lambda connection: channels.add_account(connection, project_id=1, **box))
        before = await app.product.ledger.compare(account_id, recheck=0)
        assert (before.at_source, before.missing) == (3, 3)
        await app.product.supervisor.refresh()
        await _until(app, account_id, 3)
        after = await app.product.ledger.compare(account_id, recheck=0)
        assert (after.at_source, after.in_ledger, after.missing) == (3, 3, 0)
        async with client.get("/api/v1/books") as response:
            (books,) = [each for each in await response.json() if each["account_id"] == account_id]
        assert (books["received"], books["compared"]["missing"]) == (3, 0)


async def _until(app: RunningApp, account_id: int, count: int) -> None:
    import asyncio

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            while sum((await app.store.read(raw_items.books, 1)).get(account_id, {}).values()) < count:
                await asyncio.sleep(0.05)
