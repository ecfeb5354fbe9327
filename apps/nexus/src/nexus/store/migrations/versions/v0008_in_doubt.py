"""What is in doubt is found without a walk through all that waits."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an index of the few rows that are in doubt and that nobody works on."""
    # fmt: off
    op.create_index('ix_deliveries_in_doubt', 'deliveries', ['tenant_id', 'available_at'], unique=False, postgresql_where=sa.text("state = 'sending' AND claimed_by IS NULL"))
    # fmt: on
