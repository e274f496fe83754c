"""What the command line does with a database directly: doctor, employees, invitations, keys."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contact_center.api.handlers.channels import decrypt_options, encrypt_options
from contact_center.app import load_keys
from contact_center.channels import registry
from contact_center.config import Settings
from contact_center.errors import ContactCenterError, NotFound
from contact_center.keys import Keys, new_token, token_hash
from contact_center.store import Connection, Store, version
from contact_center.store.repositories import access, channels, raw_items


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
            findings[f"books of channel {account_id}"] = ", ".join(f"{fate} {count}" for fate, count in fates.items())
    return findings | {"migrated": "ok"}


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
    await store.write(access.add_invitation, token_hash(token), row["id"], datetime.now(UTC) + timedelta(hours=72))
    return f"{settings.base_url}/invitation#{token}"


async def encrypt_anew(settings: Settings, store: Store) -> int:
    """Encrypt every stored secret with the key in force; returns how many channel accounts there are.

    Raises ConfigError, having changed nothing, when one cannot be read with any key.
    """
    return await store.write(_encrypt_anew, load_keys(settings))


def _encrypt_anew(connection: Connection, keys: Keys) -> int:
    accounts = channels.accounts(connection)
    for account in accounts:
        kind = registry.find(account.kind)
        options = kind.options.model_validate(decrypt_options(keys, account).options)
        channels.change_account(connection, account.id, options=encrypt_options(keys, kind, options))
    return len(accounts)


async def _try(check: Any) -> str:
    try:
        await check()
    except ContactCenterError as error:
        return f"failed: {error.message}"
    return "ok"
