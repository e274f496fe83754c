"""Who does something, and when. Every verb that changes anything takes one."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Act:
    """The employee who acts (None: the product itself) and the instant, given in so that tests own the clock."""

    now: datetime
    user_id: int | None = None
    address: str = ""
    """From where, for the audit log."""
    by: str = ""
    """The rule that acts, where no employee does."""
