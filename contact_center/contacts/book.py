"""The address book: what people do to a contact."""

from contact_center.contacts import candidates
from contact_center.errors import Conflict, NotFound
from contact_center.model.acts import Act
from contact_center.model.events import AccessChanged, ContactChanged, Event
from contact_center.model.people import Contact
from contact_center.model.words import PointKind, PointRole
from contact_center.store import Connection, journal
from contact_center.store.repositories import contacts, opt_outs


def rename(connection: Connection, act: Act, project_id: int, contact_id: int, name: str) -> Contact:
    """Give a contact its right name; it is no longer provisional."""
    contacts.change_contact(connection, contact_id, name=name, provisional=False)
    return publish(connection, act, project_id, contact_id, compare=True)


def annotate(connection: Connection, act: Act, project_id: int, contact_id: int, note: str) -> Contact:
    """Pin a note on the contact."""
    contacts.change_contact(connection, contact_id, note=note)
    return publish(connection, act, project_id, contact_id)


def set_owner(connection: Connection, act: Act, project_id: int, contact_id: int, owner_id: int | None) -> Contact:
    """Give the contact to an employee, who sees it from now on, or to nobody. Whoever had it may lose sight of it."""
    before = contacts.find_contact(connection, contact_id)
    if before is None:
        raise NotFound
    if before.owner_id == owner_id:
        return before
    contacts.change_contact(connection, contact_id, owner_id=owner_id)
    if before.owner_id is not None:
        event = Event(AccessChanged(before.owner_id), project_id, assignee_id=before.owner_id)
        journal.append(connection, event, at=act.now, actor_id=act.user_id)
    return publish(connection, act, project_id, contact_id)


def set_organization(connection: Connection, act: Act, project_id: int, contact_id: int, organization_id: int | None) -> Contact:
    """Say which company the person belongs to; None for none."""
    contacts.change_contact(connection, contact_id, organization_id=organization_id)
    return publish(connection, act, project_id, contact_id)


def add_point(
    connection: Connection,
    act: Act,
    project_id: int,
    contact_id: int,
    kind: PointKind,
    value: str,
    display: str,
    *,
    shared: bool = False,
) -> Contact:
    """Say that a normalised point reaches the contact.

    Raises Conflict, naming the contacts that have it already, unless `shared`: then it reaches a group.
    """
    point_id = contacts.lock_point(connection, project_id, kind, value, display)
    others = [holder["contact_id"] for holder in contacts.holders(connection, point_id) if holder["contact_id"] != contact_id]
    if others and not shared:
        raise Conflict("Another contact already has this address. Merge the two, or share it.", contact_id=others[0], contact_ids=others)
    contacts.link_point(connection, point_id, contact_id, PointRole.SHARED if shared else PointRole.PERSONAL, act.now)
    if shared:
        contacts.set_role(connection, point_id, PointRole.SHARED)
    for other in others:
        publish(connection, act, project_id, other)
    return publish(connection, act, project_id, contact_id, compare=True)


def mark_point(connection: Connection, act: Act, project_id: int, contact_id: int, point_id: int, role: PointRole) -> Contact:
    """Say whether a point reaches one person or a group. Raises NotFound, or Conflict for a personal point of several."""
    holders = [holder["contact_id"] for holder in contacts.holders(connection, point_id)]
    if contact_id not in holders:
        raise NotFound
    if role is PointRole.PERSONAL and len(holders) > 1:
        raise Conflict("Several contacts have this address. Take it from the others first.")
    contacts.set_role(connection, point_id, role)
    for other in holders:
        if other != contact_id:
            publish(connection, act, project_id, other)
    return publish(connection, act, project_id, contact_id)


def remove_point(connection: Connection, act: Act, project_id: int, contact_id: int, point_id: int) -> Contact:
    """Say that a point no longer reaches the contact. What came by it stays in the history."""
    if not contacts.unlink_point(connection, point_id, contact_id, act.now):
        raise NotFound
    return publish(connection, act, project_id, contact_id, compare=True)


def verify(connection: Connection, act: Act, project_id: int, contact_id: int, point_id: int) -> None:
    """The person has proven that the point is theirs."""
    if contacts.verify_point(connection, point_id, contact_id, act.now):
        publish(connection, act, project_id, contact_id)


def mark_bounced(connection: Connection, act: Act, project_id: int, point_id: int) -> None:
    """Our last message to the point came back: every contact that has it should show it."""
    contacts.set_bounced(connection, point_id, act.now)
    _show(connection, act, project_id, point_id)


def opt_out(connection: Connection, act: Act, project_id: int, account_id: int, point_id: int, reason: str) -> bool:
    """Heed that nothing more may go to a point by this account; False when that was known."""
    changed = opt_outs.add(connection, account_id, point_id, act.now, reason)
    if changed:
        _show(connection, act, project_id, point_id)
    return changed


def opt_in(connection: Connection, act: Act, project_id: int, account_id: int, point_id: int) -> bool:
    """Heed that messages are welcome again; False when they were all the time."""
    changed = opt_outs.remove(connection, account_id, point_id)
    if changed:
        _show(connection, act, project_id, point_id)
    return changed


def _show(connection: Connection, act: Act, project_id: int, point_id: int) -> None:
    for holder in contacts.holders(connection, point_id):
        publish(connection, act, project_id, holder["contact_id"])


def publish(connection: Connection, act: Act, project_id: int, contact_id: int, *, compare: bool = False, is_new: bool = False) -> Contact:
    """Record the contact's whole new state in the journal, and return it.

    `compare` says that its name or its points changed, so that it may be the same person as others.
    """
    contact = contacts.find_contact(connection, contact_id)
    if contact is None:
        raise NotFound
    if compare:
        candidates.remember(connection, project_id, contact, is_new=is_new)
    _tell(connection, act, project_id, contact)
    return contact


def introduce(connection: Connection, act: Act, project_id: int, contact: Contact) -> None:
    """Like `publish`, for a contact that the same unit made and knows wholly."""
    candidates.remember(connection, project_id, contact, is_new=True)
    _tell(connection, act, project_id, contact)


def _tell(connection: Connection, act: Act, project_id: int, contact: Contact) -> None:
    event = Event(ContactChanged(contact), project_id, contact_id=contact.id)
    journal.append(connection, event, at=act.now, actor_id=act.user_id)
