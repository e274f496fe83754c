"""Fault 30: many people do one thing at once."""

import asyncio
from collections import Counter

from sqlalchemy import text

from tests.chaos.house import House


async def a_hundred_take_one_ticket(house: House) -> None:
    """A hundred requests at once change the same version of a ticket: one wins, the others are told so."""
    await asyncio.to_thread(house.server.start)
    await house.connect_mailbox()
    house.deliver(house.tokens(1))
    await house.quiet()
    found = await house.store.read(lambda c: c.execute(text("SELECT id, version FROM ticket")).one())
    async with house.client() as client:

        async def take(number: int) -> int:
            body, headers = {"priority": ("low", "high", "urgent")[number % 3]}, {"If-Match": f'"{found[1]}"'}
            async with client.patch(f"/api/v1/tickets/{found[0]}", json=body, headers=headers) as response:
                await response.read()
                return response.status

        answers = Counter(await asyncio.gather(*(take(number) for number in range(100))))
    assert answers[200] == 1, answers
    assert set(answers) <= {200, 412}, answers
    lines = await house.store.read(lambda c: c.execute(text("SELECT count(*) FROM interaction WHERE kind = 'change'")).scalar_one())
    assert lines == 1, f"{lines} changes stand in the history"
