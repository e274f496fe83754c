"""From a contact point to a person. Nothing matches on an empty value; unknown points make provisional contacts."""

import unicodedata
from dataclasses import dataclass

import phonenumbers

from contact_center.contacts import book
from contact_center.errors import Invalid
from contact_center.model.acts import Act
from contact_center.model.messages import InboundPerson
from contact_center.model.people import ContactRef
from contact_center.model.words import PointKind, PointRole
from contact_center.store import Connection
from contact_center.store.repositories import candidates, contacts

DEFAULT_REGION = "RU"  # how a number without a country code is read


@dataclass(frozen=True, slots=True)
class Identified:
    """Who wrote, as far as can be told."""

    contact: ContactRef
    point_id: int | None
    is_new: bool
    verified: bool = False

    @property
    def contact_id(self) -> int:
        """The contact's id."""
        return self.contact.id


def without_plus(address: str) -> str:
    """An address without what stands after a plus sign."""
    local, _, domain = address.rpartition("@")
    return f"{local.split('+')[0]}@{domain}"


def normalise(kind: PointKind, raw: str) -> str:
    """The one form under which a point is known; empty when `raw` is no such address.

    E-mail: domain in lower case and IDNA, local part folded. Phone: E.164.
    """
    raw = raw.strip()
    if kind is PointKind.PHONE:
        return _phone(raw)
    if kind is PointKind.ANONYMOUS:
        return raw[:100]
    # NUL and lone surrogates must not get through: the database drops them, and another person's address remains.
    if len(raw) > 320 or any(c.isspace() or unicodedata.category(c) in ("Cc", "Cs") for c in raw):
        return ""
    local, _, domain = raw.rpartition("@")
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        return ""
    domain = domain.lower().rstrip(".")
    # IDNA turns some signs into a space or an at sign: such a thing is no domain.
    usable = local and domain and not any(c.isspace() or c == "@" for c in domain)
    return f"{local.casefold()}@{domain}" if usable else ""


def point_of(connection: Connection, project_id: int, person: InboundPerson) -> int | None:
    """The id of the person's contact point, None when the address is unusable."""
    value = normalise(person.kind, person.value)
    return contacts.ensure_point(connection, project_id, person.kind, value, person.value.strip()) if value else None


def identify(connection: Connection, act: Act, project_id: int, person: InboundPerson | None) -> Identified:
    """The contact behind a sender.

    One holder of the point: that contact. None: a new provisional one. Several (a shared point): the one who was
    linked last, until a person chooses. No usable address at all: a provisional contact of its own, never matched.
    """
    value = normalise(person.kind, person.value) if person else ""
    if person is None or not value:
        name = person.name if person else ""
        contact_id = contacts.add_contact(connection, project_id, name, True, act.now)
        return Identified(ContactRef(contact_id, name, True), None, is_new=True)
    if (known := _reached_by(connection, project_id, person.kind, value)) is not None:
        return known
    name = person.name or ("" if person.kind is PointKind.ANONYMOUS else person.value)
    display = person.value.strip()
    if (point_id := contacts.add_point(connection, project_id, person.kind, value, display)) is not None:
        met = contacts.add_reached(connection, project_id, name, point_id, person.kind, value, display, act.now)
        book.introduce(connection, act, project_id, met)
        return Identified(ContactRef(met.id, met.name, True), point_id, is_new=True)
    point_id = contacts.lock_point(connection, project_id, person.kind, value, display)
    # Whoever met this person in the same moment has finished by now.
    if (known := _reached_by(connection, project_id, person.kind, value)) is not None:
        return known
    contact_id = contacts.add_contact(connection, project_id, name, True, act.now)
    contacts.link_point(connection, point_id, contact_id, PointRole.PERSONAL, act.now)
    published = book.publish(connection, act, project_id, contact_id, compare=True, is_new=True)
    return Identified(ContactRef(contact_id, published.name, True), point_id, is_new=True)


def claim(connection: Connection, act: Act, project_id: int, who: Identified, person: InboundPerson) -> None:
    """Note a further point that somebody says is theirs, unverified.

    One that others have stays theirs alone; that it was claimed is a hint that the two may be one person.
    """
    value = normalise(person.kind, person.value)
    if not value:
        return
    point_id = contacts.lock_point(connection, project_id, person.kind, value, person.value.strip())
    holders = [holder["contact_id"] for holder in contacts.holders(connection, point_id)]
    if not holders:
        contacts.link_point(connection, point_id, who.contact_id, PointRole.PERSONAL, act.now)
        book.publish(connection, act, project_id, who.contact_id, compare=True)
    elif who.contact_id not in holders:
        candidates.claim(connection, point_id, who.contact_id, act.now)


def _reached_by(connection: Connection, project_id: int, kind: PointKind, value: str) -> Identified | None:
    rows = contacts.reached_by(connection, project_id, kind, value)
    if not rows or rows[-1]["contact_id"] is None:
        return None
    last = rows[-1]
    contact = ContactRef(last["contact_id"], last["name"], last["provisional"])
    return Identified(contact, last["point_id"], is_new=False, verified=last["verified_at"] is not None)


def _phone(raw: str) -> str:
    try:
        number = phonenumbers.parse(raw, DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def require(kind: PointKind, raw: str) -> str:
    """Like `normalise`, for what a person typed. Raises Invalid."""
    value = normalise(kind, raw)
    if not value:
        words = "a mail address" if kind is PointKind.EMAIL else "a phone number"
        raise Invalid(f"{raw[:80]} is not {words}.", field="value")
    return value
