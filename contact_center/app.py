"""The composition root: the only file that knows every room. Reads like the parts list of the product."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from contact_center import agent_ui
from contact_center.api import security
from contact_center.api.addresses import client_address
from contact_center.api.context import SERVICES, Services
from contact_center.api.handlers.channels import decrypt_options, publish_channel
from contact_center.api.openings import Openings
from contact_center.api.server import make_app
from contact_center.automation.runner import Runner
from contact_center.bus import Doorbell, PostgresDoorbell
from contact_center.bus.waiting import Waiters
from contact_center.channels import registry
from contact_center.channels.base import Connector, Environment, Inbox
from contact_center.channels.supervisor import Supervisor
from contact_center.config import Settings
from contact_center.console.focus import Focus
from contact_center.console.live import Console
from contact_center.console.presence import Presence
from contact_center.contacts.importing.runner import Imports
from contact_center.errors import ConfigError, Unavailable
from contact_center.figures.alerts import Lookout
from contact_center.figures.folder import Folder
from contact_center.intake.fetching import Fetcher
from contact_center.intake.ledger import Ledger
from contact_center.intake.parsing import Parsers
from contact_center.intake.pipeline import Pipeline
from contact_center.intake.settle import Rules
from contact_center.intake.watch import Watch
from contact_center.keys import Keys, Seal, load_audit_keys, load_secrets, new_token, token_hash
from contact_center.model.acts import Act
from contact_center.model.channels import ChannelAccount
from contact_center.model.people import Viewer
from contact_center.model.words import Health
from contact_center.outbound.sender import Sender
from contact_center.routing.dispatcher import Dispatcher
from contact_center.routing.offers import Weights
from contact_center.search.finder import lag
from contact_center.search.indexer import Indexer
from contact_center.store import Connection, Store, audit, audit_check, open_store, version
from contact_center.store.blobs import BlobFiles
from contact_center.store.leases import Undertaker
from contact_center.store.repositories import access, automatic, channels, drafts, notices, outbox
from contact_center.surveys.asker import Asker
from contact_center.tasks import spawn, stop
from contact_center.webhooks.sending import WebhookSender

logger = structlog.get_logger(__name__)

LEASE_TTL = timedelta(seconds=12)  # a dead process's mailboxes and mails are taken over after this
HOUSEKEEPING_SECONDS = 3600.0
DRAIN_SECONDS = 15.0  # how long a stopping process lets mails that are being sent come to their end
KEEP_KEYS = timedelta(hours=24)
KEEP_DRAFTS = timedelta(days=90)  # that nobody touched, and notices that were read
KEEP_COUNTS = timedelta(days=2)  # of automatic messages, which are counted by the day


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


@dataclass
class Product:
    """Everything that runs in one process."""

    settings: Settings
    store: Store
    keys: Keys
    files: BlobFiles
    pipeline: Pipeline
    parsers: Parsers
    sender: Sender
    fetcher: Fetcher
    imports: Imports
    indexer: Indexer
    supervisor: Supervisor
    ledger: Ledger
    watch: Watch
    console: Console
    doorbell: Doorbell
    webhooks: WebhookSender
    dispatcher: Dispatcher
    runner: Runner
    asker: Asker
    waiters: Waiters
    app: web.Application
    holder: str


RESTORING = "restore.under-way"
"""A file of the data folder that stands there while a backup is put back, and for as long as that was not finished."""


async def open_database(settings: Settings) -> Store:
    """The store, migrated, with what an empty database needs to begin. Raises ConfigError after a restore that was cut off."""
    if (marker := settings.data_dir / RESTORING).exists():
        raise ConfigError(f"A backup is being restored, or the restore was cut off: run it again, or delete {marker} to go on without.")
    store = await open_store(settings.effective_database_url, settings.data_dir / "blobs")
    try:
        await store.migrate()
        await store.write(_ensure_beginnings, utc_now())
    except BaseException:
        await store.close()
        raise
    return store


def load_keys(settings: Settings) -> Keys:
    """The instance's keys, from the settings or the file beside the data."""
    if settings.secret_key is not None:
        earlier = [each.get_secret_value() for each in settings.earlier_secret_keys]
        return Keys(settings.secret_key.get_secret_value(), *earlier)
    return Keys(*load_secrets(settings.data_dir / "secret_key"))


def load_seal(settings: Settings) -> Seal:
    """What seals the audit log, with the keys of before."""
    return load_keys(settings).seal(load_audit_keys(settings.data_dir))


def environment_of(settings: Settings, keys: Keys, store: Store) -> Callable[[str], Environment]:
    """What connectors of a kind may know of this machine."""

    async def keep_secret(account_id: int, option: str, value: str) -> None:
        await store.write(_keep_secret, account_id, option, keys.encrypt(value))

    def environment(kind: str) -> Environment:
        section = getattr(settings, {"email": "mail"}.get(kind, kind), None)
        return Environment(
            spool_dir=settings.data_dir / "spool",
            hostname=socket.gethostname() or "localhost",
            public_url=settings.public_url,
            settings=section.model_dump() if section is not None else {},
            hook_url=lambda account_id: f"{settings.base_url.rstrip('/')}/hooks/{account_id}-{keys.sign('hook', str(account_id))}",
            keys=keys,
            keep_secret=keep_secret,
        )

    return environment


def _keep_secret(connection: Connection, account_id: int, option: str, sealed: str) -> None:
    account = channels.find_account(connection, account_id)
    if account is not None:
        channels.change_account(connection, account_id, options=account.options | {option: sealed})


def build(settings: Settings, store: Store, parsers: Parsers | None = None) -> Product:
    """Put the parts together; nothing runs yet. `parsers`: processes that somebody keeps, and not some of its own."""
    keys = load_keys(settings)
    store.seal = load_seal(settings)
    files = BlobFiles(store.blob_dir)
    parsers = parsers or Parsers(settings.mail.parse_workers, settings.mail.parse_seconds)
    rules = Rules(keys, timedelta(days=settings.follow_up_days))
    pipeline = Pipeline(store, files, parsers, rules, utc_now)
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    environment = environment_of(settings, keys, store)
    accounts = _Accounts(store, keys, pipeline, holder)
    supervisor = Supervisor(accounts, environment)
    ledger = Ledger(pipeline, _connect_anew(accounts, environment))
    watch = Watch(store, ledger, lambda account_id: supervisor.connector(account_id) is not None, _publish, utc_now)
    sender = Sender(store, files, _find_connector(supervisor), holder, utc_now)
    fetcher = Fetcher(store, files, _find_connector(supervisor), utc_now)
    imports = Imports(store, files, utc_now)
    keep = timedelta(days=settings.webhooks.keep_days)
    webhooks = WebhookSender(store, keys, holder, utc_now, private=settings.webhooks.allow_private_networks, keep=keep)
    runner = Runner(store, lambda: services.sending, utc_now)
    dispatcher = Dispatcher(store, Weights(settings.routing.weights, settings.routing.weight), utc_now)
    waiters = Waiters()
    services = Services(
        settings=settings,
        store=store,
        keys=keys,
        files=files,
        clock=utc_now,
        environment=environment,
        refresh_channels=supervisor.refresh,
        wake_intake=pipeline.wake,
        wake_imports=imports.wake,
        wake_webhooks=lambda: doorbell.ring(),  # whichever process sends
        waiters=waiters,
        openings=Openings(store, utc_now),
        inbox=pipeline.inbox,
        ledger=ledger,
    )
    app = make_app(services)
    asker = Asker(store, lambda: services.sending, settings.base_url, utc_now)
    console = Console(store, _authenticate(app), _still_valid(services), settings.replay_limit)
    console.address_of, console.on_watch = client_address, services.openings.watched
    console.server.attach(app)
    app.on_shutdown.append(console.let_go)
    app.on_shutdown.append(waiters.close)
    agent_ui.mount(app)
    doorbell = _make_doorbell(store)
    services.checks.update(_checks(store, console, pipeline))
    indexer = Indexer(store)
    object.__setattr__(services, "gauges", lambda: _gauges(console, indexer, webhooks))
    return Product(
        settings,
        store,
        keys,
        files,
        pipeline,
        parsers,
        sender,
        fetcher,
        imports,
        indexer,
        supervisor,
        ledger,
        watch,
        console,
        doorbell,
        webhooks,
        dispatcher,
        runner,
        asker,
        waiters,
        app,
        holder,
    )


@asynccontextmanager
async def running(product: Product, *, workers: bool = True) -> AsyncIterator[Product]:
    """Run everything behind the web server: the live line, and with `workers` intake, sending and channels."""
    product.store.on_commit(product.doorbell.ring)
    product.doorbell.listen(product.console.wake)
    product.doorbell.listen(product.sender.wake)
    product.doorbell.listen(product.fetcher.wake)
    product.doorbell.listen(product.indexer.wake)
    product.doorbell.listen(product.webhooks.wake)
    product.doorbell.listen(product.dispatcher.wake)
    product.doorbell.listen(product.runner.wake)
    product.doorbell.listen(product.waiters.wake)
    await product.doorbell.start()
    await product.console.start()
    presence = Presence(product.store, product.holder, product.console.users, utc_now)
    focus = Focus(product.store, utc_now)
    product.console.on_change, product.console.on_focus = presence.changed, focus.at
    tasks = [
        spawn(_housekeeping(product.store, product.settings.data_dir), name="housekeeping"),
        spawn(presence.run(), name="presence"),
        spawn(focus.run(), name="focus"),
    ]
    if workers:
        tasks.append(spawn(_show_life(product.store, product.holder), name="sender lease"))
        await product.store.write(channels.take_lease, outbox.sender_lease(product.holder), product.holder, utc_now(), LEASE_TTL)
        tasks.append(spawn(product.pipeline.run(), name="intake"))
        tasks.append(spawn(product.fetcher.run(), name="fetcher"))
        tasks.append(spawn(product.imports.run(), name="imports"))
        tasks.append(spawn(product.indexer.run(), name="search index"))
        tasks.append(spawn(product.webhooks.run(), name="webhooks"))
        tasks.append(spawn(product.dispatcher.run(), name="dispatcher"))
        tasks.append(spawn(Lookout(product.store, product.holder, utc_now).run(), name="alerts"))
        tasks.append(spawn(Folder(product.store, product.holder, utc_now).run(), name="rollups"))
        tasks.append(spawn(product.runner.run(), name="rules"))
        tasks.append(spawn(product.asker.run(), name="surveys"))
        # Channels before the sender: it asks them whether a send that a crash interrupted may be repeated.
        await product.supervisor.start()
        tasks.append(spawn(product.watch.run(), name="watch"))
        tasks.append(spawn(product.sender.run(), name="sender"))
    try:
        yield product
    finally:
        await asyncio.gather(product.sender.drain(DRAIN_SECONDS), product.webhooks.drain(DRAIN_SECONDS))
        await product.supervisor.close()
        await stop(*tasks)
        product.parsers.close()
        await product.console.close()
        await product.doorbell.close()


async def first_log_in_url(product: Product) -> str | None:
    """A fresh one-time link for the first administrator, None when there is one already."""
    token = new_token()
    made = await product.store.write(_offer_first_log_in, token_hash(token), utc_now())
    return f"{product.settings.base_url}/first-login#{token}" if made else None


class _Accounts:
    """What the supervisor needs of the rest: see `channels.supervisor.Accounts`."""

    def __init__(self, store: Store, keys: Keys, pipeline: Pipeline, holder: str) -> None:
        self._store = store
        self._keys = keys
        self._pipeline = pipeline
        self._holder = holder

    async def load(self) -> list[ChannelAccount]:
        return [account for stored in await self._store.read(channels.accounts) if (account := await self._in_the_clear(stored))]

    async def _in_the_clear(self, account: ChannelAccount) -> ChannelAccount | None:
        """The account with its secrets, None (and said so) when they cannot be read: the others must run all the same."""
        try:
            return decrypt_options(self._keys, account)
        except ConfigError as error:
            await self.report(account, Health.MISCONFIGURED, error.message)
            return None

    async def take_lease(self, account: ChannelAccount) -> int | None:
        return await self._store.write(channels.take_lease, _lease_name(account), self._holder, utc_now(), LEASE_TTL)

    async def release_lease(self, account: ChannelAccount) -> None:
        try:
            await self._store.write(channels.release_lease, _lease_name(account), self._holder, utc_now())
        except Unavailable as error:
            logger.warning("lease.not_released", error=error.message)

    async def report(self, account: ChannelAccount, health: Health, detail: str) -> None:
        await self._store.write(_report, account, health, detail, utc_now())

    def inbox(self, account: ChannelAccount, fence: int | None, report: Callable[[bool, str], Awaitable[None]]) -> Inbox:
        return self._pipeline.inbox(account, (_lease_name(account), fence) if fence is not None else None, report)


def _lease_name(account: ChannelAccount) -> str:
    return f"channel:{account.id}"


def _report(connection: Connection, account: ChannelAccount, health: Health, detail: str, now: datetime) -> None:
    channels.change_account(connection, account.id, health=health, health_detail=detail[:500], checked_at=now)
    publish_channel(connection, Act(now), account.project_id, account.id)


def _connect_anew(accounts: _Accounts, environment: Callable[[str], Environment]) -> Callable[[int], Any]:
    async def connect(account_id: int) -> tuple[ChannelAccount, Connector] | None:
        account = next((account for account in await accounts.load() if account.id == account_id), None)
        if account is None:
            return None
        kind = registry.find(account.kind)
        return account, kind.connect(account, kind.options.model_validate(account.options), environment(kind.name))

    return connect


def _publish(connection: Connection, account: ChannelAccount, now: datetime) -> None:
    publish_channel(connection, Act(now), account.project_id, account.id)


def _ensure_beginnings(connection: Connection, now: datetime) -> None:
    """A project, a queue, and an inbox that the embedded receiver feeds."""
    if access.first_project(connection) is not None:
        return
    project_id = access.add_project(connection, "default", "Default")
    queue_id = access.add_queue(connection, project_id, "Support", False, now)
    channels.add_account(
        connection,
        project_id=project_id,
        kind="email",
        name="Support",
        address="support@localhost",
        queue_id=queue_id,
        options={"sender_name": "Support", "catch_all": True, "reply_tokens": True},
        created_at=now,
    )


def _offer_first_log_in(connection: Connection, hashed: str, now: datetime) -> bool:
    project_id = access.first_project(connection)
    if project_id is None or access.active_admins(connection, project_id):
        return False
    access.add_invitation(connection, hashed, None, now + timedelta(hours=72))
    return True


def _find_connector(supervisor: Supervisor) -> Callable[[int], Awaitable[Connector | None]]:
    async def find(account_id: int) -> Connector | None:
        return supervisor.connector(account_id)

    return find


def _authenticate(app: web.Application) -> Callable[[web.Request], Awaitable[tuple[Viewer, str] | None]]:
    async def authenticate(request: web.Request) -> tuple[Viewer, str] | None:
        services = app[SERVICES]
        if not security.is_own_origin(services, request.headers.get("Origin"), request.host, request.headers.get("Sec-Fetch-Site")):
            return None
        token = request.cookies.get(security.cookie_name(services), "")
        viewer = await security.viewer_of_session(services, token) if token else None
        return (viewer, token) if viewer else None

    return authenticate


def _still_valid(services: Services) -> Callable[[list[str]], Awaitable[list[Viewer | None]]]:
    async def still_valid(tokens: list[str]) -> list[Viewer | None]:
        return await security.viewers_of_sessions(services, tokens)

    return still_valid


def _make_doorbell(store: Store) -> Doorbell:
    return PostgresDoorbell(store.dsn) if store.dsn else Doorbell()


def _checks(store: Store, console: Console, pipeline: Pipeline) -> dict[str, Callable[[], Any]]:
    async def database() -> str:
        await store.ping()
        return "ok"

    async def migrated() -> str:
        if not await store.read(version.is_current):
            raise Unavailable("the tables are not at this version")
        return "ok"

    async def live_line() -> str:
        if not console.well:
            raise Unavailable("the live line cannot read the journal")
        return f"ok, {console.listeners} consoles"

    async def intake() -> str:
        if pipeline.trouble:
            raise Unavailable(f"what comes in is kept, and not read: {pipeline.trouble}")
        return "ok"

    async def search() -> str:
        behind = await store.read(lag)
        return "ok" if behind == 0 else "ok, the index is being made" if behind < 0 else f"ok, {behind} behind"

    return {"database": database, "migrated": migrated, "live_line": live_line, "intake": intake, "search": search}


def _gauges(console: Console, indexer: Indexer, webhooks: WebhookSender) -> dict[str, float]:
    return {
        "consoles": float(console.listeners),
        "news_sent_total": float(console.sent),
        "search_behind": float(indexer.behind),
        "search_walking": float(indexer.walking),
        "search_stuck": float(bool(indexer.trouble)),
        "webhooks_waiting": float(webhooks.counts.get("waiting", 0)),
        "webhooks_stopped": float(webhooks.counts.get("stopped", 0)),
    }


async def _show_life(store: Store, holder: str) -> None:
    """Renew the lease by which others see that this sender lives, and end those that nobody renews."""
    undertaker = Undertaker(store, LEASE_TTL, utc_now)
    while True:
        await asyncio.sleep(LEASE_TTL.total_seconds() / 4)
        try:
            await store.write(channels.take_lease, outbox.sender_lease(holder), holder, utc_now(), LEASE_TTL)
            await undertaker.look()
        except Unavailable as error:
            logger.warning("sender.lease_not_renewed", error=error.message)


async def _housekeeping(store: Store, data_dir: Path) -> None:
    while True:
        try:
            now = utc_now()
            await store.write(access.forget_old, now, now - KEEP_KEYS)
            await store.write(automatic.forget_old, now - KEEP_COUNTS)
            await store.write(drafts.forget_old, now - KEEP_DRAFTS)
            await store.write(notices.forget_old, now - KEEP_DRAFTS)
            await _anchor(store, data_dir, now)
        except (Unavailable, OSError) as error:
            logger.warning("housekeeping.failed", error=str(error))
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


async def _anchor(store: Store, data_dir: Path, now: datetime) -> None:
    """Once a day the head of the audit log goes into a file and into the log, out of the database's reach."""
    head = await store.read(audit.head)
    if store.seal is not None and (made := await asyncio.to_thread(audit_check.anchor, data_dir, head, store.seal, now)):
        logger.info("audit.anchored", day=made.day, number=made.number, hash=made.hash)
