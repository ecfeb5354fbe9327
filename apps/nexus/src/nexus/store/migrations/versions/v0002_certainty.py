"""Suspects, turns under a vendor's limits, echoes, and what the reconciler remembers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from nexus.store.security import protect_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPEN = {"inbox": "state = 'pending'", "deliveries": "state IN ('pending','sending')"}


def upgrade() -> None:
    """Adds columns with constant defaults only, so the previous release keeps working beside it."""
    for table, is_open in _OPEN.items():
        op.add_column(table, sa.Column("shared_crashes", sa.Integer(), server_default=sa.text("0"), nullable=False))
        op.add_column(table, sa.Column("claimed_alone", sa.Boolean(), server_default=sa.text("false"), nullable=False))
        op.drop_index(f"ix_{table}_due", table)
        op.create_index(
            f"ix_{table}_due",
            table,
            ["tenant_id", "available_at"],
            postgresql_where=sa.text(f"{is_open} AND claimed_by IS NULL"),
        )
        op.create_index(
            f"ix_{table}_suspect",
            table,
            ["available_at"],
            postgresql_where=sa.text(f"shared_crashes >= 2 AND {is_open}"),
        )
        op.create_index(
            f"ix_{table}_claimed", table, ["stream_key"], postgresql_where=sa.text("claimed_by IS NOT NULL")
        )
    op.add_column("deliveries", sa.Column("source_stream", sa.Text()))
    op.add_column("deliveries", sa.Column("slot_at", sa.DateTime(timezone=True)))
    op.add_column("deliveries", sa.Column("healed", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column(
        "connections",
        sa.Column(
            "health", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
    )
    op.add_column("connections", sa.Column("checked_at", sa.DateTime(timezone=True)))
    op.add_column("connections", sa.Column("read_until", sa.DateTime(timezone=True)))
    op.create_table(
        "paces",
        sa.Column("connection_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_paces_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_paces_tenant_id"),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="pk_paces"),
        sa.UniqueConstraint("connection_id", "key", name="uq_paces_connection_id_key"),
    )
    op.create_index("ix_paces_tenant", "paces", ["tenant_id", "created_at", "id"])
    for statement in protect_sql(("paces",), ("paces",)):
        op.execute(statement)
