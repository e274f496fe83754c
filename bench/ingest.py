"""Mails per second: from a real IMAP mailbox through connector and pipeline to committed tickets."""

import asyncio
import time
from pathlib import Path
from typing import Any

from bench import peers
from bench.corpus import Corpus, bare, make, right_threads
from bench.mailboxes import mailboxes
from bench.places import Fresh, Setting, engines, has_references, reference
from bench.report import Row, show

ADDRESS = "support@bench.local"


def run(setting: Setting) -> None:
    """Measure and print."""
    corpus = make(400 if setting.quick else 2000)
    if corpus is None:
        return
    with engines(setting) as databases, mailboxes(setting, corpus) as server:
        if server is None:
            return
        rows = _measure(setting, corpus, databases, server)
    show(f"Ingest of {len(corpus.files)} mails, IMAP to committed tickets", "mails/s", rows)


def _measure(setting: Setting, corpus: Corpus, databases: dict[str, Fresh], server: Any) -> list[Row]:
    raw = Row("reference g_pipeline", "sqlite")
    product = {engine: Row("product", engine, reference=raw) for engine in databases}
    shuffled = {engine: Row("product, shuffled backlog", engine, reference=raw) for engine in databases}
    with_raw = has_references()
    for _ in range(2 if setting.quick else 3):
        if with_raw:
            found = reference("ingest", corpus.folder, len(corpus.files), scratch=setting.folder("reference"))
            raw.values.append(found["rate"])
            raw.note = f"{found['right']}/{found['true']} threads right"
        for engine, fresh in databases.items():
            for row, folder in ((product[engine], "INBOX"), (shuffled[engine], "Shuffled")):
                rate, right, true = run_product(setting, fresh(), corpus, server, folder)
                row.values.append(rate)
                row.note = f"{right}/{true} threads right" + ("" if right == true else "  WRONG")
    return [raw, *product.values(), *shuffled.values(), *peers.ingest(setting, corpus, databases, list(product.values()))]


def run_product(setting: Setting, url: str, corpus: Corpus, server: Any, folder: str) -> tuple[float, int, int]:
    """(mails per second, threads right, threads) of one run on a fresh database."""
    import uvloop

    return uvloop.run(_run_product(setting.folder("data"), url, corpus, server, folder))


async def _run_product(data: Path, url: str, corpus: Corpus, server: Any, folder: str) -> tuple[float, int, int]:
    from contact_center.testing import running_app

    async with running_app(data, database_url=url) as running, running.session() as client:
        began = time.perf_counter()
        async with client.post("/api/v1/channels", json=channel(server.port, folder)) as response:
            assert response.status == 201, await response.text()
        await _all_settled(running.store, len(corpus.files))
        seconds = time.perf_counter() - began
        ticket_of = await running.store.read(_tickets)
    right, true = right_threads(corpus, ticket_of)
    return len(corpus.files) / seconds, right, true


def channel(port: int, folder: str) -> dict[str, Any]:
    """The settings of a mailbox that reads a folder of the private server."""
    options = {
        "imap_host": "127.0.0.1",
        "imap_port": port,
        "imap_security": "none",
        "imap_user": "ivan",
        "imap_password": "secret",
        "imap_folder": folder,
    }
    return {"kind": "email", "name": "Bench", "address": ADDRESS, "queue_id": 1, "options": options}


async def _all_settled(store: Any, count: int) -> None:
    deadline = time.monotonic() + 240
    while await store.read(_settled) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {await store.read(_settled)} of {count} mails were settled")
        await asyncio.sleep(0.03)


def _settled(connection: Any) -> int:
    from sqlalchemy import text

    return int(connection.execute(text("SELECT count(*) FROM raw_item WHERE state <> 'received'")).scalar_one())


def _tickets(connection: Any) -> dict[str, int]:
    from sqlalchemy import text

    rows = connection.execute(text("SELECT message_key, ticket_id FROM interaction WHERE message_key IS NOT NULL"))
    return {bare(key): ticket for key, ticket in rows}
