"""A house to search in, on each engine."""

import pytest

from contact_center.store import Store
from tests.search.house import House


@pytest.fixture
async def house(store: Store) -> House:
    return await House(store).build()
