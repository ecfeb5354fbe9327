"""The first schema: core tables, inbox, outbox, tasks, and row-level security on all of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from nexus.store.security import create_roles_sql, protect_sql, protect_tenants_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "agent_aliases",
    "agent_messages",
    "agent_sessions",
    "agents",
    "api_key_secrets",
    "api_keys",
    "audit_log",
    "connections",
    "deliveries",
    "inbox",
    "messages",
    "project_mappings",
    "questions",
    "task_events",
    "task_mappings",
    "tasks",
    "webhook_keys",
)
SYSTEM_TABLES = (
    "connections",
    "webhook_keys",
    "api_keys",
    "api_key_secrets",
    "agents",
    "agent_sessions",
    "agent_messages",
    "inbox",
    "deliveries",
    "tasks",
    "task_mappings",
    "messages",
)


def upgrade() -> None:
    """Creates everything."""
    for statement in create_roles_sql():
        op.execute(statement)
    # fmt: off
    op.create_table('signing_keys',
    sa.Column('kid', sa.Text(), nullable=False),
    sa.Column('sealed_private_key', sa.LargeBinary(), nullable=False),
    sa.Column('public_key', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('kid', name=op.f('pk_signing_keys'))
    )
    op.create_table('tenants',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tenants')),
    sa.UniqueConstraint('name', name=op.f('uq_tenants_name'))
    )
    op.create_table('agents',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('icon', sa.Text(), nullable=True),
    sa.Column('skills', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
    sa.Column('next_seq', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('muted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('muted_reason', sa.Text(), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_agents_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agents')),
    sa.UniqueConstraint('tenant_id', 'name', name=op.f('uq_agents_tenant_id_name'))
    )
    op.create_index('ix_agents_tenant', 'agents', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('audit_log',
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('object', sa.Text(), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_audit_log_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_log'))
    )
    op.create_index('ix_audit_log_tenant', 'audit_log', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('connections',
    sa.Column('vendor', sa.Text(), nullable=False),
    sa.Column('workspace_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('broken_reason', sa.Text(), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_connections_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_connections')),
    sa.UniqueConstraint('tenant_id', 'vendor', 'workspace_id', name=op.f('uq_connections_tenant_id_vendor_workspace_id'))
    )
    op.create_index('ix_connections_tenant', 'connections', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('agent_aliases',
    sa.Column('alias', sa.Text(), nullable=False),
    sa.Column('agent_id', sa.UUID(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_agent_aliases_agent_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_agent_aliases_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agent_aliases'))
    )
    op.create_index(op.f('ix_agent_aliases_agent_id'), 'agent_aliases', ['agent_id'], unique=False)
    op.create_index('ix_agent_aliases_tenant', 'agent_aliases', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_index('uq_agent_aliases_alias_agent', 'agent_aliases', ['tenant_id', sa.literal_column('lower(alias)'), 'agent_id'], unique=True)
    op.create_table('agent_messages',
    sa.Column('agent_id', sa.UUID(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('task_id', sa.UUID(), nullable=True),
    sa.Column('instance', sa.Text(), nullable=True),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('acked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_agent_messages_agent_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_agent_messages_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agent_messages')),
    sa.UniqueConstraint('agent_id', 'seq', name=op.f('uq_agent_messages_agent_id_seq'))
    )
    op.create_index(op.f('ix_agent_messages_task_id'), 'agent_messages', ['task_id'], unique=False)
    op.create_index('ix_agent_messages_tenant', 'agent_messages', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_agent_messages_unacked', 'agent_messages', ['agent_id', 'seq'], unique=False, postgresql_where=sa.text('acked_at IS NULL'))
    op.create_table('agent_sessions',
    sa.Column('agent_id', sa.UUID(), nullable=False),
    sa.Column('instance', sa.Text(), nullable=False),
    sa.Column('session_epoch', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('sid', sa.Text(), nullable=False),
    sa.Column('skills', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('connected_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_agent_sessions_agent_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_agent_sessions_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agent_sessions')),
    sa.UniqueConstraint('agent_id', 'instance', name=op.f('uq_agent_sessions_agent_id_instance'))
    )
    op.create_index(op.f('ix_agent_sessions_agent_id'), 'agent_sessions', ['agent_id'], unique=False)
    op.create_index('ix_agent_sessions_tenant', 'agent_sessions', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('api_keys',
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('agent_id', sa.UUID(), nullable=True),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_api_keys_agent_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_api_keys_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('client_id', name=op.f('uq_api_keys_client_id'))
    )
    op.create_index(op.f('ix_api_keys_agent_id'), 'api_keys', ['agent_id'], unique=False)
    op.create_index('ix_api_keys_tenant', 'api_keys', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('inbox',
    sa.Column('connection_id', sa.UUID(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('dedup_key', sa.LargeBinary(), nullable=False),
    sa.Column('stream_key', sa.Text(), nullable=False),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('content_type', sa.Text(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('traceparent', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), server_default='pending', nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('crashes', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('available_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('claimed_by', sa.Integer(), nullable=True),
    sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('conversation_id', sa.UUID(), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.CheckConstraint("state IN ('pending','done','ignored','dead')", name=op.f('ck_inbox_state')),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], name=op.f('fk_inbox_connection_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_inbox_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inbox')),
    sa.UniqueConstraint('connection_id', 'dedup_key', name=op.f('uq_inbox_connection_id_dedup_key'))
    )
    op.create_index('ix_inbox_dead', 'inbox', ['created_at'], unique=False, postgresql_where=sa.text("state = 'dead'"))
    op.create_index('ix_inbox_due', 'inbox', ['available_at'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_index('ix_inbox_stream', 'inbox', ['stream_key', 'occurred_at', 'id'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_index('ix_inbox_tenant', 'inbox', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('project_mappings',
    sa.Column('tracker', sa.Text(), nullable=False),
    sa.Column('tracker_connection_id', sa.UUID(), nullable=False),
    sa.Column('list_id', sa.Text(), nullable=False),
    sa.Column('list_name', sa.Text(), nullable=False),
    sa.Column('chat', sa.Text(), nullable=False),
    sa.Column('chat_connection_id', sa.UUID(), nullable=False),
    sa.Column('channel_id', sa.Text(), nullable=False),
    sa.Column('channel_name', sa.Text(), nullable=False),
    sa.Column('sync_rule', sa.Text(), server_default='keyword', nullable=False),
    sa.Column('sync_keyword', sa.Text(), server_default='!sync', nullable=False),
    sa.Column('instructions', sa.Text(), server_default='', nullable=False),
    sa.Column('clickup_list_id', sa.Text(), sa.Computed("CASE WHEN tracker = 'clickup' THEN list_id END", persisted=True), nullable=True),
    sa.Column('slack_channel_id', sa.Text(), sa.Computed("CASE WHEN chat = 'slack' THEN channel_id END", persisted=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.CheckConstraint("sync_rule IN ('keyword','metadata','reaction','all')", name=op.f('ck_project_mappings_sync_rule')),
    sa.ForeignKeyConstraint(['chat_connection_id'], ['connections.id'], name=op.f('fk_project_mappings_chat_connection_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_project_mappings_tenant_id')),
    sa.ForeignKeyConstraint(['tracker_connection_id'], ['connections.id'], name=op.f('fk_project_mappings_tracker_connection_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_project_mappings')),
    sa.UniqueConstraint('tenant_id', 'tracker_connection_id', 'list_id', name=op.f('uq_project_mappings_tenant_id_tracker_connection_id_list_id'))
    )
    op.create_index(op.f('ix_project_mappings_clickup_list_id'), 'project_mappings', ['clickup_list_id'], unique=False)
    op.create_index(op.f('ix_project_mappings_slack_channel_id'), 'project_mappings', ['slack_channel_id'], unique=False)
    op.create_index('ix_project_mappings_tenant', 'project_mappings', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('webhook_keys',
    sa.Column('connection_id', sa.UUID(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], name=op.f('fk_webhook_keys_connection_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_webhook_keys_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_keys')),
    sa.UniqueConstraint('source', 'key', name=op.f('uq_webhook_keys_source_key'))
    )
    op.create_index(op.f('ix_webhook_keys_connection_id'), 'webhook_keys', ['connection_id'], unique=False)
    op.create_index('ix_webhook_keys_tenant', 'webhook_keys', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('api_key_secrets',
    sa.Column('api_key_id', sa.UUID(), nullable=False),
    sa.Column('secret_hash', sa.LargeBinary(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['api_key_id'], ['api_keys.id'], name=op.f('fk_api_key_secrets_api_key_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_api_key_secrets_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_key_secrets'))
    )
    op.create_index(op.f('ix_api_key_secrets_api_key_id'), 'api_key_secrets', ['api_key_id'], unique=False)
    op.create_index('ix_api_key_secrets_tenant', 'api_key_secrets', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('task_mappings',
    sa.Column('tracker', sa.Text(), nullable=False),
    sa.Column('tracker_connection_id', sa.UUID(), nullable=False),
    sa.Column('item_id', sa.Text(), nullable=False),
    sa.Column('list_id', sa.Text(), nullable=False),
    sa.Column('project_mapping_id', sa.UUID(), nullable=True),
    sa.Column('chat', sa.Text(), nullable=True),
    sa.Column('chat_connection_id', sa.UUID(), nullable=True),
    sa.Column('channel_id', sa.Text(), nullable=True),
    sa.Column('root_ts', sa.Text(), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('snapshot', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('item_updated_ms', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('requested_by', sa.Text(), server_default='', nullable=False),
    sa.Column('alias', sa.Text(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_reason', sa.Text(), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('clickup_task_id', sa.Text(), sa.Computed("CASE WHEN tracker = 'clickup' THEN item_id END", persisted=True), nullable=True),
    sa.Column('slack_channel_id', sa.Text(), sa.Computed("CASE WHEN chat = 'slack' THEN channel_id END", persisted=True), nullable=True),
    sa.Column('slack_ts', sa.Text(), sa.Computed("CASE WHEN chat = 'slack' THEN root_ts END", persisted=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['chat_connection_id'], ['connections.id'], name=op.f('fk_task_mappings_chat_connection_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['project_mapping_id'], ['project_mappings.id'], name=op.f('fk_task_mappings_project_mapping_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_task_mappings_tenant_id')),
    sa.ForeignKeyConstraint(['tracker_connection_id'], ['connections.id'], name=op.f('fk_task_mappings_tracker_connection_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_task_mappings')),
    sa.UniqueConstraint('tenant_id', 'tracker_connection_id', 'item_id', name=op.f('uq_task_mappings_tenant_id_tracker_connection_id_item_id'))
    )
    op.create_index(op.f('ix_task_mappings_clickup_task_id'), 'task_mappings', ['clickup_task_id'], unique=False)
    op.create_index(op.f('ix_task_mappings_list_id'), 'task_mappings', ['list_id'], unique=False)
    op.create_index(op.f('ix_task_mappings_project_mapping_id'), 'task_mappings', ['project_mapping_id'], unique=False)
    op.create_index('ix_task_mappings_tenant', 'task_mappings', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_index('uq_task_mappings_root', 'task_mappings', ['chat_connection_id', 'channel_id', 'root_ts'], unique=True)
    op.create_table('messages',
    sa.Column('conversation_id', sa.UUID(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('author_id', sa.Text(), nullable=False),
    sa.Column('author_name', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('permalink', sa.Text(), nullable=True),
    sa.Column('twin_id', sa.Text(), nullable=True),
    sa.Column('synced', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('edited_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['task_mappings.id'], name=op.f('fk_messages_conversation_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_messages_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_messages')),
    sa.UniqueConstraint('conversation_id', 'source', 'external_id', name=op.f('uq_messages_conversation_id_source_external_id'))
    )
    op.create_index(op.f('ix_messages_conversation_id'), 'messages', ['conversation_id'], unique=False)
    op.create_index('ix_messages_tenant', 'messages', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('tasks',
    sa.Column('conversation_id', sa.UUID(), nullable=False),
    sa.Column('alias', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('instructions', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), server_default='submitted', nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('agent_id', sa.UUID(), nullable=True),
    sa.Column('instance', sa.Text(), nullable=True),
    sa.Column('epoch', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('offers', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_sign_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_offer_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('plan', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('progress', sa.Text(), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('traceparent', sa.Text(), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.CheckConstraint("state IN ('submitted','offered','working','input_required','approval_required','completed','failed','canceled','rejected','expired')", name=op.f('ck_tasks_state')),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_tasks_agent_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['conversation_id'], ['task_mappings.id'], name=op.f('fk_tasks_conversation_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_tasks_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tasks'))
    )
    op.create_index(op.f('ix_tasks_agent_id'), 'tasks', ['agent_id'], unique=False)
    op.create_index(op.f('ix_tasks_conversation_id'), 'tasks', ['conversation_id'], unique=False)
    op.create_index('ix_tasks_open', 'tasks', ['tenant_id', 'state'], unique=False, postgresql_where=sa.text('finished_at IS NULL'))
    op.create_index('ix_tasks_tenant', 'tasks', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_index('uq_tasks_open_conversation', 'tasks', ['conversation_id'], unique=True, postgresql_where=sa.text('finished_at IS NULL'))
    op.create_table('deliveries',
    sa.Column('sink', sa.Text(), nullable=False),
    sa.Column('connection_id', sa.UUID(), nullable=False),
    sa.Column('conversation_id', sa.UUID(), nullable=False),
    sa.Column('task_id', sa.UUID(), nullable=True),
    sa.Column('message_id', sa.UUID(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('effect_key', sa.Text(), nullable=False),
    sa.Column('stream_key', sa.Text(), nullable=False),
    sa.Column('order_key', sa.BigInteger(), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('traceparent', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), server_default='pending', nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('crashes', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('available_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('claimed_by', sa.Integer(), nullable=True),
    sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.CheckConstraint("state IN ('pending','sending','done','superseded','dead')", name=op.f('ck_deliveries_state')),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], name=op.f('fk_deliveries_connection_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['conversation_id'], ['task_mappings.id'], name=op.f('fk_deliveries_conversation_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_deliveries_message_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_deliveries_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    sa.UniqueConstraint('tenant_id', 'sink', 'effect_key', name=op.f('uq_deliveries_tenant_id_sink_effect_key'))
    )
    op.create_index(op.f('ix_deliveries_conversation_id'), 'deliveries', ['conversation_id'], unique=False)
    op.create_index('ix_deliveries_dead', 'deliveries', ['created_at'], unique=False, postgresql_where=sa.text("state = 'dead'"))
    op.create_index('ix_deliveries_due', 'deliveries', ['available_at'], unique=False, postgresql_where=sa.text("state IN ('pending','sending')"))
    op.create_index('ix_deliveries_stream', 'deliveries', ['stream_key', 'order_key', 'id'], unique=False, postgresql_where=sa.text("state IN ('pending','sending')"))
    op.create_index(op.f('ix_deliveries_task_id'), 'deliveries', ['task_id'], unique=False)
    op.create_index('ix_deliveries_tenant', 'deliveries', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('questions',
    sa.Column('task_id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('prompt', sa.Text(), nullable=False),
    sa.Column('options', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('approvers', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('state', sa.Text(), server_default='open', nullable=False),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('answered_by', sa.Text(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.CheckConstraint("kind IN ('ask','approve')", name=op.f('ck_questions_kind')),
    sa.CheckConstraint("state IN ('open','answered','expired','withdrawn')", name=op.f('ck_questions_state')),
    sa.ForeignKeyConstraint(['task_id'], ['tasks.id'], name=op.f('fk_questions_task_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_questions_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_questions'))
    )
    op.create_index(op.f('ix_questions_task_id'), 'questions', ['task_id'], unique=False)
    op.create_index('ix_questions_tenant', 'questions', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_table('task_events',
    sa.Column('task_id', sa.UUID(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=True),
    sa.Column('event_id', sa.Text(), nullable=True),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('answer', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('tenant_id', sa.UUID(), nullable=False),
    sa.ForeignKeyConstraint(['task_id'], ['tasks.id'], name=op.f('fk_task_events_task_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_task_events_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_task_events')),
    sa.UniqueConstraint('task_id', 'epoch', 'event_id', name=op.f('uq_task_events_task_id_epoch_event_id'))
    )
    op.create_index(op.f('ix_task_events_task_id'), 'task_events', ['task_id'], unique=False)
    op.create_index('ix_task_events_tenant', 'task_events', ['tenant_id', 'created_at', 'id'], unique=False)
    # fmt: on
    for statement in (*protect_sql(TENANT_TABLES, SYSTEM_TABLES), *protect_tenants_sql()):
        op.execute(statement)
