"""What the command line does with a database directly: doctor, employees, invitations, keys."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from contact_center.api.handlers.channels import decrypt_options, encrypt_options
from contact_center.app import load_keys, load_seal
from contact_center.channels import registry
from contact_center.config import Settings
from contact_center.errors import ContactCenterError, NotFound
from contact_center.keys import Keys, new_token, token_hash
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.words import Fate
from contact_center.store import Connection, Store, audit, audit_check, version
from contact_center.store.audit_check import Fault
from contact_center.store.repositories import access, channels, raw_items, webhooks

COMMAND_LINE = "command line"


async def examine(settings: Settings, store: Store) -> dict[str, str]:
    """Findings by name; one that begins with "failed" needs somebody."""
    findings = {"database": await _try(store.ping)}
    try:
        settings.check_transport()
        findings["transport"] = "ok"
    except ContactCenterError as error:
        findings["transport"] = f"failed: {error.message}"
    if not await store.read(version.is_current):
        return findings | {"migrated": "failed: run contact-center migrate"}
    project_id = await store.read(access.first_project)
    if project_id is not None:
        for account in await store.read(channels.accounts, project_id):
            detail = f": {account.health_detail}" if account.health_detail else ""
            findings[f"channel {account.address}"] = account.health + detail
        for account_id, fates in (await store.read(raw_items.books, project_id)).items():
            findings[f"books of channel {account_id}"] = balance(fates)
    return findings | {"migrated": "ok"}


def balance(fates: dict[str, int]) -> str:
    """The books of a channel in words: what came in, and where it ended. What is in flight is `received` in the ledger."""
    parts = ", ".join(f"{'in flight' if fate == Fate.RECEIVED else fate} {count}" for fate, count in fates.items())
    return f"received {sum(fates.values())} = {parts}"


async def list_users(store: Store) -> list[dict[str, Any]]:
    """Employees as plain values."""
    project_id = await store.read(access.first_project)
    users = await store.read(access.users, project_id) if project_id else []
    return [{"id": u.id, "name": u.name, "email": u.email, "role": u.role, "disabled": u.disabled} for u in users]


async def invite(settings: Settings, store: Store, email: str) -> str:
    """A one-time link for an employee. Raises NotFound."""
    row = await store.read(access.credentials, email.strip().lower())
    if row is None:
        raise NotFound(f"There is no employee with the address {email}.")
    token = new_token()
    store.seal = load_seal(settings)
    await store.write(_invite, token_hash(token), row["id"])
    return f"{settings.base_url}/invitation#{token}"


def _invite(connection: Connection, hashed: str, user_id: int) -> None:
    act = _at_the_command_line()
    access.add_invitation(connection, hashed, user_id, act.now + timedelta(hours=72))
    audit.note(connection, act, Action.INVITED, Subject.EMPLOYEE, user_id, actor=COMMAND_LINE)


def _note_export(connection: Connection) -> None:
    audit.note(connection, _at_the_command_line(), Action.EXPORTED, Subject.INSTANCE, actor=COMMAND_LINE, what="audit log")


def _at_the_command_line() -> Act:
    return Act(datetime.now(UTC))


async def examine_audit(settings: Settings, store: Store) -> tuple[int, Fault | None]:
    """How many entries the audit log has, and the first that is not as it was written."""
    anchors = audit_check.load_anchors(settings.data_dir)
    return await store.read(audit_check.check, load_seal(settings), anchors)


async def export_audit(settings: Settings, store: Store, take: Callable[[dict[str, Any]], None]) -> None:
    """Hand every entry of the audit log over, the oldest first, with its hash; the last tells of this very export."""
    store.seal = load_seal(settings)
    await store.write(_note_export)

    def walk(connection: Connection) -> None:
        for row in audit_check.entries(connection):
            take({str(name): value for name, value in row.items()})

    await store.read(walk)


async def encrypt_anew(settings: Settings, store: Store) -> int:
    """Encrypt every stored secret with the key in force; returns how many channel accounts there are.

    Raises ConfigError, having changed nothing, when one cannot be read with any key.
    """
    store.seal = load_seal(settings)
    return await store.write(_encrypt_anew, load_keys(settings))


def _encrypt_anew(connection: Connection, keys: Keys) -> int:
    audit.note(connection, _at_the_command_line(), Action.KEY_ROTATED, Subject.INSTANCE, actor=COMMAND_LINE)
    accounts = channels.accounts(connection)
    for account in accounts:
        kind = registry.find(account.kind)
        options = kind.options.model_validate(decrypt_options(keys, account).options)
        channels.change_account(connection, account.id, options=encrypt_options(keys, kind, options))
    for row in webhooks.all_secrets(connection):
        held = {name: row[name] for name in ("secret", "earlier_secret") if row[name]}
        webhooks.change(connection, row["id"], **{name: keys.encrypt(keys.decrypt(value)) for name, value in held.items()})
    return len(accounts)


async def _try(check: Any) -> str:
    try:
        await check()
    except ContactCenterError as error:
        return f"failed: {error.message}"
    return "ok"
