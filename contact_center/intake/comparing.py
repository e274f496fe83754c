"""Comparing the ledger with the source itself: what the mailbox holds, what the log's file says, and we do not have."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from contact_center.channels.base import Connector, Inbox, Inventoried
from contact_center.errors import ChannelError, SourceCannotBeAsked
from contact_center.model.channels import Reconciliation
from contact_center.store import Store
from contact_center.store.repositories import reconciliations

RECHECK = 20.0  # seconds after which what seemed missing is looked for again: it may just have been on its way
NAMED = 100  # missing items that are named one by one
NOTHING_TO_ASK = "This source cannot be asked what it holds."
REMEMBERED = 100_000  # missing items that are looked for again at most


class Unknown(Protocol):
    """The part of an inbox that is needed here."""

    async def unknown(self, keys: Sequence[str]) -> set[str]:
        """See `channels.base.Inbox`."""
        ...


async def compare(
    store: Store, connector: Connector, inbox: Inbox, account_id: int, now: datetime, recheck: float = RECHECK
) -> Reconciliation:
    """Ask the source of an account what it holds, look it up in the ledger, and keep the result.

    What is missing is looked for a second time after `recheck` seconds. A source that cannot be reached, or that cannot be
    asked at all, is a result too, with its reason.
    """
    if not isinstance(connector, Inventoried):
        return Reconciliation(account_id, now, error=NOTHING_TO_ASK, can_be_asked=False)
    try:
        at_source, missing = await _missing(connector.holdings(inbox), inbox)
        if missing:
            await asyncio.sleep(recheck)
            missing = await inbox.unknown(sorted(missing))
    except SourceCannotBeAsked:
        return Reconciliation(account_id, now, error=NOTHING_TO_ASK, can_be_asked=False)
    except ChannelError as error:
        return await _keep(store, Reconciliation(account_id, now, error=error.message))
    found = Reconciliation(account_id, now, at_source, at_source - len(missing), len(missing), tuple(sorted(missing)[:NAMED]))
    return await _keep(store, found)


async def _missing(holdings: AsyncIterator[Sequence[str]], inbox: Unknown) -> tuple[int, set[str]]:
    """How much the source holds, and what of it the ledger does not know."""
    missing: set[str] = set()
    count = 0
    async for keys in holdings:
        count += len(keys)
        unknown = await inbox.unknown(keys)
        missing |= unknown if len(missing) < REMEMBERED else set()
    return count, missing


async def _keep(store: Store, found: Reconciliation) -> Reconciliation:
    await store.write(reconciliations.add, found)
    return found
