"""Wishes about being written to: what we say by ourselves when somebody made one, and those that a provider knows of.

A confirmation is an entry of the history without a ticket. It goes out although its recipient has opted out, and it is the
only message that does.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from contact_center.contacts import book
from contact_center.contacts.identity import point_of
from contact_center.keys import Keys
from contact_center.model.acts import Act
from contact_center.model.messages import InboundPerson
from contact_center.model.tickets import Address
from contact_center.model.words import Direction, PointKind
from contact_center.store import Connection, Row
from contact_center.store.repositories import channels, outbox, timeline
from contact_center.tickets import entries
from contact_center.tickets.replies import message_key

CONFIRMS = "confirms"
"""Marks a queued message that goes out in spite of an opt-out."""
MOST_A_DAY = 6  # to one person: somebody who plays with STOP and START spends our money


def confirm(connection: Connection, act: Act, keys: Keys, item: Row, contact_id: int, to: str, text: str) -> None:
    """Queue the one text that says a wish was heeded."""
    account = channels.find_account(connection, item["account_id"])
    since = act.now - timedelta(days=1)
    if account is None or timeline.count_automatic(connection, contact_id, account.id, since) >= MOST_A_DAY:
        return
    recipient = Address("", to)
    entry = entries.add_entry(
        connection,
        act,
        project_id=item["project_id"],
        contact_id=contact_id,
        ticket=None,
        queue_id=item["queue_id"],
        kind=account.kind,
        direction=Direction.OUT,
        text=text,
        body=(text, None, {}),
        account_id=account.id,
        sender_address=account.address,
        automatic=True,
        recipients={"to": [recipient], "cc": []},
    )
    key = message_key(keys, entry.id, account.address)
    timeline.change(connection, entry.id, message_key=key)
    message: dict[str, Any] = {"to": [asdict(recipient)], "cc": [], "subject": "", "text": text, "in_reply_to": None, "references": []}
    message |= {"quoted": "", "reply_token": "", CONFIRMS: True}
    outbox.add(
        connection,
        interaction_id=entry.id,
        account_id=account.id,
        message_key=key,
        message=message,
        next_attempt_at=act.now,
        created_at=act.now,
    )
    entries.publish_entry(connection, act, item["project_id"], entry.id, added=True)


def heed(connection: Connection, act: Act, project_id: int, row: Row, reason: str) -> None:
    """Note as our own that the provider will take no more messages for the recipient of a queued one."""
    for address in row["message"]["to"]:
        point_id = point_of(connection, project_id, InboundPerson(PointKind.PHONE, address["email"]))
        if point_id is not None:
            book.opt_out(connection, act, project_id, row["account_id"], point_id, reason)
