"""A configured instance of a channel, as people and connectors see it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contact_center.model.words import Fate, Health


@dataclass(frozen=True, slots=True)
class ChannelAccount:
    """One mailbox, one number. `options` hold secrets in the clear only inside the connector."""

    id: int
    project_id: int
    kind: str
    name: str
    address: str
    queue_id: int
    enabled: bool = True
    options: dict[str, Any] = field(default_factory=dict)
    health: Health = Health.STARTING
    health_detail: str = ""
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChannelNews:
    """How an account is doing, without its options."""

    id: int
    kind: str
    name: str
    address: str
    queue_id: int
    enabled: bool
    health: Health
    health_detail: str
    checked_at: datetime | None
    can_send: bool = True
    reaches: str | None = None
    """Kind of contact point that its messages go to; None: they need no address."""


@dataclass(frozen=True, slots=True)
class RawItemRow:
    """A raw item in the ledger."""

    id: int
    account_id: int
    provider_key: str
    size: int
    received_at: datetime
    state: Fate
    attempts: int
    reason: str
    interaction_id: int | None
