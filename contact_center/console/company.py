"""Who looks at a ticket now, and who is writing in it: ephemeral, told at once, kept nowhere.

Those at consoles of other processes are not known: the guard against answering over somebody's answer is the server's and
holds everywhere (`tickets.replies`); this is the courtesy before it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is."""

    ticket_id: int
    writing: bool = False


class Company:
    """Where each console is: by socket, so that two windows of one person are two places and one companion."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[int, Place]] = {}

    def goes(self, sid: str, user_id: int, place: Place | None) -> set[int]:
        """A console goes elsewhere, or nowhere; returns the tickets where the company changed."""
        before = self._places.pop(sid, None)
        if place is not None:
            self._places[sid] = (user_id, place)
        if before == (user_id, place):
            return set()
        return {each.ticket_id for each in (before[1] if before else None, place) if each is not None}

    def at(self, ticket_id: int) -> list[dict[str, object]]:
        """Who is there, each once, in order of their number; writing if they write in any window."""
        found: dict[int, bool] = {}
        for user_id, place in self._places.values():
            if place.ticket_id == ticket_id:
                found[user_id] = found.get(user_id, False) or place.writing
        return [{"user_id": user_id, "writing": writing} for user_id, writing in sorted(found.items())]

    def consoles(self, ticket_id: int) -> list[str]:
        """The sockets there."""
        return [sid for sid, (_, place) in self._places.items() if place.ticket_id == ticket_id]
