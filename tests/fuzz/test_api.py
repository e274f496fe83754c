"""The API held to its own document by requests made from it, as everybody there is. The long part runs with `make fuzz`."""

import asyncio

from contact_center.testing import RunningApp
from tests.api.conftest import plain_logs  # noqa: F401 - a fixture
from tests.fuzz import api
from tests.fuzz.people import people

EXAMPLES = 2
"""Right ones and wrong ones, for each route."""


async def test_the_api_is_what_its_document_says(server: RunningApp) -> None:
    """No server's error, no status, media type or shape that the document does not promise, none of our insides."""
    headers, ids = await people(server)
    found = await asyncio.to_thread(api.send, server.url, headers, ids, api.drawn(EXAMPLES, 1), seed=1, roles=2)
    assert found.failures == {}, "\n".join(f"{name}\n    {told}" for name, told in found.failures.items())
    assert found.statuses[200] > 50, "most requests meet something that exists"
    assert set(found.statuses) >= {200, 201, 204, 401, 403, 404, 422}
