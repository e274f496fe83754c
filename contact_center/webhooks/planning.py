"""From the journal to stored messages: what each endpoint hears, by a cursor of its own, in order, each event once.

An endpoint hears what a viewer would hear in the change feed, and the very same document: of all queues that are not
confidential, or, when an administrator allowed it, of the whole project.
"""

import base64
import hashlib
from typing import Any

from contact_center.model.events import Recorded
from contact_center.model.people import Viewer
from contact_center.model.words import Role
from contact_center.store import Connection, Row, Store, dump_json, journal
from contact_center.store.audience import News, for_viewer, reach_of
from contact_center.store.repositories import access, webhooks

BATCH = 200
NOBODY = 0  # an endpoint is no employee
WORDLESS = ("stub", "lost")
"""News that something is there, or was, which one may not read: a person's console must know that, a machine need not."""


async def plan(store: Store, now: Any) -> int:
    """Turn what is new in the journal into messages for every endpoint; returns how many were made."""
    made = 0
    for endpoint_id in await store.read(webhooks.behind):
        while True:
            found = await store.read(_look, endpoint_id)
            if found is None:
                break
            endpoint, upto, messages = found
            at = now()
            rows = [message | {"created_at": at, "next_attempt_at": at} for message in messages]
            # Only if nothing changed since it was read: another process may have planned the same meanwhile.
            if not await store.write(webhooks.advance, endpoint, upto, rows):
                break
            made += len(messages)
    return made


def viewer_of(connection: Connection, endpoint: Row) -> Viewer:
    """Through whose eyes an endpoint looks at the journal."""
    project_id = endpoint["project_id"]
    if endpoint["confidential"]:
        return Viewer(NOBODY, project_id, Role.ADMIN, ())
    queues = access.queues(connection, project_id)
    open_ids = tuple(queue.id for queue in queues if not queue.confidential)
    return Viewer(NOBODY, project_id, Role.SUPERVISOR, open_ids, tuple(queue.id for queue in queues if queue.confidential))


def messages_of(connection: Connection, endpoint: Row, events: list[Recorded]) -> list[dict[str, Any]]:
    """What the endpoint may and wants to hear of these events, at this moment."""
    chosen = set(endpoint["types"])
    viewer, reach = viewer_of(connection, endpoint), reach_of(connection, events)
    heard = [(event, news) for event in events if (news := for_viewer(event, viewer, reach, None)) is not None]
    return [_message(endpoint, event, news) for event, news in heard if news.key not in WORDLESS and news.type in chosen]


def as_of_now(connection: Connection, endpoint: Row, row: Row) -> str | None:
    """The content of a message that has waited, judged once more; None when the endpoint may or wants to hear it no longer."""
    if row["seq"] is None:
        return str(row["payload"])
    events = [event for event in journal.read_after(connection, row["seq"] - 1, 1) if event.seq == row["seq"]]
    if not events:
        return str(row["payload"])
    messages = messages_of(connection, endpoint, events)
    return str(messages[0]["payload"]) if messages else None


def message_id(endpoint: Row, seq: int) -> str:
    """Always the same for the same event and endpoint, also when the message was deleted since and is made once more."""
    text = f"{endpoint['id']} {endpoint['created_at'].isoformat()} {seq}"
    return "msg_" + base64.b32encode(hashlib.sha256(text.encode()).digest()[:20]).decode().lower()


def _look(connection: Connection, endpoint_id: int) -> tuple[Row, int, list[dict[str, Any]]] | None:
    endpoint = webhooks.find(connection, endpoint_id)
    if endpoint is None or not endpoint["enabled"]:
        return None
    events = journal.read_after(connection, endpoint["cursor"], BATCH)
    if not events:
        return None
    return endpoint, events[-1].seq, messages_of(connection, endpoint, events)


def _message(endpoint: Row, event: Recorded, news: News) -> dict[str, Any]:
    payload = {"seq": event.seq, "type": news.type, "at": event.at, "actor_id": event.actor_id, "data": news.data}
    return {"seq": event.seq, "message_id": message_id(endpoint, event.seq), "type": news.type, "payload": dump_json(payload)}
