"""The whole API by its document, on a product of its own: the long part."""

import asyncio
import logging
import tempfile
import time
from pathlib import Path

import structlog

from contact_center.testing import running_app
from tests.fuzz import api
from tests.fuzz.people import people


def run(count: int, seed: int, folder: Path) -> int:
    """Requests for every operation as everybody there is; prints a line, and returns how many disagreements there are."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.monotonic()
    found = asyncio.run(_run(count, seed))
    statuses = ", ".join(f"{status}: {number}" for status, number in sorted(found.statuses.items()))
    print(f"{'api':16}{found.sent:>8}{'':>9}{len(found.failures):>8}{found.slowest:>9.2f}s  {time.monotonic() - began:.0f} s; {statuses}")
    for name, seconds in found.slow.items():
        print(f"  slow: {name} {seconds:.1f} s")
    for number, (name, told) in enumerate(found.failures.items()):
        print(f"  {name}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"api-{number}.txt").write_text(f"{name}\n{told}\n", errors="replace")
    return len(found.failures)


async def _run(count: int, seed: int) -> api.Findings:
    drawn = api.drawn(count, seed)
    with tempfile.TemporaryDirectory(prefix="cc-fuzz-") as folder:
        async with running_app(Path(folder)) as server:
            headers, ids = await people(server)
            return await asyncio.to_thread(api.send, server.url, headers, ids, drawn, seed=seed, roles=len(api.ROLES) + 1)
