"""Answers that many ask for at once: made once for all who wait, and never handed to somebody who asked after they were begun."""

import asyncio

import pytest

from contact_center.api.sharing import Shared


async def test_a_crowd_gets_one_answer_begun_after_each_of_them_asked() -> None:
    """Fifty ask while one is being made: one more is made for all of them."""
    shared, begun = Shared(), 0
    gate = asyncio.Event()

    async def make() -> int:
        nonlocal begun
        begun += 1
        mine = begun
        await gate.wait()
        return mine

    first = asyncio.ensure_future(shared.get("board", make))
    await asyncio.sleep(0.01)
    crowd = [asyncio.ensure_future(shared.get("board", make)) for _ in range(50)]
    other = asyncio.ensure_future(shared.get("another", make))
    await asyncio.sleep(0.01)
    gate.set()
    assert await first == 1
    assert set(await asyncio.gather(*crowd)) == {3}
    assert await other == 2
    assert await shared.get("board", make) == 4


async def test_a_failure_is_everybodys_and_not_for_ever() -> None:
    """Who waited hears what went wrong; the next asks afresh, and one who goes away takes nothing from the others."""
    shared = Shared()

    async def fail() -> int:
        await asyncio.sleep(0.01)
        raise ValueError("no")

    async def work() -> int:
        await asyncio.sleep(0.01)
        return 7

    found = await asyncio.gather(*(shared.get("x", fail) for _ in range(3)), return_exceptions=True)
    assert [str(each) for each in found] == ["no"] * 3
    gone = asyncio.ensure_future(shared.get("x", work))
    stays = asyncio.ensure_future(shared.get("x", work))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 7
    with pytest.raises(asyncio.CancelledError):
        await gone
