"""What the contract suite needs to know of a channel. Each channel's tests define a `CASE` in their `case.py`."""

from dataclasses import dataclass, field
from typing import Any

from contact_center.errors import ChannelError
from contact_center.model.messages import RawItem


@dataclass(frozen=True)
class Case:
    """A channel under the suite."""

    kind: str
    items: tuple[RawItem, ...]
    """Raw items as its connector hands them over, each understood by `parse` as something of its own."""
    options: dict[str, Any] = field(default_factory=dict)
    """The least an account needs, with nothing to connect to."""
    refused: tuple[dict[str, Any], type[ChannelError]] | None = None
    """Options whose `check` must fail, and how. None: the channel connects to nothing."""
    entries: int | None = None
    """How many entries the items make; None: one each."""
