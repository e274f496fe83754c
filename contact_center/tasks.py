"""Background tasks: named, held and supervised. `spawn` is the only place that creates one."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

logger = structlog.get_logger(__name__)

AGAIN_SECONDS = 5.0

_running: set[asyncio.Task[Any]] = set()


def spawn(coroutine: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
    """Run `coroutine` in the background under `name`; a crash is logged, never swallowed in silence."""
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    _running.add(task)
    task.add_done_callback(_finished)
    return task


def _finished(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    if (error := task.exception()) is not None:
        logger.error("task.crashed", task=task.get_name(), error=repr(error), exc_info=error)


async def wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set, at most `seconds`; returns whether it was.

    Not `asyncio.wait_for`: before Python 3.12 that can lose a cancellation which comes at the moment the event is set,
    and whoever stops the task then waits for ever.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel `tasks` and wait until they have really ended. A library that catches a cancellation at the wrong moment goes on as if
    nothing had been asked: who has not ended after a while is asked again.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)
