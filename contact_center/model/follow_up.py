"""Whether an answer that comes after the end reopens its ticket, or opens a new one that points back."""

from datetime import datetime, timedelta

from contact_center.model.words import Status

NEVER = 0
ALWAYS = -1


def window(days: int | None, usual: timedelta) -> timedelta | None:
    """For how long an answer reopens, as a queue has it; None: for ever. `usual` is what the settings say."""
    if days is None:
        return usual
    return None if days == ALWAYS else timedelta(days=days)


def reopens(status: Status, resolved_at: datetime | None, now: datetime, days: int | None, usual: timedelta) -> bool:
    """Whether an answer at `now` goes on in its ticket. One that is closed is never reopened; the last second still counts."""
    if status is Status.CLOSED:
        return False
    if status is not Status.RESOLVED or resolved_at is None:
        return True
    lasts = window(days, usual)
    if lasts is None:
        return True
    return lasts > timedelta(0) and now - resolved_at <= lasts
