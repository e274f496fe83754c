"""What comparisons of the ledger with its sources found."""

from sqlalchemy import func, insert, select
from sqlalchemy.engine import Connection

from contact_center.model.channels import Reconciliation
from contact_center.store.schema.channels import channel_account, reconciliation


def add(connection: Connection, found: Reconciliation) -> None:
    """Keep a result."""
    values = {
        "account_id": found.account_id,
        "at": found.at,
        "at_source": found.at_source,
        "in_ledger": found.in_ledger,
        "missing": found.missing,
        "missing_keys": list(found.missing_keys),
        "error": found.error[:500],
    }
    connection.execute(insert(reconciliation).values(values))


def latest(connection: Connection, project_id: int | None = None) -> dict[int, Reconciliation]:
    """The newest result of each account, of one project or of all."""
    newest = select(func.max(reconciliation.c.id)).group_by(reconciliation.c.account_id)
    statement = select(reconciliation).join(channel_account).where(reconciliation.c.id.in_(newest))
    if project_id is not None:
        statement = statement.where(channel_account.c.project_id == project_id)
    return {
        row["account_id"]: Reconciliation(
            row["account_id"],
            row["at"],
            row["at_source"],
            row["in_ledger"],
            row["missing"],
            tuple(row["missing_keys"]),
            row["error"],
        )
        for row in connection.execute(statement).mappings()
    }
