"""Keeps every channel account running: under a lease, with back-off, its health told to people.

Connectors only translate errors; what happens next is decided here. `ChannelUnavailable`: try again, ever more slowly.
`ChannelAuthFailed` and `ChannelMisconfigured`: stay stopped until the settings change (looked at again once an hour, in
case the other side was mended).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from contact_center.channels import registry
from contact_center.channels.base import Connector, Environment, Inbox
from contact_center.errors import ChannelAuthFailed, ChannelMisconfigured, ContactCenterError, FenceLost
from contact_center.model.channels import ChannelAccount
from contact_center.model.words import Health
from contact_center.tasks import spawn, stop

logger = structlog.get_logger(__name__)

FIRST_RETRY = 2.0  # seconds, doubled each time
LONGEST_RETRY = 300.0
HOPELESS_RETRY = 3600.0
LEASE_RENEWAL = 3.0


class Accounts(Protocol):
    """What the supervisor needs of the rest of the product."""

    async def load(self) -> list[ChannelAccount]:
        """All accounts, secrets in the clear."""
        ...

    async def take_lease(self, account: ChannelAccount) -> int | None:
        """Take or renew the right to run this account; the fencing number, None while another process has it."""
        ...

    async def release_lease(self, account: ChannelAccount) -> None:
        """Give the right back."""
        ...

    async def report(self, account: ChannelAccount, health: Health, detail: str) -> None:
        """Store how the account is doing."""
        ...

    def inbox(self, account: ChannelAccount, fence: int | None, report: Callable[[bool, str], Awaitable[None]]) -> Inbox:
        """The inbox of an account."""
        ...


@dataclass
class _Running:
    account: ChannelAccount
    connector: Connector
    task: "asyncio.Task[Any]"
    health: Health = Health.STARTING
    detail: str = ""


class Supervisor:
    """All accounts of this process."""

    def __init__(self, accounts: Accounts, environments: Callable[[str], Environment]) -> None:
        self._accounts = accounts
        self.environment = environments
        """What connectors of a kind may know of this machine."""
        self._running: dict[int, _Running] = {}
        self._listeners: list[asyncio.Task[Any]] = []
        self._inboxes: dict[int, Inbox] = {}
        self._refreshing = asyncio.Lock()
        self.listening: dict[str, Any] = {}

    async def start(self) -> None:
        """Start every enabled account and the doors they share."""
        await self.refresh()
        for kind in registry.kinds().values():
            listener = kind.listener(self.environment(kind.name))
            if listener is not None:
                self.listening[kind.name] = listener
                self._listeners.append(spawn(self._keep_listening(kind.name, listener), name=f"listener {kind.name}"))

    async def refresh(self) -> None:
        """Start what is new, restart what changed, stop what was switched off."""
        async with self._refreshing:
            await self._refresh()

    async def _refresh(self) -> None:
        wanted = {account.id: account for account in await self._accounts.load() if account.enabled}
        for account_id in [i for i, running in self._running.items() if not _same(running.account, wanted.get(i))]:
            await stop(self._running.pop(account_id).task)
            self._inboxes.pop(account_id, None)
        for account in wanted.values():
            if account.id not in self._running:
                try:
                    self._start(account)
                except Exception as error:  # noqa: BLE001 - one account's trouble must not stop the others
                    # Options of another release, or a kind that is gone: this account stands still, the others run.
                    logger.error("channel.cannot_start", account=account.address, error=repr(error))
                    await self._accounts.report(account, Health.MISCONFIGURED, f"The settings cannot be used: {error}"[:300])

    async def close(self) -> None:
        """Stop everything and give the leases back."""
        await stop(*self._listeners, *(running.task for running in self._running.values()))
        self._running.clear()

    def connector(self, account_id: int) -> Connector | None:
        """The connector of a running account."""
        running = self._running.get(account_id)
        return running.connector if running else None

    def _start(self, account: ChannelAccount) -> None:
        kind = registry.find(account.kind)
        connector = kind.connect(account, kind.options.model_validate(account.options), self.environment(kind.name))
        # The inbox of the shared door: any process may take mail in, the ledger knows what is double.
        self._inboxes[account.id] = self._accounts.inbox(account, None, _no_report)
        task = spawn(self._keep_running(account, connector), name=f"channel {account.kind} {account.address}")
        self._running[account.id] = _Running(account, connector, task)

    async def _keep_listening(self, kind: str, listener: Any) -> None:
        while True:
            try:
                await listener.run(lambda: [(r.account, self._inboxes[i]) for i, r in self._running.items() if r.account.kind == kind])
            except Exception as error:  # noqa: BLE001 - the shared door must open again
                logger.error("listener.failed", kind=kind, error=repr(error))
                await asyncio.sleep(FIRST_RETRY)

    async def _keep_running(self, account: ChannelAccount, connector: Connector) -> None:
        delay = FIRST_RETRY
        try:
            while True:
                outcome, detail = await self._run_under_lease(account, connector)
                if outcome is Health.OK:
                    delay = FIRST_RETRY
                    await self._tell(account, Health.OK, detail)
                    return
                await self._tell(account, outcome, detail)
                hopeless = outcome in (Health.AUTH_FAILED, Health.MISCONFIGURED)
                await asyncio.sleep(HOPELESS_RETRY if hopeless else delay * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
                delay = min(LONGEST_RETRY, delay * 2) if self._health(account) is not Health.OK else FIRST_RETRY
        finally:
            await self._accounts.release_lease(account)

    async def _run_under_lease(self, account: ChannelAccount, connector: Connector) -> tuple[Health, str]:
        try:
            while (fence := await self._accounts.take_lease(account)) is None:
                await asyncio.sleep(LEASE_RENEWAL)
        except ContactCenterError as error:
            return Health.UNAVAILABLE, error.message

        async def report(ok: bool, detail: str) -> None:
            await self._tell(account, Health.OK if ok else Health.UNAVAILABLE, detail)

        work = spawn(_outcome(connector, self._accounts.inbox(account, fence, report)), name=f"connector {account.address}")
        try:
            while not work.done():
                await asyncio.wait([work], timeout=LEASE_RENEWAL)
                if await self._accounts.take_lease(account) != fence:
                    return Health.UNAVAILABLE, "Another process took over."
            return work.result()
        except ContactCenterError as error:
            return Health.UNAVAILABLE, error.message
        finally:
            await stop(work)

    async def _tell(self, account: ChannelAccount, health: Health, detail: str) -> None:
        running = self._running.get(account.id)
        if running is None or (running.health, running.detail) == (health, detail):
            return
        running.health, running.detail = health, detail
        try:
            await self._accounts.report(account, health, detail)
        except ContactCenterError as error:
            # The channel matters more than the word about it.
            logger.warning("channel.health_not_stored", account=account.address, error=error.message)

    def _health(self, account: ChannelAccount) -> Health:
        running = self._running.get(account.id)
        return running.health if running else Health.STOPPED


async def _outcome(connector: Connector, inbox: Inbox) -> tuple[Health, str]:
    """Run until it ends or fails; how it stands then."""
    try:
        await connector.run(inbox)
    except ChannelAuthFailed as error:
        return Health.AUTH_FAILED, error.message
    except ChannelMisconfigured as error:
        return Health.MISCONFIGURED, error.message
    except FenceLost:
        return Health.UNAVAILABLE, "Another process took over."
    except ContactCenterError as error:
        return Health.UNAVAILABLE, error.message
    except Exception as error:
        logger.error("connector.crashed", error=repr(error), exc_info=error)
        return Health.UNAVAILABLE, f"The connector failed: {type(error).__name__}: {error}"[:300]
    return Health.OK, ""


async def _no_report(_ok: bool, _detail: str) -> None:
    """The shared door says nothing about single accounts."""


def _same(running: ChannelAccount, wanted: ChannelAccount | None) -> bool:
    if wanted is None:
        return False
    return (running.options, running.address, running.queue_id) == (wanted.options, wanted.address, wanted.queue_id)
