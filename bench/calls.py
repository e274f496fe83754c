"""A PBX's log of calls: lines a second from a CDR file to entries, callbacks and contacts."""

import asyncio
import os
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.places import Setting, engines, say
from bench.report import Row, show

PEOPLE = 20_000
PATIENCE = 4 * 3600.0  # seconds for a million lines on the slower engine


def run(setting: Setting) -> None:
    """Measure and print. CALLS names another number of lines than a million, which take an hour and more."""
    count = 3_000 if setting.quick else int(os.environ.get("CALLS", "1000000"))
    with engines(setting) as databases:
        rows = []
        for engine, fresh in databases.items():
            row = Row("telephony, Master.csv", engine)
            seconds, calls, callbacks = _read(setting, fresh(), count)
            row.values.append(count / seconds)
            row.note = f"{calls} calls, {callbacks} callbacks; a million lines take {1_000_000 / (count / seconds) / 60:.0f} min"
            rows.append(row)
    show(f"Import of {count} lines of a call log", "lines/s", rows)


def _read(setting: Setting, url: str, count: int) -> tuple[float, int, int]:
    import uvloop

    return uvloop.run(_import(setting.folder("data"), url, count))


async def _import(folder: Path, url: str, count: int) -> tuple[float, int, int]:
    from contact_center.testing import running_app

    log = folder / "Master.csv"
    log.write_text("".join(lines(count)))
    async with running_app(folder / "server", database_url=url) as running, running.session() as client:
        options = {"cdr_file": str(log), "cdr_format": "master", "our_numbers": "74950000118"}
        body = {"kind": "telephony", "name": "PBX", "address": "office", "queue_id": 1, "options": options}
        began = time.perf_counter()
        async with client.post("/api/v1/channels", json=body) as response:
            assert response.status == 201, await response.text()
        while not await running.store.read(_is_settled, count):
            await asyncio.sleep(0.1)
            if time.perf_counter() - began > PATIENCE:
                say("not every line was settled")
                break
        seconds = time.perf_counter() - began
        calls, callbacks = await running.store.read(_made)
    return seconds, calls, callbacks


def lines(count: int) -> list[str]:
    """Lines as Asterisk writes them: two thirds answered, the last ones a minute ago."""
    chance, now = random.Random(5), datetime.now(UTC)
    made = []
    for number in range(count):
        at = now - timedelta(seconds=20 * (count - number) + 60)
        answered, who = chance.random() < 0.66, f"7916{chance.randrange(PEOPLE):07d}"
        stamp = [(at + timedelta(seconds=s)).strftime("%Y-%m-%d %H:%M:%S") for s in (0, 8, 40)]
        fields = ["", who, "74950000118", "from-trunk", who, f"PJSIP/trunk-{number:08x}", f"PJSIP/101-{number:08x}", "Dial", "PJSIP/101,20",
                  stamp[0], stamp[1] if answered else "", stamp[2]]  # fmt: skip
        state = "ANSWERED" if answered else "NO ANSWER"
        made.append(
            ",".join(f'"{f}"' for f in fields)
            + f',40,{32 if answered else 0},"{state}","DOCUMENTATION","{at.timestamp():.0f}.{number}",""\n'
        )
    return made


def _is_settled(connection: Any, count: int) -> bool:
    """Whether every line came and has its fate; looks at the ends of indexes only, for it is asked ten times a second."""
    from sqlalchemy import text

    from contact_center.store.repositories import raw_items

    newest = connection.execute(text("SELECT max(id) FROM raw_item")).scalar_one() or 0
    return newest >= count and not raw_items.in_flight(connection, 0, 1)


def _made(connection: Any) -> tuple[int, int]:
    from sqlalchemy import text

    calls = connection.execute(text("SELECT count(*) FROM interaction WHERE kind = 'telephony' AND NOT cancelled")).scalar_one()
    callbacks = connection.execute(text("SELECT count(*) FROM work_item WHERE kind = 'callback'")).scalar_one()
    return int(calls), int(callbacks)
