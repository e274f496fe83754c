"""From a mail's commit to the boards of supervisors that show it: fifty of them open, beside one, and one board asked for alone."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from bench.places import Setting, engines, say, served
from bench.report import Row, percentile, show

BOARDS = 50
GATHER = 0.7  # seconds: how often a board looks at most while news keep coming, as in BoardPage.vue


def run(setting: Setting) -> None:
    """Measure and print."""
    turns, mails = (2_000, 20) if setting.quick else (20_000, 60)
    rows: list[Row] = []
    asked: list[Row] = []
    with engines(setting) as databases:
        for engine, fresh in databases.items():
            with served(setting, fresh(), "day", str(turns)) as about:
                for boards in (1, BOARDS):
                    times, alone = asyncio.run(_watch(about, boards, mails))
                    label = f"{boards} board{'s' if boards > 1 else ''}"
                    rows.append(Row(f"{label}, p50", engine, [percentile(times, 0.5)], note=f"{len(times)} looks"))
                    rows.append(Row(f"{label}, p99", engine, [percentile(times, 0.99)]))
                asked.append(Row("one board asked for, nothing else going on", engine, alone))
    show(f"From the commit of a mail to the boards that count it; {turns:,} turns that day", "ms", rows)
    show("A board", "ms", asked)


async def _watch(about: dict[str, Any], boards: int, mails: int) -> tuple[list[float], list[float]]:
    headers = {"Cookie": about["cookie"]}
    async with aiohttp.ClientSession(about["url"], headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        since = (datetime.now(UTC) - timedelta(hours=10)).isoformat()
        open_boards = [_Board(session, since) for _ in range(boards)]
        tasks = [asyncio.create_task(board.watch()) for board in open_boards]
        await asyncio.gather(*(board.ready.wait() for board in open_boards))
        alone = [await _time(open_boards[0].look()) for _ in range(5)]
        for board in open_boards:
            board.times.clear()
        control = f"http://127.0.0.1:{about['control']}/fan?n={mails}&gap=1.1&kind=mail"
        async with session.post(control) as response:
            response.raise_for_status()
        await asyncio.sleep(3)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    times = [each for board in open_boards for each in board.times]
    if len(times) < boards * mails:
        say(f"only {len(times)} of {boards * mails} were seen")
    return times, alone


async def _time(work: Any) -> float:
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1000


class _Board:
    """What the page does: hear news, look, and look again at most so often while more comes."""

    def __init__(self, session: aiohttp.ClientSession, since: str) -> None:
        self._session = session
        self._since = since
        self._unseen: list[tuple[int, float]] = []
        self._looking: asyncio.Task[None] | None = None
        self._looked = 0.0
        self.ready = asyncio.Event()
        self.times: list[float] = []

    async def watch(self) -> None:
        """Until cancelled."""
        async with self._session.ws_connect("/socket.io/?EIO=4&transport=websocket", max_msg_size=0) as socket:
            async for message in socket:
                text = str(message.data)
                if text.startswith("0"):
                    await socket.send_str("40")
                elif text == "2":
                    await socket.send_str("3")
                elif text.startswith("40"):
                    await self.look()
                    self.ready.set()
                elif text.startswith('42["news"'):
                    self._heard(json.loads(text[2:])[1])

    def _heard(self, news: dict[str, Any]) -> None:
        for event in news["events"]:
            if event["type"] == "ticket.created":
                self._unseen.append((event["seq"], datetime.fromisoformat(event["at"]).timestamp()))
        if self._looking is None:
            self._looking = asyncio.create_task(self._soon())

    async def _soon(self) -> None:
        await asyncio.sleep(max(0.0, self._looked + GATHER - time.monotonic()))
        self._looking = None
        self._looked = time.monotonic()
        await self.look()

    async def look(self) -> None:
        """Ask for the board; what it counts has reached it."""
        async with self._session.get("/api/v1/board", params={"since": self._since}) as response:
            response.raise_for_status()
            board = await response.json()
        now = time.time()
        self.times += [(now - at) * 1000 for seq, at in self._unseen if seq <= board["as_of"]]
        self._unseen = [(seq, at) for seq, at in self._unseen if seq > board["as_of"]]
