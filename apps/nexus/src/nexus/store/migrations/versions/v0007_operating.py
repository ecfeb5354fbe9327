"""Who linked what, and whom an operator has chosen for a task."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns with defaults; the previous release writes its rows without them."""
    # fmt: off
    op.add_column('project_mappings', sa.Column('created_by', sa.Text(), nullable=True))
    op.add_column('project_mappings', sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False))
    op.add_column('task_mappings', sa.Column('channel_name', sa.Text(), nullable=True))
    op.add_column('tasks', sa.Column('wanted_agent_id', sa.UUID(), nullable=True))
    op.create_foreign_key(op.f('fk_tasks_wanted_agent_id'), 'tasks', 'agents', ['wanted_agent_id'], ['id'], ondelete='SET NULL')
    # fmt: on
