"""When a row changed last, and what became of each try: what the live feed and the timeline are read from."""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds what the previous release does not know and need not know."""
