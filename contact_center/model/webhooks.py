"""Webhooks that we send, in the one shape that the API returns."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contact_center.model.events import CATALOGUE, AccessChanged, NoticeChanged

TEST = "webhook.test"
"""The type of a message that somebody sends to see whether it arrives."""
TYPES = tuple(name for name in CATALOGUE if name not in (AccessChanged.TYPE, NoticeChanged.TYPE))
"""What an endpoint can choose. What an employee may see, and what they are told of, is told to that employee only."""


class DeliveryState(StrEnum):
    """Where a message to an endpoint stands."""

    PENDING = "pending"
    LEASED = "leased"
    """It is being sent at this moment."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """All attempts were in vain."""
    WITHHELD = "withheld"
    """While it waited it became something that the endpoint may not hear."""


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where events are sent to. Its secret is shown when it is made, and never again."""

    id: int
    name: str
    url: str
    types: list[str]
    confidential: bool
    """It hears of confidential queues too."""
    enabled: bool
    stopped_because: str
    """Why it was stopped, when the product stopped it by itself."""
    failing_since: datetime | None
    """The first failure since something was delivered last."""
    earlier_secret_until: datetime | None
    """Until then messages are signed with the earlier secret too."""
    cursor: int
    """The journal's number up to which events were turned into messages."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """A message to an endpoint, and what became of it."""

    id: int
    message_id: str
    """The `webhook-id`: the same at every attempt, so that the receiver knows a repetition."""
    seq: int | None
    """The journal's number; None for a test."""
    type: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    """None when there is none to come."""
    last_status: int | None
    """What the other side answered last; None when it did not."""
    last_error: str
    last_milliseconds: int | None
    created_at: datetime
    ended_at: datetime | None
