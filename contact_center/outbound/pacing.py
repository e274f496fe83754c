"""Which queued messages leave now: few at once for each account, and no faster than its provider bears.

One account with a thousand messages, or with a server that takes a minute for each, must not hold up the others.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from contact_center.store import Connection, Row
from contact_center.store.repositories import outbox

PER_ACCOUNT = 4
"""Messages of one account on their way at the same time, from one process."""
AT_ONCE = 32
"""Messages of all accounts on their way at the same time, from one process."""


@dataclass(frozen=True, slots=True)
class Leased:
    """What was taken, and which accounts must wait until when before more is taken of theirs."""

    rows: list[Row]
    held: dict[int, datetime]


def lease(connection: Connection, holder: str, now: datetime, on_their_way: Mapping[int, int], waiting: Collection[int]) -> Leased:
    """Lease what may leave now, whoever waits longest first.

    `on_their_way` counts what each account is sending already; of those that are `waiting` for their turn nothing is taken.
    """
    rows: list[Row] = []
    held: dict[int, datetime] = {}
    left = AT_ONCE - sum(on_their_way.values())
    for account in outbox.due_accounts(connection, now):
        room = min(PER_ACCOUNT - on_their_way.get(account["id"], 0), left - len(rows))
        if room <= 0 or account["id"] in waiting:
            continue
        pace = int(account["options"].get("send_per_minute") or 0)
        if pace > 0:
            # Evenly, and counted in the database: several processes together keep the pace too.
            granted, held[account["id"]] = outbox.take_turn(connection, account["id"], now, timedelta(minutes=1) / pace)
            if not granted:
                continue
            room = 1
        rows += outbox.lease_due(connection, holder, now, room, account["id"])
    return Leased(rows, held)
