"""Who linked what, and whom an operator has chosen for a task."""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds what the previous release does not know and need not know."""
