"""Who may call what. A route names one permission; roles and API-token scopes are sets of them."""

from enum import StrEnum

from contact_center.model.words import Role


class Permission(StrEnum):
    """What a route can ask for. Row scope comes on top, in SQL."""

    PUBLIC = "public"
    """No account needed."""
    SELF = "self"
    """Any employee, about their own account."""
    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    CONTACTS_READ = "contacts:read"
    CONTACTS_WRITE = "contacts:write"
    QUARANTINE = "quarantine"
    EVENTS_READ = "events:read"
    BOARD = "board"
    """The figures of the board: how queues and colleagues stand."""
    AUDIT = "audit"
    """Who opened a customer."""
    ADMIN = "admin"


_AGENT = {
    Permission.SELF,
    Permission.TICKETS_READ,
    Permission.TICKETS_WRITE,
    Permission.CONTACTS_READ,
    Permission.CONTACTS_WRITE,
    Permission.EVENTS_READ,
    Permission.QUARANTINE,
}
ROLES: dict[Role, frozenset[Permission]] = {
    Role.AGENT: frozenset(_AGENT),
    Role.SUPERVISOR: frozenset(_AGENT | {Permission.QUARANTINE, Permission.BOARD, Permission.AUDIT}),
    Role.ADMIN: frozenset(_AGENT | {Permission.QUARANTINE, Permission.BOARD, Permission.AUDIT, Permission.ADMIN}),
}
SCOPES = tuple(permission for permission in Permission if permission not in (Permission.PUBLIC, Permission.SELF))
"""What an API token can be limited to. A token never reaches account settings (`self`)."""


def allows(role: Role, scopes: tuple[str, ...] | None, permission: Permission) -> bool:
    """Whether an employee of `role`, with a session (None) or a token of these scopes, may."""
    if permission is Permission.PUBLIC:
        return True
    return permission in ROLES[role] and (scopes is None or permission in scopes)
