"""To note where a card stands waits for nobody who writes about its conversation."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Puts a partial index in the place of one that made `root_ts` a part of the row's key (FOR UPDATE locks it)."""
    # fmt: off
    op.create_index('uq_task_mappings_thread', 'task_mappings', ['chat_connection_id', 'channel_id', 'root_ts'], unique=True, postgresql_where=sa.text("root_ts IS NOT NULL"))
    op.drop_index('uq_task_mappings_root', table_name='task_mappings')
    # fmt: on
