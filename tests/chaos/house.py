"""A product with its peers, on which a fault is tried, and the one checker of what must hold afterwards."""

import asyncio
import contextlib
import smtplib
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from sqlalchemy import text

from contact_center import app as root
from contact_center.api import passwords
from contact_center.app import utc_now
from contact_center.model.words import Role
from contact_center.store import Connection, Store, open_store
from contact_center.store.repositories import access
from contact_center.testing import PASSWORD, settings_for
from tests.chaos.peers import Customers, Sink, letter
from tests.chaos.server import Server
from tests.servers import Dovecot

QUIET_SECONDS = 90.0


@dataclass
class Report:
    """What one run of a fault showed."""

    fault: str
    engine: str
    seed: int
    items: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    premature: int = 0
    """Items that the other side was told we have, and that we did not have."""
    recovery: float = 0.0
    """Seconds from the end of the fault until nothing was left to do."""
    peak_mb: int = 0
    broken: list[str] = field(default_factory=list)
    """What did not hold."""

    def line(self) -> str:
        """For people and for comparison between releases."""
        fates = " ".join(f"{name}={count}" for name, count in sorted(self.fates.items()) if count)
        verdict = "holds" if not self.broken else "BROKEN: " + "; ".join(self.broken)
        return (
            f"{self.fault:<34} {self.engine:<10} seed={self.seed:<4} items={self.items:<5} {fates:<28} doubled={self.duplicates} "
            f"premature={self.premature} recovery={self.recovery:4.1f}s rss={self.peak_mb}MB  {verdict}"
        )


class House:
    """The server, a mailbox at a real Dovecot, a mail server that takes answers, and what was sent by whom."""

    def __init__(self, folder: Path, dovecot: Dovecot | None, database_url: str, dice: Random) -> None:
        self.folder = folder
        self.dovecot = dovecot
        self.url = database_url or f"sqlite:///{folder / 'data' / 'contact-center.sqlite3'}"
        self.server = Server(folder / "data", database_url)
        self.sink = Sink()
        self.dice = dice
        self.at_source: list[str] = []
        """Tokens of mails that the mailbox has."""
        self.accepted: list[str] = []
        """Tokens of mails that our receiver said yes to."""
        self.may_be_gone: set[str] = set()
        """Tokens of mails that somebody removed from the mailbox, maybe before we could fetch them."""
        self.replies: dict[str, str] = {}
        """Texts of replies that the API said yes to, by their idempotency key."""
        self.fault_ended = 0.0
        self.quiet_at = 0.0
        self._numbers = 0
        self._customers: list[Customers] = []
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """The product's database, read beside the running product."""
        assert self._store is not None
        return self._store

    async def begin(self) -> None:
        """An empty product with an administrator; nothing runs yet."""
        await self.sink.start()
        settings = settings_for(self.server.folder, database_url=self.server.database_url)
        store = await root.open_database(settings)
        queues = await store.read(access.queues, 1)
        hashed = await passwords.hash_password(PASSWORD)
        admin = await store.write(access.add_user, 1, "admin@example.com", "Admin", Role.ADMIN, hashed, utc_now())
        await store.write(access.set_grants, admin, [queue.id for queue in queues])
        await store.close()
        self._store = await open_store(self.url, self.server.folder / "blobs")

    async def end(self) -> None:
        """Take everything down."""
        for customers in self._customers:
            customers.stopped.set()
        self.server.kill()
        await self.sink.stop()
        if self._store is not None:
            await self._store.close()

    # What happens.

    def tokens(self, count: int) -> list[str]:
        """New names for mails."""
        self._numbers += count
        return [f"mail{number}" for number in range(self._numbers - count, self._numbers)]

    def deliver(self, tokens: Sequence[str], letters: Sequence[bytes] | None = None) -> None:
        """Put mails into the mailbox at Dovecot, as its own MTA does: again when it says "later"."""
        for number, token in enumerate(tokens):
            for attempt in range(20):
                try:
                    self._deliver(letters[number] if letters else letter(token))
                    break
                except (smtplib.SMTPException, OSError):
                    time.sleep(0.1 * (attempt + 1))  # "later", as an MTA hears it
            else:
                raise TimeoutError("Dovecot takes no mail")
            self.at_source.append(token)

    def _deliver(self, content: bytes) -> None:
        assert self.dovecot is not None
        with smtplib.LMTP("127.0.0.1", self.dovecot.lmtp_port) as lmtp:
            lmtp.sendmail("c@example.com", ["ivan"], content)

    def customers_send(self, tokens: list[str]) -> None:
        """Let customers begin to send to our receiver; they stop when all is taken."""
        self._customers.append(Customers(self.server.mail, tokens))
        self._customers[-1].start()

    async def customers_done(self, seconds: float = 60.0) -> None:
        """Wait until they have been heard."""
        for customers in self._customers:
            await asyncio.to_thread(customers.join, seconds)
            customers.stopped.set()
            self.accepted += customers.accepted
        self._customers = []

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[aiohttp.ClientSession]:
        """An HTTP client that is signed in."""
        async with aiohttp.ClientSession(self.server.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            body = {"email": "admin@example.com", "password": PASSWORD}
            async with client.post("/api/v1/session", json=body) as response:
                assert response.status == 201, await response.text()
            yield client

    async def connect_mailbox(self, *, imap_port: int = 0, smtp_port: int = 0, **options: Any) -> int:
        """An account that reads the mailbox and answers through the sink; returns its id. The server must run."""
        assert self.dovecot is not None
        options = {
            "imap_host": "127.0.0.1", "imap_port": imap_port or self.dovecot.port, "imap_security": "none",
            "imap_user": "ivan", "imap_password": "secret",
            "smtp_host": "127.0.0.1", "smtp_port": smtp_port or self.sink.port, "smtp_security": "none",
        } | options  # fmt: skip
        body = {"kind": "email", "name": "Box", "address": "box@example.org", "queue_id": 1, "options": options}
        async with self.client() as client, client.post("/api/v1/channels", json=body) as response:
            assert response.status == 201, await response.text()
            return int((await response.json())["channel"]["id"])

    async def reply(self, words: str, account: str = "box@example.org") -> None:
        """Answer a ticket of an account that nobody answered yet, asking again until the server says yes."""
        found = await self._until(lambda c: _unanswered(c, account), "a ticket to answer")
        key = f"reply-{words}"
        for _ in range(600):
            try:
                async with self.client() as client:
                    body, headers = {"text": words}, {"Idempotency-Key": key}
                    async with client.post(f"/api/v1/tickets/{found}/replies", json=body, headers=headers) as response:
                        if response.status == 201:
                            self.replies[key] = words
                            return
                        assert response.status >= 500, await response.text()
            except (aiohttp.ClientError, OSError, AssertionError):
                pass
            await asyncio.sleep(0.1)
        raise TimeoutError("no reply was taken")

    async def keep_alive(self) -> bool:
        """Start the server again if it died; whether it had."""
        if self.server.alive:
            return False
        self.server.bury()
        await asyncio.to_thread(self.server.start)
        return True

    async def quiet(self, seconds: float = QUIET_SECONDS) -> None:
        """Wait until all is taken in and sent, starting what died; the time it took is the recovery."""
        self.fault_ended = self.fault_ended or time.monotonic()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await self.keep_alive()
            self.server.measure()
            try:
                if await self.store.read(self._is_quiet):
                    break
            except Exception:
                await asyncio.sleep(0.2)
            await asyncio.sleep(0.1)
        self.quiet_at = time.monotonic()

    def _is_quiet(self, connection: Connection) -> bool:
        waiting = connection.execute(text("SELECT count(*) FROM raw_item WHERE state = 'received'")).scalar_one()
        sending = connection.execute(text("SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased')")).scalar_one()
        subjects = set(connection.execute(text("SELECT subject FROM interaction WHERE direction = 'in'")).scalars())
        return not waiting and not sending and subjects >= {*self.at_source, *self.accepted} - self.may_be_gone

    async def _until(self, look: Any, what: str, seconds: float = 60.0) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (found := await self.store.read(look)) is not None:
                return found
            await asyncio.sleep(0.1)
        raise TimeoutError(what)

    def told(self, *words: str) -> None:
        """The fault really happened: the server's log speaks of it, in one of these words. Raises AssertionError."""
        log = (self.folder / "server.log").read_text()
        assert any(word in log for word in words), f"the log has none of {words}; it ends: {log[-500:]}"

    # What must hold.

    async def check(self, report: Report, *, copies: int = 1) -> Report:
        """The invariants; `copies` is how often a reply may come where its last confirmation was lost."""
        await self.store.read(self._check, report, copies)
        report.recovery = max(0.0, self.quiet_at - self.fault_ended)
        report.peak_mb = self.server.peak_kb // 1024
        return report

    def _check(self, connection: Connection, report: Report, copies: int) -> None:
        report.fates = {row[0]: row[1] for row in connection.execute(text("SELECT state, count(*) FROM raw_item GROUP BY state"))}
        report.items = len(self.at_source) + len(self.accepted)
        seen = Counter(connection.execute(text("SELECT subject FROM interaction WHERE direction = 'in' AND NOT cancelled")).scalars())
        lost = [token for token in self.at_source if not seen[token] and token not in self.may_be_gone]
        premature = [token for token in self.accepted if not seen[token]]
        doubled = {token: times for token, times in seen.items() if times > 1}
        report.duplicates, report.premature = len(doubled), len(premature)
        report.broken += [f"lost: {lost[:5]}"] if lost else []
        report.broken += [f"said yes to and lost: {premature[:5]}"] if premature else []
        report.broken += [f"doubled: {dict(list(doubled.items())[:5])}"] if doubled else []
        if report.fates.get("received"):
            report.broken.append(f"{report.fates['received']} items have no fate")
        report.broken += _books(connection)
        report.broken += self._answers(connection, copies)
        if report.duplicates or report.premature:
            report.broken.append("see above")

    def _answers(self, connection: Connection, copies: int) -> list[str]:
        """Each reply is one entry, and came out once, or a person is told that nobody knows."""
        statement = text("SELECT i.visible_text, o.state, o.message_key FROM outbox o JOIN interaction i ON i.id = o.interaction_id")
        rows = [row for row in connection.execute(statement) if row[0] in self.replies.values()]
        written = Counter(row[0] for row in rows)
        broken = [f"the reply {words!r} is there {written[words]} times" for words in self.replies.values() if written[words] != 1]
        arrived = Counter({key.strip("<>"): count for key, count in self.sink.copies.items()})
        for words, state, key in rows:
            came = arrived[key.strip("<>")]
            most = copies if state in ("sent", "delivered", "bounced") else 1
            least = 1 if state in ("sent", "delivered", "bounced") else 0
            if not least <= came <= most:
                broken.append(f"the reply {words!r} is {state} and came {came} times")
        return broken


def _books(connection: Connection) -> list[str]:
    """Every stored item has one entry, every entry from outside has an item, and nothing dangles."""
    broken = []
    bare = connection.execute(text("SELECT count(*) FROM raw_item WHERE state = 'stored' AND interaction_id IS NULL")).scalar_one()
    if bare:
        broken.append(f"{bare} stored items without an entry")
    orphans = text(
        "SELECT count(*) FROM interaction i WHERE i.direction = 'in' AND NOT i.cancelled"
        " AND NOT EXISTS (SELECT 1 FROM raw_item r WHERE r.interaction_id = i.id)"
    )
    if found := connection.execute(orphans).scalar_one():
        broken.append(f"{found} entries without an original")
    two = text("SELECT count(*) FROM (SELECT ticket_id FROM work_item WHERE closed_at IS NULL GROUP BY ticket_id HAVING count(*) > 1) x")
    if found := connection.execute(two).scalar_one():
        broken.append(f"{found} tickets with two open work items")
    return broken


def _unanswered(connection: Connection, account: str) -> int | None:
    statement = text(
        "SELECT t.id FROM ticket t JOIN interaction i ON i.ticket_id = t.id AND i.direction = 'in'"
        " JOIN channel_account a ON a.id = i.account_id AND a.address = :account"
        " WHERE NOT EXISTS (SELECT 1 FROM interaction o WHERE o.ticket_id = t.id AND o.direction = 'out') ORDER BY t.id LIMIT 1"
    )
    found = connection.execute(statement, {"account": account}).scalar()
    return None if found is None else int(found)


@contextlib.asynccontextmanager
async def house(folder: Path, dovecot: Dovecot | None, *, database_url: str = "", seed: int = 1) -> AsyncIterator[House]:
    """An empty house; the server is not started."""
    folder.mkdir(parents=True, exist_ok=True)
    made = House(folder, dovecot, database_url, Random(seed))
    await made.begin()
    try:
        yield made
    finally:
        await made.end()
