"""Which messages of ours a bounce tells of, as far as it is believed.

A bounce comes from whatever mail system, and nobody vouches for it. It must name the id of a message of ours, which carries our
signature, and it may not name other people than those we wrote to: whoever has the id of one reply cannot make addresses fail.
"""

from contact_center.contacts.identity import normalise, without_plus
from contact_center.model.messages import InboundMessage
from contact_center.model.words import PointKind
from contact_center.store import Connection, Row
from contact_center.store.repositories import outbox


def rows(connection: Connection, message: InboundMessage) -> list[Row]:
    """The outbox rows of ours that came back."""
    return [row for row in outbox.by_keys(connection, message.bounce_of) if _is_believed(row, message)]


def unreached(row: Row, message: InboundMessage) -> tuple[str, ...]:
    """Recipients of ours that take no mail: those that are named, or the only one there was."""
    ours = _recipients(row)
    named = [address for plain, address in ours.items() if plain in _plain(message.bounced_people)]
    return tuple(named or (ours.values() if len(ours) == 1 else ()))


def _is_believed(row: Row, message: InboundMessage) -> bool:
    named, ours = _plain(message.bounced_people), _recipients(row).keys()
    # Old systems name nobody. Behind a forwarding another address fails than the one we wrote to.
    return not named or not ours.isdisjoint(named) or not ours.isdisjoint(_plain(message.bounced_to))


def _recipients(row: Row) -> dict[str, str]:
    people = (*row["message"].get("to", ()), *row["message"].get("cc", ()))
    return {plain: person["email"] for person in people for plain in _plain((person["email"],))}


def _plain(addresses: tuple[str, ...]) -> set[str]:
    """Addresses as mailboxes: what stands behind a plus is the same one."""
    return {without_plus(value) for address in addresses if (value := normalise(PointKind.EMAIL, address))}
