"""What people do with the ledger: compare it with the source, make a ticket by hand of what no parser understands, and
read an original again after a parser was mended.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from contact_center.channels.base import Connector
from contact_center.errors import Conflict, NotFound
from contact_center.intake import comparing, reading_again
from contact_center.intake.pipeline import Pipeline, settle_by_hand
from contact_center.model.acts import Act
from contact_center.model.channels import ChannelAccount, Reconciliation
from contact_center.model.messages import InboundFile, InboundMessage, InboundPerson
from contact_center.model.tickets import Entry
from contact_center.model.words import Fate
from contact_center.store import Connection
from contact_center.store.repositories import channels, raw_items, reconciliations

FIGURES_LAST = timedelta(minutes=1)  # counting millions of items takes its time, and scrapers come every few seconds

Connect = Callable[[int], Awaitable[tuple[ChannelAccount, Connector] | None]]
"""Account id to the account and a connector of its own for it; None when it cannot be made."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person read in an original that no parser understands."""

    sender: InboundPerson
    subject: str
    text: str


class Ledger:
    """The ledger for people."""

    def __init__(self, pipeline: Pipeline, connect: Connect) -> None:
        self._pipeline = pipeline
        self._connect = connect
        self._figures: tuple[datetime, dict[str, float]] | None = None

    async def compare(self, account_id: int, recheck: float = comparing.RECHECK) -> Reconciliation:
        """Ask the source of an account what it holds, and say what of it we do not have. Raises NotFound."""
        found = await self._connect(account_id)
        if found is None:
            raise NotFound("There is no such channel, or its settings cannot be read.")
        account, connector = found
        inbox = self._pipeline.inbox(account)
        return await comparing.compare(self._pipeline.store, connector, inbox, account.id, self._pipeline.clock(), recheck)

    async def figures(self) -> dict[str, float]:
        """Numbers for /metrics: items by account and fate, what is missing, who is silent. Counted once a minute at most."""
        now = self._pipeline.clock()
        if self._figures is None or now - self._figures[0] >= FIGURES_LAST:
            self._figures = now, await self._pipeline.store.read(_figures)
        return self._figures[1]

    async def make_ticket(self, act: Act, item_id: int, by_hand: ByHand) -> int:
        """Make a ticket of a quarantined item out of what a person read in it; returns the entry's id.

        The original is attached. Raises NotFound, or Conflict when the item is no longer in quarantine.
        """
        item = await self._pipeline.store.read(raw_items.find, item_id)
        if item is None:
            raise NotFound
        name = f"original-{item_id}.eml" if item["kind"] == "email" else f"original-{item_id}.bin"
        original = InboundFile(name, "application/octet-stream", item["size"], item["sha256"])
        message = InboundMessage(
            kind=item["kind"],
            sender=by_hand.sender,
            participants=(),
            subject=by_hand.subject,
            text=by_hand.text,
            visible_text=by_hand.text,
            html=None,
            sent_at=None,
            message_key=None,
            attachments=(original,),
            # Who sent it is what a colleague read, not what anything proves.
            unproven=True,
        )
        return await self._pipeline.store.write(settle_by_hand, act, self._pipeline.rules, item_id, message)

    async def read_again(self, act: Act, entry_id: int) -> Entry:
        """Read an entry's original again. Raises NotFound without an original, Conflict when it is not understood."""
        items = await self._pipeline.store.read(raw_items.all_of_interaction, entry_id)
        if not items:
            raise NotFound("This entry was not made from an original.")
        message = reading_again.meaning_of(items, await self._pipeline.understand(items))
        return await self._pipeline.store.write(reading_again.rewrite, act, items[0]["project_id"], entry_id, message)

    async def read_all_again(self, account_id: int, since: datetime | None, progress: Callable[[int, int], None]) -> tuple[int, int]:
        """Read the originals of an account again, received since then; returns how many were read, and how many not understood."""
        read = failed = after = 0
        store = self._pipeline.store
        while ids := await store.read(raw_items.entries_of, account_id, since, after, 200):
            for entry_id in ids:
                try:
                    await self.read_again(Act(self._pipeline.clock()), entry_id)
                    read += 1
                except (Conflict, NotFound):
                    failed += 1
            after = ids[-1]
            progress(read, failed)
        return read, failed


def _figures(connection: Connection) -> dict[str, float]:
    books, compared = raw_items.books(connection), reconciliations.latest(connection)
    result: dict[str, float] = {}
    for account in channels.accounts(connection):
        label = f'account="{account.id}",address="{_label(account.address)}"'
        fates, last = books.get(account.id, {}), compared.get(account.id)
        result |= {f'items{{{label},fate="{fate}"}}': float(fates.get(fate, 0)) for fate in Fate}
        result[f"items_missing{{{label}}}"] = float(last.missing if last else 0)
        result[f"channel_silent{{{label}}}"] = float(account.silent_since is not None)
    return result


def _label(text: str) -> str:
    """A label's value as Prometheus reads it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
