"""Faults 1 to 6 and 43: kill -9 at every place that a promise depends on."""

import asyncio
from collections.abc import Sequence

from contact_center import failpoints
from tests.chaos.house import House

LATER = {"migrate.step"}  # passed only while an empty database is made: see machine.py
POINTS = [point for point in failpoints.POINTS if point not in LATER]


async def die_at(house: House, points: Sequence[str], *, mails: int = 8) -> list[str]:
    """Let mail come in by both doors and an answer go out, while the process dies at one place after the other.

    Returns the places at which it did not die. Afterwards it runs without orders.
    """
    house.server.kill()
    house.orders = [f"{point}=kill@{house.dice.choice((1, 2)) if point.startswith('intake') else 1}" for point in points]
    await house.start()
    return [point for point in points if not await _dies(house, point, mails)]


async def _dies(house: House, point: str, mails: int) -> bool:
    before = house.server.starts
    house.customers_send(house.tokens(mails))
    house.deliver(house.tokens(mails))
    await house.reply(f"answer {len(house.replies)} at {point}")
    for _ in range(200):
        await house.keep_alive()
        if house.server.starts > before:
            break
        await asyncio.sleep(0.05)
    else:
        house.server.kill()
        await house.keep_alive()
        return False
    await house.customers_done()
    return True
