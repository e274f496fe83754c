"""A mail goes in and can be seen: the shortest way through the whole product, on both engines."""

from contact_center.testing import RunningApp, a_mail


async def test_a_mail_becomes_a_ticket(any_server: RunningApp) -> None:
    """A mail to the ready-made inbox is an open ticket of a provisional contact."""
    await any_server.deliver(a_mail())

    async with any_server.session() as client, client.get("/api/v1/tickets") as response:
        page = await response.json()

    assert [ticket["subject"] for ticket in page["items"]] == ["Where is my order?"]
    assert page["items"][0]["contact"]["provisional"]
