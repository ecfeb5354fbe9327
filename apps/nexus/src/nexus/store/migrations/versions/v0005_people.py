"""Who may use the dashboard, and as what."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds what the previous release does not know and need not know."""
