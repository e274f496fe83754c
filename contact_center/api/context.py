"""What a handler may use: the viewer, the store, and the services of the rooms below. Built for each request."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from aiohttp import web

from contact_center.api.addresses import client_address
from contact_center.api.framework import to_json
from contact_center.api.openings import Openings
from contact_center.api.sharing import Shared
from contact_center.bus.waiting import Waiters
from contact_center.channels import registry
from contact_center.channels.base import Environment, Inbox
from contact_center.config import Settings
from contact_center.errors import BadRequest, Invalid, NotSignedIn
from contact_center.intake.ledger import Ledger
from contact_center.keys import Keys
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.channels import ChannelAccount
from contact_center.model.people import Viewer
from contact_center.store import Connection, Store, audit
from contact_center.store.blobs import BlobFiles
from contact_center.store.repositories import access
from contact_center.tickets.replies import Sending

T = TypeVar("T")
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Services:
    """Everything the HTTP room needs, handed in by the composition root."""

    settings: Settings
    store: Store
    keys: Keys
    files: BlobFiles
    clock: Clock
    environment: Callable[[str], Environment]
    refresh_channels: Callable[[], Coroutine[Any, Any, None]]
    wake_intake: Callable[[], None]
    wake_imports: Callable[[], None]
    wake_webhooks: Callable[[], None]
    waiters: Waiters
    """Requests that wait for the journal to grow."""
    openings: Openings
    """Where it is told who opened which customer."""
    inbox: Callable[[ChannelAccount], Inbox]
    """Where a connector puts what it hears by HTTP."""
    ledger: Ledger
    """What people do with the ledger."""
    checks: dict[str, Callable[[], Coroutine[Any, Any, str]]] = field(default_factory=dict)
    """Named readiness checks; each returns a word when well and raises when not."""
    reports: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """How many reports are counted at once: each may keep a reader of the store busy for a long time."""
    counting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """How many people's views are counted at once: all consoles ask after the same event, and others want to read too."""
    boards: Shared = field(default_factory=Shared)
    """Boards that are asked for at once by people who see the same are made once."""
    gauges: Callable[[], dict[str, float]] = dict
    """Numbers for /metrics."""

    @property
    def sending(self) -> Sending:
        """What replying needs."""
        reaches = {kind.name: kind.reaches for kind in registry.kinds().values() if kind.can_send}
        return Sending(self.keys, timedelta(seconds=self.settings.mail.undo_send_seconds), reaches, _conversation, _recipient)


SERVICES = web.AppKey("services", Services)


class Replayed(Exception):
    """The request was carried out before under the same key; this is what it answered."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self.body = body
        super().__init__(status)


class Context:
    """One request."""

    def __init__(
        self,
        request: web.Request,
        viewer: Viewer | None,
        *,
        once: bool = False,
        status: int = 200,
        admitted: Callable[[], Coroutine[Any, Any, Viewer | None]] | None = None,
    ) -> None:
        self.request = request
        self._admitted = admitted
        self.services: Services = request.app[SERVICES]
        self.store = self.services.store
        self._viewer = viewer
        self._once = once
        self._status = status
        self.headers: dict[str, str] = {}
        """Headers to add to the answer."""
        self.cookies: list[tuple[str, str, dict[str, Any]]] = []

    @property
    def viewer(self) -> Viewer:
        """Who asks. Raises NotSignedIn on a public route nobody is signed in at."""
        if self._viewer is None:
            raise NotSignedIn
        return self._viewer

    async def admit_again(self) -> None:
        """Ask once more who the viewer is and what they may, after a body that took its time.

        Raises NotSignedIn or Forbidden when that has changed for the worse.
        """
        if self._admitted is not None:
            self._viewer = await self._admitted()

    def act(self) -> Act:
        """The viewer, acting now."""
        return Act(self.services.clock(), self._viewer.user_id if self._viewer else None, client_address(self.request))

    async def opened(self, contact_id: int) -> None:
        """The audit log tells, before the answer goes out, that the viewer opened this customer."""
        viewer, address = self.viewer, client_address(self.request)
        await self.services.openings.note(viewer.user_id, address, contact_id, by_token=viewer.scopes is not None)

    async def told(self, action: Action, kind: Subject, object_id: int | None = None, **detail: Any) -> None:
        """The audit log tells of something that changes nothing in the database."""
        await self.store.write(_told, self.act(), action, kind, object_id, detail)

    async def read(self, unit: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a read in a consistent snapshot."""
        return await self.store.read(unit, *args, **kwargs)

    async def write(self, unit: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a change in one transaction.

        On a route that asks for an Idempotency-Key, the key is claimed and the answer kept in that same transaction, so
        that neither a crash nor a race can make the change twice or lose it. Raises Replayed with the earlier answer.
        """
        if not self._once:
            return await self.store.write(unit, *args, **kwargs)
        return await self.write_part("", unit, *args, **kwargs)

    async def write_part(self, part: str, unit: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """The same for one of several changes that a request makes, each with a claim of its own: a repetition does those that are left."""
        key = self.request.headers.get("Idempotency-Key", "")
        if not 1 <= len(key) <= 200:
            raise BadRequest("This request needs an Idempotency-Key header of 1 to 200 characters.")
        request_hash = hashlib.sha256(f"{self.request.method} {self.request.path}\n".encode() + await self.request.read()).hexdigest()
        claim = (self.viewer.user_id, f"{key} {part}" if part else key, request_hash, self.services.clock(), self._status)
        return await self.store.write(_once, claim, unit, args, kwargs)


def _told(connection: Connection, act: Act, action: Action, kind: Subject, object_id: int | None, detail: dict[str, Any]) -> None:
    audit.note(connection, act, action, kind, object_id, **detail)


def _conversation(kind: str, ours: str, theirs: str) -> str | None:
    return registry.find(kind).conversation(ours, theirs)


def _recipient(kind: str, ours: str, theirs: str) -> str:
    return registry.find(kind).recipient(ours, theirs)


def _once(connection: Connection, claim: tuple[int, str, str, datetime, int], unit: Callable[..., T], args: Any, kwargs: Any) -> T:
    user_id, key, request_hash, now, status = claim
    earlier = access.claim_key(connection, user_id, key, request_hash, now)
    if earlier is not None:
        if earlier["request_hash"] != request_hash:
            raise Invalid("This Idempotency-Key was used for another request.")
        raise Replayed(earlier["status"], earlier["body"])
    result = unit(connection, *args, **kwargs)
    access.settle_key(connection, user_id, key, status, to_json(result).decode())
    return result
