"""A house and a receiver, for every test of the room."""

from collections.abc import AsyncIterator

import pytest

from contact_center.store import Store
from contact_center.testing import FrozenClock
from tests.webhooks.receiver import House, Receiver, make_house


@pytest.fixture
async def house(store: Store, clock: FrozenClock) -> AsyncIterator[House]:
    """On each engine."""
    made = await make_house(store, clock)
    yield made
    await made.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A server that listens on this machine."""
    made = await Receiver().start()
    yield made
    await made.close()
