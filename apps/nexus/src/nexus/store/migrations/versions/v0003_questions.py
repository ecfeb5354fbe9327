"""Questions that outlive an epoch, how far agents have passed a task on, and sweeps over questions."""

import sqlalchemy as sa
from alembic import op

from nexus.store.security import protect_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns that may be empty or have a constant default, so the previous release keeps working beside it."""
    op.add_column("questions", sa.Column("key", sa.Text()))
    op.create_index(
        "uq_questions_key", "questions", ["task_id", "key"], unique=True, postgresql_where=sa.text("key IS NOT NULL")
    )
    op.create_index("ix_questions_open", "questions", ["expires_at"], postgresql_where=sa.text("state = 'open'"))
    for column in ("hops", "turns"):
        op.add_column("tasks", sa.Column(column, sa.Integer(), server_default=sa.text("0"), nullable=False))
    for statement in protect_sql((), ("questions",)):
        op.execute(statement)
