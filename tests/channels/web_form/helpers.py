"""A form on a running server, and a customer who is no browser."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from contact_center.channels.base import Environment, HookReply, HookRequest
from contact_center.channels.web_form.challenge import solve
from contact_center.channels.web_form.connector import WebFormConnector
from contact_center.channels.web_form.options import WebFormOptions
from contact_center.keys import Keys
from contact_center.model.channels import ChannelAccount
from contact_center.testing import RunningApp

KEYS = Keys("a secret of sixteen")
JSON = {"Accept": "application/json"}
FIELDS = [
    {"name": "name", "label": "Name", "type": "text", "required": True},
    {"name": "email", "label": "E-mail", "type": "email"},
    {"name": "phone", "label": "Phone", "type": "phone"},
    {"name": "topic", "label": "Topic", "type": "choice", "choices": ["Order", "Return"]},
    {"name": "message", "label": "Message", "type": "textarea", "required": True},
    {"name": "gift", "label": "It is a gift", "type": "checkbox"},
    {"name": "photos", "label": "Photos", "type": "file"},
]
ANNA = {"name": "Anna", "email": "anna@example.com", "message": "Where is order 117?"}


def options(**values: Any) -> dict[str, Any]:
    """Options of a form that is quick to solve."""
    fields = values.pop("fields", FIELDS)
    return {"title": "Write to us", "difficulty": 8, "callback": True, "fields": json.dumps(fields)} | values


def connector(account_id: int = 1, now: float = 1_800_000_000.0, **values: Any) -> WebFormConnector:
    """A form without a server around it."""
    account = ChannelAccount(account_id, 1, "web_form", "Form", "form", 1)
    environment = Environment(
        spool_dir=None,  # type: ignore[arg-type]
        hostname="localhost",
        hook_url=lambda number: f"https://help.example/hooks/{number}-code",
        keys=KEYS,
    )
    return WebFormConnector(account, WebFormOptions.model_validate(options(**values)), environment, lambda: now)


def a_request(
    method: str = "GET", path: str = "", body: bytes = b"", headers: Mapping[str, str] | None = None, *, json_wanted: bool = False
) -> HookRequest:
    """A request as the server hands it over."""
    given = dict(headers or {}) | (JSON if json_wanted else {})
    return HookRequest(method, path, f"https://help.example/hooks/1-code/{path}", (), given, body, "192.0.2.1")


def posted(document: Any, path: str = "", *, json_wanted: bool = True) -> HookRequest:
    """A POST of JSON."""
    return a_request("POST", path, json.dumps(document).encode(), {"Content-Type": "application/json"}, json_wanted=json_wanted)


def said(reply: HookReply) -> Any:
    """The JSON that a reply holds."""
    return json.loads(reply.body)


@dataclass
class Visitor:
    """Somebody outside, with nothing but the address of a form."""

    client: aiohttp.ClientSession
    base: str

    async def worked(self, path: str = "") -> dict[str, str]:
        """A solved challenge of the form, or of the private page at `path`."""
        async with self.client.get(f"{path or self.base}/challenge") as response:
            challenge = (await response.json())["challenge"]
        return {"challenge": challenge, "solution": solve(challenge)}

    async def send(self, fields: Mapping[str, Any] = ANNA, **own: Any) -> tuple[int, Any]:
        """Fill the form in and send it; the status and what is answered."""
        body = await self.worked() | {"fields": dict(fields)} | own
        return await self.post(self.base, body)

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """POST JSON as the page's script does."""
        async with self.client.post(path, json=body, headers=JSON) as response:
            return response.status, await response.json()

    async def request(self, fields: Mapping[str, Any] = ANNA, **own: Any) -> str:
        """Send the form; the path of the private page."""
        status, answer = await self.send(fields, **own)
        assert status == 200, answer
        return str(answer["path"])

    async def add(self, path: str, verb: str = "messages", **own: Any) -> tuple[int, Any]:
        """Write, or ask to be called, on the private page."""
        return await self.post(f"{path}/{verb}", await self.worked(path) | own)

    async def page(self, path: str) -> tuple[int, str]:
        """A page as a browser gets it."""
        async with self.client.get(path, headers={"Accept": "text/html"}) as response:
            return response.status, await response.text()

    async def news(self, path: str) -> Any:
        """What the private page's script gets."""
        async with self.client.get(path, headers=JSON) as response:
            return await response.json()


async def open_form(app: RunningApp, **values: Any) -> str:
    """Make a form on a running server; its address."""
    async with app.session() as admin:
        body = {
            "kind": "web_form",
            "name": "Form",
            "address": values.pop("address", "contact"),
            "queue_id": 1,
            "options": options(**values),
        }
        async with admin.post("/api/v1/channels", json=body) as response:
            made = await response.json()
            assert response.status == 201, made
    return str(app.url + urlsplit(made["hook_url"]).path)


@asynccontextmanager
async def visiting(app: RunningApp, **values: Any) -> AsyncIterator[Visitor]:
    """A form and its visitor."""
    url = await open_form(app, **values)
    async with aiohttp.ClientSession(app.url) as client:
        yield Visitor(client, urlsplit(url).path)
