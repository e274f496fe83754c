"""When a message is tried again, how long it holds the line, and when an endpoint is given up. Pure."""

import secrets
from datetime import timedelta

RETRIES = tuple(
    timedelta(**each)
    for each in (
        {"seconds": 5},
        {"minutes": 5},
        {"minutes": 30},
        {"hours": 2},
        {"hours": 5},
        {"hours": 10},
        {"hours": 14},
        {"hours": 20},
        {"hours": 24},
    )
)
"""What the specification suggests: a little more than three days."""
HOLDS = 3
"""A message that failed this often steps aside, so that one that is never taken cannot stop all the others."""
STOP_AFTER = timedelta(days=5)
"""An endpoint that has failed for so long without taking anything is stopped."""
JITTER = 0.1
LONGEST_ASKED = timedelta(hours=1)
"""The longest `Retry-After` that is heeded."""


def next_delay(attempts: int, asked: timedelta | None = None) -> timedelta | None:
    """How long to wait after so many attempts, a little more or less for each; None when that was the last."""
    if attempts > len(RETRIES):
        return None
    planned = RETRIES[attempts - 1] * (1 + JITTER * secrets.randbelow(1000) / 1000)
    return max(planned, min(asked, LONGEST_ASKED)) if asked else planned


def holds(attempts: int) -> bool:
    """Whether a message that failed so often still keeps those behind it waiting."""
    return attempts < HOLDS
