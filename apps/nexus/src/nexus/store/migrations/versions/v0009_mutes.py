"""What a silenced agent says is held, and how much an agent may say."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from nexus.store.security import protect_sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds tables and columns with defaults; the previous release keeps working beside them."""
    # fmt: off
    op.add_column('agents', sa.Column('messages_per_minute', sa.Integer(), nullable=True))
    op.add_column('agents', sa.Column('posted_at', postgresql.ARRAY(sa.DateTime(timezone=True)), server_default=sa.text("'{}'"), nullable=False))
    op.create_table('mutes',
    sa.Column('agent_id', sa.UUID(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('automatic', sa.Boolean(), nullable=False),
    sa.Column('held', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by', sa.Text(), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_mutes_agent_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_mutes_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mutes'))
    )
    op.create_index('ix_mutes_agent', 'mutes', ['agent_id'], unique=False)
    op.create_index('ix_mutes_tenant', 'mutes', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_mutes_unsettled', 'mutes', ['ended_at'], unique=False, postgresql_where=sa.text('ended_at IS NOT NULL AND settled_at IS NULL'))
    op.create_index('uq_mutes_open', 'mutes', ['agent_id'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('held_posts',
    sa.Column('mute_id', sa.UUID(), nullable=False),
    sa.Column('agent_id', sa.UUID(), nullable=False),
    sa.Column('conversation_id', sa.UUID(), nullable=False),
    sa.Column('task_id', sa.UUID(), nullable=False),
    sa.Column('effect_key', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('payload', postgresql.JSONB(), nullable=False),
    sa.Column('traceparent', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), server_default='held', nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.CheckConstraint("state IN ('held','posted','dropped')", name=op.f('ck_held_posts_state')),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_held_posts_agent_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['conversation_id'], ['task_mappings.id'], name=op.f('fk_held_posts_conversation_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mute_id'], ['mutes.id'], name=op.f('fk_held_posts_mute_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['task_id'], ['tasks.id'], name=op.f('fk_held_posts_task_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_held_posts_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_held_posts')),
    sa.UniqueConstraint('tenant_id', 'effect_key', name=op.f('uq_held_posts_tenant_id_effect_key'))
    )
    op.create_index('ix_held_posts_conversation', 'held_posts', ['conversation_id'], unique=False)
    op.create_index('ix_held_posts_mute', 'held_posts', ['mute_id', 'conversation_id'], unique=False)
    op.create_index(op.f('ix_held_posts_task_id'), 'held_posts', ['task_id'], unique=False)
    op.create_index('ix_held_posts_tenant', 'held_posts', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_held_posts_waiting', 'held_posts', ['agent_id', 'conversation_id'], unique=False, postgresql_where=sa.text("state = 'held'"))
    # fmt: on
    for statement in protect_sql(["mutes", "held_posts"], ["mutes", "held_posts"]):
        op.execute(statement)
