"""The whole product with a PBX: files written, rotated and read while the account runs and while it stands still."""

import asyncio
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from contact_center.channels.telephony import connector as telephony
from contact_center.store import Store
from contact_center.testing import RunningApp, running_app
from tests.channels.telephony.recordings import EXPECTED, NAMES, lines


async def results(store: Store) -> Counter[str]:
    """How many calls ended how."""
    query = text("SELECT facts FROM interaction WHERE kind = 'telephony' AND cancelled = FALSE")
    rows = await store.read(lambda c: list(c.execute(query).scalars()))
    return Counter(str((orjson.loads(row) if isinstance(row, str | bytes) else row)["result"]) for row in rows)


async def until(running: RunningApp, wanted: Counter[str]) -> None:
    """Wait until the history holds these calls, and a little longer, so that more of them would show."""
    async with asyncio.timeout(60):
        while await results(running.store) != wanted:
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.3)
    await running.settled()
    assert await results(running.store) == wanted


def wanted(names: list[str]) -> Counter[str]:
    return Counter(EXPECTED[name].result for name in names)


async def write(folder: Path, name: str) -> None:
    """A call as the PBX logs it: queue_log while it runs, CDR when it is over, not always whole lines at once."""
    for file, source in (("queue_log", "queue_log"), ("Master.csv", "master")):
        content = b"".join(line + b"\n" for _, line in lines(name, source))
        for part in (content[:70], content[70:]):
            with (folder / file).open("ab") as log:
                log.write(part)
            await asyncio.sleep(0.02)


async def test_a_pbx_beside_a_running_server(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded calls, rotations while the account runs and while it is switched off: every call once, with its result."""
    monkeypatch.setattr(telephony, "POLL", 0.05)
    monkeypatch.setattr(telephony, "QUIET", 0.05)
    pbx = tmp_path / "pbx"
    pbx.mkdir()
    for file in ("Master.csv", "queue_log"):
        (pbx / file).touch()
    options: dict[str, Any] = {"cdr_file": str(pbx / "Master.csv"), "queue_log_file": str(pbx / "queue_log"), "agents": "101=Agent One"}
    async with running_app(tmp_path / "data", database_url=database_url) as running:
        async with running.session() as client:
            body = {"kind": "telephony", "name": "PBX", "address": "lab", "queue_id": 1, "options": options, "check": True}
            async with client.post("/api/v1/channels", json=body) as response:
                assert response.status == 201, await response.text()
            for name in NAMES[:6]:
                await write(pbx, name)
            await until(running, wanted(NAMES[:6]))
            (pbx / "Master.csv").rename(pbx / "Master.csv.1")
            shutil.copy(pbx / "queue_log", pbx / "queue_log.1")
            (pbx / "queue_log").write_bytes(b"")
            await write(pbx, NAMES[6])
            await until(running, wanted(NAMES[:7]))
            async with client.get("/api/v1/channels") as response:
                (account,) = [one for one in await response.json() if one["channel"]["kind"] == "telephony"]
            assert account["channel"]["health"] == "ok"
            channel = f"/api/v1/channels/{account['channel']['id']}"
            async with client.patch(channel, json={"enabled": False}) as response:
                assert response.status == 200, await response.text()
            await write(pbx, NAMES[7])
            (pbx / "Master.csv").rename(pbx / "Master.csv.2")
            (pbx / "queue_log").rename(pbx / "queue_log.2")
            await write(pbx, NAMES[8])
            assert await results(running.store) == wanted(NAMES[:7])
            async with client.patch(channel, json={"enabled": True}) as response:
                assert response.status == 200, await response.text()
            for name in NAMES[9:]:
                await write(pbx, name)
            await until(running, wanted(NAMES))
