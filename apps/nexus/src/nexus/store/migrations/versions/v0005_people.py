"""Who may use the dashboard, and as what."""

import sqlalchemy as sa
from alembic import op

from nexus.store.security import protect_sql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds what the previous release does not know and need not know."""
    # fmt: off
    op.create_table('members',
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.CheckConstraint("role IN ('viewer','operator','admin')", name=op.f('ck_members_role')),
    sa.CheckConstraint('email = lower(email)', name=op.f('ck_members_email')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_members_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_members')),
    sa.UniqueConstraint('tenant_id', 'email', name=op.f('uq_members_tenant_id_email'))
    )
    op.create_index('ix_members_tenant', 'members', ['tenant_id', 'created_at', 'id'], unique=False)
    op.add_column('api_keys', sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True))
    # fmt: on
    for statement in protect_sql(["members"], []):
        op.execute(statement)
