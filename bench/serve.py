"""The product in a process of its own, with a control door for the benchmark.

`python -m bench.serve FOLDER DATABASE_URL [history N | day N]`: with `history N` there is a contact with N mails, in tickets of
about 20; with `day N` so many turns of today in ten queues. Prints one line of JSON when it is ready. The control door makes the
events that fan-out and boards measure.
"""

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web
from sqlalchemy import text

from bench.crowd import gather, go_on
from bench.figures import QUEUES, TICKETS, UNIT, queues_of, spread
from bench.places import quiet
from bench.store import received
from contact_center.app import utc_now
from contact_center.console import wire
from contact_center.intake.pipeline import settle_batch
from contact_center.model.channels import ChannelNews
from contact_center.model.events import ChannelChanged, Event
from contact_center.model.messages import InboundMessage, InboundPerson
from contact_center.model.words import EntryKind, Health, PointKind
from contact_center.store import Connection, journal
from contact_center.testing import RunningApp, running_app


async def serve(folder: Path, database_url: str, kind: str, count: int) -> None:
    """Run until the process is told to stop."""
    async with running_app(folder, database_url=database_url) as running:
        runner = web.AppRunner(_control(running), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        contact_id = await _write_history(running, count) if kind == "history" else None
        if kind == "day":
            await _write_day(running, count)
        about = await _about(running, runner.addresses[0][1])
        print(json.dumps(about | {"contact_id": contact_id}), flush=True)
        await _told_to_stop()
        await runner.cleanup()


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


async def _write_history(running: RunningApp, count: int) -> int:
    """Settle mails of one customer through the product; returns the contact's id."""
    parsed = await received(running.store, [_mail(number) for number in range(count)])
    rules = running.product.pipeline.rules
    for start in range(0, count, 100):
        await running.store.write(settle_batch, rules, parsed[start : start + 100], utc_now())
    found = await running.store.read(lambda connection: connection.execute(text("SELECT max(contact_id) FROM interaction")).scalar_one())
    return int(found)


async def _write_day(running: RunningApp, turns: int) -> None:
    """A thousand open tickets, and a day of turns that are over."""
    await gather(running.store, TICKETS)
    queues = await running.store.write(queues_of, QUEUES)
    now = utc_now()
    for start in range(0, turns, UNIT):
        await running.store.write_bulk(spread, start, min(turns, start + UNIT), turns, queues, now - timedelta(hours=8), now)
    await running.store.write(go_on)


def _mail(number: int) -> InboundMessage:
    words = f"Order {number}: where is it, and when does it come? " * 18  # about 900 characters
    hints = () if number % 20 == 0 else (f"h{number - 1}@example.com",)
    customer = InboundPerson(PointKind.EMAIL, "anna@example.com", "Anna Petrova")
    support = InboundPerson(PointKind.EMAIL, "support@localhost")
    key = f"h{number}@example.com"
    return InboundMessage(EntryKind.EMAIL, customer, (support,), f"Order {number}", words, words, None, None, key, hints)


async def _about(running: RunningApp, control: int) -> dict[str, Any]:
    async with running.session() as client:
        cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in client.cookie_jar)
    for _ in range(500):  # the receiver opens its door in a task of its own
        listener = running.product.supervisor.listening.get("email")
        if listener is not None and getattr(listener, "port", 0):
            break
        await asyncio.sleep(0.02)
    port = int(running.url.rsplit(":", 1)[1])
    return {"url": running.url, "port": port, "control": control, "cookie": cookies, "mail_port": running.mail_port, "pid": os.getpid()}


def _control(running: RunningApp) -> web.Application:
    async def fan(request: web.Request) -> web.Response:
        count, gap, kind = int(request.query["n"]), float(request.query.get("gap", 0)), request.query["kind"]
        emit = {"journal": _emit_journal, "wire": _emit_wire, "mail": _emit_mail}[kind]
        began = time.perf_counter()
        for number in range(count):
            await emit(running, number)
            await asyncio.sleep(gap)
        return web.json_response({"seconds": time.perf_counter() - began})

    async def settled(_request: web.Request) -> web.Response:
        await running.settled()
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/fan", fan)
    app.router.add_post("/settled", settled)
    return app


async def _emit_journal(running: RunningApp, _number: int) -> None:
    """One event the ordinary way: a commit that appends to the journal; the console's tail does the rest."""
    await running.store.write(_append)


def _append(connection: Connection) -> None:
    now = utc_now()
    news = ChannelNews(1, "email", "Support", "support@localhost", 1, True, Health.OK, "x" * 40, now)
    journal.append(connection, Event(ChannelChanged(news), 1), at=now)


async def _emit_mail(running: RunningApp, _number: int) -> None:
    """A new mail of somebody new: their ticket and their turn."""
    number = time.time_ns()
    sender = InboundPerson(PointKind.EMAIL, f"c{number}@example.com", f"Customer {number}")
    mail = replace(_mail(0), sender=sender, message_key=f"n{number}@example.com", subject=f"Order {number}")
    await running.store.write(settle_batch, running.product.pipeline.rules, await received(running.store, [mail]), utc_now())


async def _emit_wire(running: RunningApp, number: int) -> None:
    """One packet written to every socket, without journal and rights."""
    console = running.product.console
    frame = wire.Frame(console.server, "ev", {"seq": number, "t": time.time(), "body": "x" * 200})
    for listener in list(console._listeners.values()):
        await wire.write(console.server, listener.eio_sid, frame)


def main() -> None:
    """Serve until SIGTERM."""
    quiet()
    kind, count = (sys.argv[3], int(sys.argv[4])) if len(sys.argv) > 4 else ("", 0)
    uvloop.run(serve(Path(sys.argv[1]), sys.argv[2], kind, count))


if __name__ == "__main__":
    main()
