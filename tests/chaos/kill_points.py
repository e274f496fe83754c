"""Faults 1 to 6 and 43: kill -9 at every place that a promise depends on."""

import asyncio
import time
from collections.abc import Sequence

from contact_center import failpoints, tasks
from tests.chaos.house import House

# Passed while an empty database is made (see machines.py), and where there are rules (see tests/automation/test_kill.py).
LATER = {"migrate.step", "rule.fired"}
POINTS = [point for point in failpoints.POINTS if point not in LATER]


async def die_at(house: House, points: Sequence[str], *, mails: int = 8) -> list[str]:
    """Let mail come in by both doors and answers go out, while the process dies at one place after the other.

    Each death is followed by a start with the next order. Returns the orders at which it did not die. Afterwards it runs
    without orders.
    """
    house.server.kill()
    orders = [f"{point}=kill@{house.dice.choice((1, 2)) if point.startswith('intake') else 1}" for point in points]
    spared, answers = [], []
    for number, order in enumerate(orders):
        await asyncio.to_thread(house.server.start, order, wait=False)
        house.customers_send(house.tokens(mails))
        house.deliver(house.tokens(mails))
        answers.append(tasks.spawn(house.reply(f"answer {number}"), name="answer"))
        if not await _died(house):
            spared.append(order)
            house.server.kill()
        house.server.bury()
    await asyncio.to_thread(house.server.start)
    await asyncio.gather(*answers)
    await house.customers_done()
    return spared


async def _died(house: House, seconds: float = 45.0) -> bool:
    deadline = time.monotonic() + seconds
    while house.server.alive and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        house.server.measure()
    return not house.server.alive
