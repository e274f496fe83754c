"""Who talked in a call, each for how long: a call that is handed on has several.

Revision ID: 0013
Revises: 0012
"""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from contact_center.store import types

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_talk",
        sa.Column("id", types.BigKey, nullable=False),
        sa.Column("interaction_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.Column("started_at", types.Utc(), nullable=False),
        sa.Column("ended_at", types.Utc(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("hold_seconds", sa.Float(), nullable=True),
        sa.Column("first", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interaction_id"], ["call_fact.interaction_id"], name=op.f("fk_call_talk_interaction_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_call_talk_project_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["employee.id"], name=op.f("fk_call_talk_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_talk")),
    )
    op.create_index("ix_call_talk_interaction_id", "call_talk", ["interaction_id"], unique=False)
    op.create_index("ix_call_talk_ended_at", "call_talk", ["project_id", "ended_at"], unique=False)
    op.execute("CREATE INDEX ix_call_talk_agent ON call_talk (agent_id, started_at) WHERE ended_at IS NULL")
    _move()
    op.drop_index("ix_call_fact_agent", table_name="call_fact")
    op.drop_index("ix_call_fact_ended_at", table_name="call_fact")
    op.drop_column("call_fact", "talk_seconds")
    op.drop_column("call_fact", "hold_seconds")


def _move() -> None:
    """All the talk of what is known so far was whose who answered first."""
    call = _table("call_fact", "wait_seconds", "talk_seconds", "outcome")
    talk = _table("call_talk", "seconds", "first")
    some = sa.select(call).where(call.c.outcome == "answered").order_by(call.c.interaction_id).limit(1000)
    connection, last = op.get_bind(), 0
    while rows := connection.execute(some.where(call.c.interaction_id > last)).all():
        last = rows[-1].interaction_id
        connection.execute(sa.insert(talk), [_talk(row) for row in rows])


def _table(name: str, *columns: str) -> sa.TableClause:
    same = ("interaction_id", "project_id", "agent_id", "hold_seconds")
    instants = (sa.column(each, types.Utc()) for each in ("started_at", "ended_at"))
    return sa.table(name, *(sa.column(each) for each in (*same, *columns)), *instants)


def _talk(row: Any) -> dict[str, Any]:
    seconds = row.talk_seconds or 0.0
    began = row.started_at + timedelta(seconds=row.wait_seconds or 0) if row.ended_at is None else row.ended_at - timedelta(seconds=seconds)
    return {
        "interaction_id": row.interaction_id,
        "project_id": row.project_id,
        "agent_id": row.agent_id,
        "started_at": began,
        "ended_at": row.ended_at,
        "seconds": None if row.ended_at is None else seconds,
        "hold_seconds": row.hold_seconds,
        "first": True,
    }


def downgrade() -> None:
    op.add_column("call_fact", sa.Column("talk_seconds", sa.Float(), nullable=True))
    op.add_column("call_fact", sa.Column("hold_seconds", sa.Float(), nullable=True))
    for new, old in (("talk_seconds", "seconds"), ("hold_seconds", "hold_seconds")):
        op.execute(
            f"UPDATE call_fact SET {new} = (SELECT sum({old}) FROM call_talk WHERE call_talk.interaction_id = call_fact.interaction_id)"  # noqa: S608 - our own names
        )
    op.execute("CREATE INDEX ix_call_fact_agent ON call_fact (agent_id, started_at) WHERE ended_at IS NULL")
    op.create_index("ix_call_fact_ended_at", "call_fact", ["project_id", "ended_at"], unique=False)
    op.drop_table("call_talk")
