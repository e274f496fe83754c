"""A limit, not a design: a bare page of 50 messages as JSON, raw sqlite3, one executor hop: `python -m bench.raw_page FILE`."""

import asyncio
import json
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvloop
from aiohttp import web

PAGE = (
    "SELECT id, kind, direction, occurred_at, visible_text FROM interaction WHERE contact_id = ? ORDER BY occurred_at DESC, id DESC LIMIT ?"
)


async def serve(path: str) -> None:
    """Answer GET /page?contact=&limit= until the process is told to stop."""
    connection = sqlite3.connect(path, check_same_thread=False)
    reader = ThreadPoolExecutor(1)

    def read(contact: int, limit: int) -> list[Any]:
        return connection.execute(PAGE, (contact, limit)).fetchall()

    async def page(request: web.Request) -> web.Response:
        contact, limit = int(request.query["contact"]), int(request.query["limit"])
        rows = await asyncio.get_running_loop().run_in_executor(reader, read, contact, limit)
        return web.json_response([dict(zip(("id", "kind", "direction", "at", "text"), row, strict=True)) for row in rows])

    app = web.Application()
    app.router.add_get("/page", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
