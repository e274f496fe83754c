"""Organizations: list, one with its people, changes, suggestions by mail domain."""

from contact_center.api.context import Context
from contact_center.api.handlers.sla import check_policy
from contact_center.api.schemas import (
    ContactQuery,
    OrganizationBody,
    OrganizationPatchBody,
    Page,
    PageQuery,
    decode_cursor,
    encode_cursor,
)
from contact_center.contacts import organizations as companies
from contact_center.errors import Forbidden, NotFound
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.people import Contact, Organization, Viewer
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import contacts, organizations


async def list_organizations(ctx: Context, query: ContactQuery) -> Page[Organization]:
    """List organizations one may see, by name: those to which somebody belongs whom one sees, and one's own."""
    return await ctx.read(_page, ctx.viewer, query)


async def get_organization(ctx: Context, organization_id: int) -> Organization:
    """One organization."""
    return await ctx.read(_visible, ctx.viewer, organization_id)


async def get_people(ctx: Context, organization_id: int, query: PageQuery) -> Page[Contact]:
    """The people of an organization whom one may see."""
    return await ctx.read(_people, ctx.viewer, organization_id, query)


async def create_organization(ctx: Context, body: OrganizationBody) -> Organization:
    """Make an organization. 409 when there is one of this name, or of one of its domains."""
    return await ctx.write(_create, ctx.act(), ctx.viewer, body)


async def change_organization(ctx: Context, organization_id: int, body: OrganizationPatchBody) -> Organization:
    """Change an organization's name, domains or note."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, organization_id, body)


async def suggested(ctx: Context, contact_id: int) -> list[Organization]:
    """Organizations that a contact without one may belong to, by its mail domain; never by that of a public provider."""
    return await ctx.read(_suggested, ctx.viewer, contact_id)


def _visible(connection: Connection, viewer: Viewer, organization_id: int) -> Organization:
    organization = organizations.visible(connection, viewer, organization_id)
    if organization is None:
        raise NotFound
    return organization


def _page(connection: Connection, viewer: Viewer, query: ContactQuery) -> Page[Organization]:
    cursor = decode_cursor(query.cursor, int)
    rows = organizations.page(connection, viewer, query.q, cursor[0] if cursor else 0, query.limit + 1)
    items = rows[: query.limit]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > query.limit else None, journal.horizon(connection))


def _people(connection: Connection, viewer: Viewer, organization_id: int, query: PageQuery) -> Page[Contact]:
    _visible(connection, viewer, organization_id)
    cursor = decode_cursor(query.cursor, int)
    ids = organizations.people(connection, viewer, organization_id, cursor[0] if cursor else 0, query.limit + 1)
    items = [person for person in (contacts.find_contact(connection, number) for number in ids[: query.limit]) if person]
    return Page(items, encode_cursor(items[-1].id) if len(ids) > query.limit else None, journal.horizon(connection))


def _create(connection: Connection, act: Act, viewer: Viewer, body: OrganizationBody) -> Organization:
    made = companies.create(connection, act, viewer.project_id, body.name)
    if not body.domains and not body.note:
        return made
    return companies.change(connection, act, viewer.project_id, made.id, domains=body.domains, note=body.note)


def _change(connection: Connection, act: Act, viewer: Viewer, organization_id: int, body: OrganizationPatchBody) -> Organization:
    organization = _visible(connection, viewer, organization_id)
    if "sla_policy_id" in body.model_fields_set:
        # A contract is no colleague's to promise.
        if not viewer.sees_all:
            raise Forbidden
        check_policy(connection, viewer, body.sla_policy_id)
        organizations.change(connection, organization.id, sla_policy_id=body.sla_policy_id)
        audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.ORGANIZATION, organization.id, fields=["sla_policy_id"])
    return companies.change(connection, act, viewer.project_id, organization.id, name=body.name, note=body.note, domains=body.domains)


def _suggested(connection: Connection, viewer: Viewer, contact_id: int) -> list[Organization]:
    contact = contacts.visible_contact(connection, viewer, contact_id)
    if contact is None:
        raise NotFound
    return companies.suggested(connection, viewer, contact)
