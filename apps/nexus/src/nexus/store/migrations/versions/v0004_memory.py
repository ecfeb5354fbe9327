"""What the search index has yet to take in, noted by triggers where text is written."""

import sqlalchemy as sa
from alembic import op

from nexus.store.security import protect_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NOTE = """
CREATE FUNCTION note_search_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
BEGIN
    IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
    INSERT INTO search_changes (id, tenant_id, kind, row_id)
    VALUES (gen_random_uuid(), changed.tenant_id, TG_ARGV[0], changed.id);
    RETURN NULL;
END $$
"""

_WATCHED = {
    "message": (
        "messages",
        "OLD.text IS DISTINCT FROM NEW.text OR OLD.author_name IS DISTINCT FROM NEW.author_name "
        "OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at",
    ),
    "task": ("tasks", "OLD.result IS DISTINCT FROM NEW.result"),
    "conversation": ("task_mappings", "OLD.title IS DISTINCT FROM NEW.title"),
}
"""Kind of change → table, and when an update of a row is one."""


def upgrade() -> None:
    """Adds a table and triggers; the previous release keeps working beside them, and its writes are noted, too."""
    # fmt: off
    op.create_table('search_changes',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('row_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_search_changes_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_changes'))
    )
    op.create_index('ix_search_changes_tenant', 'search_changes', ['tenant_id', 'created_at', 'id'], unique=False)
    # fmt: on
    for statement in protect_sql(["search_changes"], ["search_changes"]):
        op.execute(statement)
    op.execute(_NOTE)
    for kind, (table, changed) in _WATCHED.items():
        note = f"FOR EACH ROW {{when}} EXECUTE FUNCTION note_search_change('{kind}')"
        op.execute(f"CREATE TRIGGER search_new AFTER INSERT OR DELETE ON {table} {note.format(when='')}")
        op.execute(f"CREATE TRIGGER search_changed AFTER UPDATE ON {table} {note.format(when=f'WHEN ({changed})')}")
