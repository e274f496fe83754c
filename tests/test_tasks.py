"""Background tasks end when they are told to."""

import asyncio

import pytest

from contact_center import tasks


async def test_a_lost_cancellation_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that swallows the first cancellation, as a library may, ends with the next; whoever stops it does not wait for ever."""
    monkeypatch.setattr(tasks, "AGAIN_SECONDS", 0.05)
    asked = []

    async def deaf() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                asked.append(1)
                if len(asked) == 2:
                    raise

    async def good() -> None:
        await asyncio.sleep(60)

    running = [tasks.spawn(deaf(), name="deaf"), tasks.spawn(good(), name="good")]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.stop(*running)
    assert (len(asked), [task.cancelled() for task in running]) == (2, [True, True])


async def test_what_has_ended_is_not_waited_for() -> None:
    """Also one that ended by a fault."""

    async def broken() -> None:
        raise ValueError("broken")

    task = asyncio.get_running_loop().create_task(broken())
    await asyncio.wait([task])
    async with asyncio.timeout(1):
        await tasks.stop(task)
        await tasks.stop()
    assert isinstance(task.exception(), ValueError)
