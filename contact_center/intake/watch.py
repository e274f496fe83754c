"""Keeping an eye on the channels: a comparison with each source once a day, and a word when one falls silent."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from contact_center.errors import ContactCenterError
from contact_center.intake.ledger import Ledger
from contact_center.model.channels import ChannelAccount
from contact_center.store import Connection, Store
from contact_center.store.repositories import channels, raw_items, reconciliations

logger = structlog.get_logger(__name__)

EVERY = 60.0  # seconds between two looks
COMPARE_EVERY = timedelta(days=1)

Publish = Callable[[Connection, ChannelAccount, datetime], Any]
"""Tells the consoles how an account stands: (connection, account, now)."""


class Watch:
    """Looks at every account in turn, for ever. `runs` says whether this process runs the account's connector."""

    def __init__(self, store: Store, ledger: Ledger, runs: Callable[[int], bool], publish: Publish, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._ledger = ledger
        self._runs = runs
        self._publish = publish
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except ContactCenterError as error:
                logger.warning("watch.failed", error=error.message)

    async def look(self) -> None:
        """One look at every enabled account that this process runs."""
        accounts = [account for account in await self._store.read(channels.accounts) if account.enabled and self._runs(account.id)]
        compared = await self._store.read(reconciliations.latest)
        for account in accounts:
            if account.expect_hours is not None or account.silent_since is not None:
                await self._store.write(_note_silence, account, self._publish, self._clock())
            last = compared.get(account.id)
            if last is None or self._clock() - last.at >= COMPARE_EVERY:
                found = await self._ledger.compare(account.id)
                if found.missing != (last.missing if last else 0):
                    await self._store.write(self._publish, account, self._clock())
                if found.missing:
                    logger.error("ledger.incomplete", account=account.address, missing=found.missing, keys=found.missing_keys[:10])


def _note_silence(connection: Connection, account: ChannelAccount, publish: Publish, now: datetime) -> None:
    """Write down since when an account is silent, and that it is not any more."""
    last = raw_items.newest(connection, account.id) or account.created_at
    expected = timedelta(hours=account.expect_hours) if account.expect_hours else None
    silent = last if expected is not None and last is not None and now - last > expected else None
    if silent != account.silent_since:
        channels.change_account(connection, account.id, silent_since=silent)
        publish(connection, account, now)
