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
    created_at: datetime | None = None
    expect_hours: int | None = None
    """After how many hours without anything people are told; None: silence is ordinary here."""
    silent_since: datetime | None = None
    """Since when nothing has come, once that is longer than expected."""


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
    silent_since: datetime | None = None
    """Since when nothing has come, once that is longer than somebody expects; None: all is well."""
    expect_hours: int | None = None
    spools: bool = False
    """It receives only: what it should send is put into the outgoing spool."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a comparison of the ledger with the source itself found."""

    account_id: int
    at: datetime
    at_source: int = 0
    """How many items the source holds now."""
    in_ledger: int = 0
    """How many of them the ledger has."""
    missing: int = 0
    missing_keys: tuple[str, ...] = ()
    """The first of the missing, by the source's own key."""
    error: str = ""
    """Why the comparison could not be made."""
    can_be_asked: bool = True
    """Whether a source of this kind can say what it holds at all."""


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
