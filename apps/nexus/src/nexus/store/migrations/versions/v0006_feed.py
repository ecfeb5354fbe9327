"""When a row changed last, and what became of each try: what the live feed and the timeline are read from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds what the previous release does not know and need not know: it writes neither column, and both have defaults.

    What is there already has no `changed_at`: no row is rewritten, and nothing old appears as new in the feed.
    """
    for table in ("inbox", "deliveries"):
        op.add_column(table, sa.Column("changed_at", sa.DateTime(timezone=True)))
        op.alter_column(table, "changed_at", server_default=sa.text("clock_timestamp()"))
        op.add_column(
            table,
            sa.Column(
                "history",
                postgresql.JSONB(astext_type=sa.Text()),
                server_default=sa.text("'[]'::jsonb"),
                nullable=False,
            ),
        )
        op.create_index(f"ix_{table}_changed", table, ["tenant_id", "changed_at"])
        op.drop_index(f"ix_{table}_dead", table)
        op.create_index(
            f"ix_{table}_dead", table, ["tenant_id", "created_at"], postgresql_where=sa.text("state = 'dead'")
        )
    op.create_index(
        "ix_inbox_conversation", "inbox", ["conversation_id"], postgresql_where=sa.text("conversation_id IS NOT NULL")
    )
    op.create_index(
        "ix_agent_sessions_open", "agent_sessions", ["tenant_id"], postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index("ix_agent_sessions_closed", "agent_sessions", ["tenant_id", "closed_at"])
