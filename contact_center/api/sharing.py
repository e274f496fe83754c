"""Answers that many ask for at once: whoever asks while one is being made gets the next one, together with all others who do.

So nobody gets an answer that was begun before they asked, and a wall of boards costs what one does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from contact_center.tasks import spawn


class Shared:
    """At most one answer of a kind is being made, and one waits its turn."""

    def __init__(self) -> None:
        self._making: dict[Hashable, asyncio.Task[Any]] = {}
        self._next: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, kind: Hashable, make: Callable[[], Awaitable[Any]]) -> Any:
        """An answer of this kind that was begun after now; raises what making it raises."""
        waits = self._next.get(kind)
        if waits is None:
            waits = self._next[kind] = spawn(self._make(kind, make), name="shared answer")
        outcome, error = await asyncio.shield(waits)
        if error is not None:
            raise error
        return outcome

    async def _make(self, kind: Hashable, make: Callable[[], Awaitable[Any]]) -> tuple[Any, Exception | None]:
        if (before := self._making.get(kind)) is not None:
            await asyncio.wait([before])
        mine = self._making[kind] = self._next.pop(kind)
        try:
            return await make(), None
        except Exception as error:  # noqa: BLE001 - raised where it was asked for
            return None, error
        finally:
            if self._making.get(kind) is mine:
                del self._making[kind]
