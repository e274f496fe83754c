"""Texts that are written often: kept, filled in for a ticket, refused with a gap."""

from typing import Any

import aiohttp

from contact_center.testing import RunningApp, a_mail


async def _ask(client: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with client.request(method, f"/api/v1{path}", json=body) as response:
        return response.status, await response.json() if response.content_type.endswith("json") else None


async def test_a_text_is_kept_and_filled_in(server: RunningApp) -> None:
    """Kept, changed, filled in for a ticket, and dropped."""
    await server.deliver(a_mail())
    async with server.session() as client:
        text = "Dear {{contact.name}}, about #{{ticket.number}} in {{queue.name}}: {{agent.name}}"
        status, made = await _ask(client, "POST", "/canned-replies", {"title": "Greeting", "text": text})
        assert status == 201
        assert (await _ask(client, "POST", "/canned-replies", {"title": "Greeting", "text": "x"}))[0] == 409
        path = f"/canned-replies/{made['id']}"
        assert (await _ask(client, "GET", f"/tickets/1{path}"))[1] == {"text": "Dear Ivan Petrov, about #1 in Support: Admin"}
        assert (await _ask(client, "PATCH", path, {"title": "Hello", "queue_id": 1}))[1]["queue_id"] == 1
        assert [each["title"] for each in (await _ask(client, "GET", "/canned-replies"))[1]] == ["Hello"]
        assert (await _ask(client, "DELETE", path))[0] == 204
        assert (await _ask(client, "GET", f"/tickets/1{path}"))[0] == 404


async def test_a_gap_is_an_error(server: RunningApp) -> None:
    """A variable that there is not is refused when the text is kept; one without a value when it is filled in."""
    await server.deliver(a_mail(subject="", sender="nameless@example.com"))
    async with server.session() as client:
        status, refused = await _ask(client, "POST", "/canned-replies", {"title": "T", "text": "{{contact.phone}}"})
        assert (status, refused["field"]) == (422, "text")
        made = (await _ask(client, "POST", "/canned-replies", {"title": "T", "text": "About {{ticket.subject}}"}))[1]
        status, refused = await _ask(client, "GET", f"/tickets/1/canned-replies/{made['id']}")
        assert (status, refused["field"]) == (422, "ticket.subject")
        made = (await _ask(client, "POST", "/canned-replies", {"title": "N", "text": "Dear {{contact.name}}"}))[1]
        status, refused = await _ask(client, "GET", f"/tickets/1/canned-replies/{made['id']}")
        assert (status, refused["field"]) == (422, "contact.name"), "an address is nobody's name"
