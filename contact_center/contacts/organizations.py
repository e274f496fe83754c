"""Organizations: a name, the mail domains of their people, and who belongs to them."""

from contact_center.contacts.domains import company_domain
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.events import Event, OrganizationChanged
from contact_center.model.people import Contact, Organization, Viewer
from contact_center.model.words import PointKind
from contact_center.store import Connection, journal
from contact_center.store.repositories import organizations


def name_key(name: str) -> str:
    """A name as it is compared: without case, quotes and doubled spaces."""
    return " ".join("".join(" " if letter in "\"'«»“”„`" else letter for letter in name).split()).casefold()


def create(connection: Connection, act: Act, project_id: int, name: str) -> Organization:
    """Make an organization. Raises Conflict when there is one of this name."""
    key = name_key(name)
    if not key:
        raise Invalid("An organization needs a name.", field="name")
    organization_id = organizations.add(connection, project_id, name, key, act.user_id, act.now)
    if organization_id is None:
        raise Conflict("There is an organization of this name.")
    return publish(connection, act, project_id, organization_id)


def change(
    connection: Connection,
    act: Act,
    project_id: int,
    organization_id: int,
    *,
    name: str | None = None,
    note: str | None = None,
    domains: list[str] | None = None,
) -> Organization:
    """Change an organization. Raises Conflict for a name or a domain of another one, Invalid for a public mail domain."""
    if name is not None:
        holder = organizations.by_name(connection, project_id, name_key(name))
        if holder not in (None, organization_id):
            raise Conflict("There is an organization of this name.")
        if not name_key(name):
            raise Invalid("An organization needs a name.", field="name")
        organizations.change(connection, organization_id, name=name, name_key=name_key(name))
    if note is not None:
        organizations.change(connection, organization_id, note=note)
    if domains is not None:
        taken = organizations.set_domains(connection, project_id, organization_id, [_domain(domain) for domain in dict.fromkeys(domains)])
        if taken is not None:
            raise Conflict(f"{taken} is another organization's domain.")
    return publish(connection, act, project_id, organization_id)


def suggested(connection: Connection, viewer: Viewer, contact: Contact) -> list[Organization]:
    """Organizations the contact may belong to, by its mail domains; nothing when it belongs to one."""
    if contact.organization is not None:
        return []
    found = [company_domain(point.value) for point in contact.points if point.kind is PointKind.EMAIL]
    return organizations.of_domains(connection, viewer, sorted({domain for domain in found if domain}))


def publish(connection: Connection, act: Act, project_id: int, organization_id: int) -> Organization:
    """Record the organization's whole new state in the journal, and return it."""
    organization = organizations.find(connection, organization_id)
    if organization is None:
        raise NotFound
    journal.append(connection, Event(OrganizationChanged(organization), project_id), at=act.now, actor_id=act.user_id)
    return organization


def _domain(typed: str) -> str:
    """A domain as it is known. Raises Invalid for what is none, or is a provider's where anybody has an address."""
    typed = typed.strip().lower().lstrip("@").rstrip(".")
    try:
        domain = typed if typed.isascii() else typed.encode("idna").decode()
    except UnicodeError:
        domain = ""
    if not domain or any(letter.isspace() or letter in "@/\\" for letter in domain) or not company_domain(f"x@{domain}"):
        raise Invalid(f"{typed[:80]} is not a company's mail domain.", field="domains")
    return domain
