"""Tokens can be revoked, a signing key is published before it signs, and secrets know their pepper."""

import sqlalchemy as sa
from alembic import op

from nexus.store.security import protect_sql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds what the previous release does not know and need not know."""
    # fmt: off
    op.create_table('revoked_tokens',
    sa.Column('jti', sa.Text(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_revoked_tokens_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_revoked_tokens')),
    sa.UniqueConstraint('tenant_id', 'jti', name=op.f('uq_revoked_tokens_tenant_id_jti'))
    )
    op.create_index('ix_revoked_tokens_tenant', 'revoked_tokens', ['tenant_id', 'created_at', 'id'], unique=False)
    op.add_column('signing_keys', sa.Column('signs_from', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False))
    op.execute('UPDATE signing_keys SET signs_from = created_at')
    op.add_column('api_key_secrets', sa.Column('pepper', sa.Text(), nullable=True))
    # fmt: on
    for statement in protect_sql(["revoked_tokens"], []):
        op.execute(statement)
