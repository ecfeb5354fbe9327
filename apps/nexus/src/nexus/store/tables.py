"""Every table of Nexus. PostgreSQL holds the truth; each row but two belongs to a tenant.

Vendor words appear in this file only as generated columns (`clickup_list_id`, `slack_channel_id`, …): the
pipeline speaks of a tracker's list and item and of a chat's channel and message, so that another vendor is
another value in `connections.vendor` and not another column.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy import (
    text as sql,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from nexus.kit.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Declarative base with constraint names that migrations can rely on."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        bool: Boolean,
        bytes: LargeBinary,
        UUID: postgresql.UUID(as_uuid=True),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
    }


class Identified:
    """A row with an id that sorts by creation, and the instant of creation."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class TenantOwned:
    """A row that belongs to one tenant; row-level security hides it from all others."""

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))


class Tenant(Base, Identified):
    """One customer organisation."""

    __tablename__ = "tenants"
    name: Mapped[str] = mapped_column(unique=True)


class SigningKey(Base):
    """A key pair that signs access tokens; two are live during a rotation."""

    __tablename__ = "signing_keys"
    kid: Mapped[str] = mapped_column(primary_key=True)
    sealed_private_key: Mapped[bytes]
    public_key: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    retired_at: Mapped[datetime | None]


class Connection(Base, Identified, TenantOwned):
    """A tenant's credentials for one vendor workspace, sealed, and what we learned about it."""

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("tenant_id", "vendor", "workspace_id"),)
    vendor: Mapped[str]
    workspace_id: Mapped[str]
    name: Mapped[str]
    sealed: Mapped[bytes]
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    broken_reason: Mapped[str | None]
    health: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    checked_at: Mapped[datetime | None]
    read_until: Mapped[datetime | None]
    """Everything that changed at the vendor before this instant has been seen or read back."""


class Pace(Base, Identified, TenantOwned):
    """When a vendor takes the next message under some limit of its own, for all processes together."""

    __tablename__ = "paces"
    __table_args__ = (UniqueConstraint("connection_id", "key"),)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    key: Mapped[str]
    next_at: Mapped[datetime]


class WebhookKey(Base, Identified, TenantOwned):
    """What a webhook says it comes from → the secret that must have signed it."""

    __tablename__ = "webhook_keys"
    __table_args__ = (UniqueConstraint("source", "key"),)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), index=True)
    source: Mapped[str]
    key: Mapped[str]
    sealed: Mapped[bytes]


class Agent(Base, Identified, TenantOwned):
    """A registered program that takes tasks."""

    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)
    name: Mapped[str]
    icon: Mapped[str | None]
    skills: Mapped[list[str]] = mapped_column(server_default=sql("'{}'::text[]"))
    next_seq: Mapped[int] = mapped_column(server_default=sql("1"))
    muted_at: Mapped[datetime | None]
    muted_reason: Mapped[str | None]
    revoked_at: Mapped[datetime | None]


class AgentAlias(Base, Identified, TenantOwned):
    """A handle without its @, such as `AI_Squad`, and one agent behind it; a squad has several rows."""

    __tablename__ = "agent_aliases"
    alias: Mapped[str]
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)


Index(
    "uq_agent_aliases_alias_agent",
    AgentAlias.tenant_id,
    func.lower(AgentAlias.alias),
    AgentAlias.agent_id,
    unique=True,
)


class ApiKey(Base, Identified, TenantOwned):
    """An OAuth client: of an agent, or of an administrator's program."""

    __tablename__ = "api_keys"
    client_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    scopes: Mapped[list[str]]
    revoked_at: Mapped[datetime | None]


class ApiKeySecret(Base, Identified, TenantOwned):
    """A keyed hash of a client secret; two are live during a rotation."""

    __tablename__ = "api_key_secrets"
    api_key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[bytes]
    expires_at: Mapped[datetime | None]


class ProjectMapping(Base, Identified, TenantOwned):
    """One list of a tracker ↔ one channel of a chat, with its rules."""

    __tablename__ = "project_mappings"
    __table_args__ = (
        UniqueConstraint("tenant_id", "tracker_connection_id", "list_id"),
        CheckConstraint("sync_rule IN ('keyword','metadata','reaction','all')", name="sync_rule"),
    )
    tracker: Mapped[str]
    tracker_connection_id: Mapped[UUID] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    list_id: Mapped[str]
    list_name: Mapped[str]
    chat: Mapped[str]
    chat_connection_id: Mapped[UUID] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    channel_id: Mapped[str]
    channel_name: Mapped[str]
    sync_rule: Mapped[str] = mapped_column(server_default="keyword")
    sync_keyword: Mapped[str] = mapped_column(server_default="!sync")
    instructions: Mapped[str] = mapped_column(server_default="")
    clickup_list_id: Mapped[str | None] = mapped_column(
        Computed("CASE WHEN tracker = 'clickup' THEN list_id END", persisted=True), index=True
    )
    slack_channel_id: Mapped[str | None] = mapped_column(
        Computed("CASE WHEN chat = 'slack' THEN channel_id END", persisted=True), index=True
    )


class TaskMapping(Base, Identified, TenantOwned):
    """A conversation: one item of the tracker ↔ one root message of the chat, with all said in both.

    Without a project mapping it is "addressed, not mapped": known, shown, and posted as soon as the list is
    linked. `snapshot` is the item as last fetched; the card is drawn from it.
    """

    __tablename__ = "task_mappings"
    __table_args__ = (
        UniqueConstraint("tenant_id", "tracker_connection_id", "item_id"),
        Index("uq_task_mappings_root", "chat_connection_id", "channel_id", "root_ts", unique=True),
    )
    tracker: Mapped[str]
    tracker_connection_id: Mapped[UUID] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    item_id: Mapped[str]
    list_id: Mapped[str] = mapped_column(index=True)
    project_mapping_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("project_mappings.id", ondelete="SET NULL"), index=True
    )
    chat: Mapped[str | None]
    chat_connection_id: Mapped[UUID | None] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    channel_id: Mapped[str | None]
    root_ts: Mapped[str | None]
    title: Mapped[str]
    url: Mapped[str]
    snapshot: Mapped[dict[str, Any]]
    item_updated_ms: Mapped[int] = mapped_column(server_default=sql("0"))
    requested_by: Mapped[str] = mapped_column(server_default="")
    alias: Mapped[str]
    closed_at: Mapped[datetime | None]
    closed_reason: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), onupdate=func.clock_timestamp())
    clickup_task_id: Mapped[str | None] = mapped_column(
        Computed("CASE WHEN tracker = 'clickup' THEN item_id END", persisted=True), index=True
    )
    slack_channel_id: Mapped[str | None] = mapped_column(
        Computed("CASE WHEN chat = 'slack' THEN channel_id END", persisted=True)
    )
    slack_ts: Mapped[str | None] = mapped_column(Computed("CASE WHEN chat = 'slack' THEN root_ts END", persisted=True))


class Message(Base, Identified, TenantOwned):
    """Something said in a conversation, with its twin in the other tool once it is mirrored."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("conversation_id", "source", "external_id"),)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("task_mappings.id", ondelete="CASCADE"), index=True)
    source: Mapped[str]
    external_id: Mapped[str]
    author_id: Mapped[str]
    author_name: Mapped[str]
    text: Mapped[str]
    occurred_at: Mapped[datetime]
    permalink: Mapped[str | None]
    twin_id: Mapped[str | None]
    synced: Mapped[bool] = mapped_column(server_default=sql("false"))
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class InboxEvent(Base, Identified, TenantOwned):
    """The raw body of a webhook that we answered 200, and what became of it (I1, I2)."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("connection_id", "dedup_key"),
        CheckConstraint("state IN ('pending','done','ignored','dead')", name="state"),
        Index("ix_inbox_stream", "stream_key", "occurred_at", "id", postgresql_where=sql("state = 'pending'")),
        Index(
            "ix_inbox_due",
            "tenant_id",
            "available_at",
            postgresql_where=sql("state = 'pending' AND claimed_by IS NULL"),
        ),
        Index("ix_inbox_suspect", "available_at", postgresql_where=sql("shared_crashes >= 2 AND state = 'pending'")),
        Index("ix_inbox_claimed", "stream_key", postgresql_where=sql("claimed_by IS NOT NULL")),
        Index("ix_inbox_dead", "created_at", postgresql_where=sql("state = 'dead'")),
    )
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    source: Mapped[str]
    dedup_key: Mapped[bytes]
    stream_key: Mapped[str]
    occurred_at: Mapped[datetime]
    content_type: Mapped[str]
    body: Mapped[bytes]
    traceparent: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="pending")
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    crashes: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    available_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    shared_crashes: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    """How many workers in a row died while they held this row among others; after two it is a suspect."""
    claimed_alone: Mapped[bool] = mapped_column(server_default=sql("false"))
    claimed_by: Mapped[int | None] = mapped_column(Integer)
    claimed_until: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    conversation_id: Mapped[UUID | None]


class Delivery(Base, Identified, TenantOwned):
    """The outbox: one effect that one sink owes the outside world (I3, I4).

    `sending` without a claim means unsure: it may have happened, so it is looked up before it is sent again.
    Rows of one `stream_key` leave in the order of (`order_key`, `id`); one at a time.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("tenant_id", "sink", "effect_key"),
        CheckConstraint("state IN ('pending','sending','done','superseded','dead')", name="state"),
        Index(
            "ix_deliveries_stream",
            "stream_key",
            "order_key",
            "id",
            postgresql_where=sql("state IN ('pending','sending')"),
        ),
        Index(
            "ix_deliveries_due",
            "tenant_id",
            "available_at",
            postgresql_where=sql("state IN ('pending','sending') AND claimed_by IS NULL"),
        ),
        Index(
            "ix_deliveries_suspect",
            "available_at",
            postgresql_where=sql("shared_crashes >= 2 AND state IN ('pending','sending')"),
        ),
        Index("ix_deliveries_claimed", "stream_key", postgresql_where=sql("claimed_by IS NOT NULL")),
        Index("ix_deliveries_dead", "created_at", postgresql_where=sql("state = 'dead'")),
    )
    sink: Mapped[str]
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("task_mappings.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[UUID | None] = mapped_column(index=True)
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"))
    kind: Mapped[str]
    effect_key: Mapped[str]
    stream_key: Mapped[str]
    order_key: Mapped[int]
    source_stream: Mapped[str | None]
    """The stream of the inbox that it came by: what is older there goes first."""
    payload: Mapped[dict[str, Any]]
    traceparent: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="pending")
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    crashes: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    available_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    shared_crashes: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    """How many workers in a row died while they held this row among others; after two it is a suspect."""
    claimed_alone: Mapped[bool] = mapped_column(server_default=sql("false"))
    claimed_by: Mapped[int | None] = mapped_column(Integer)
    claimed_until: Mapped[datetime | None]
    attempted_at: Mapped[datetime | None]
    slot_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    external_id: Mapped[str | None]
    """Id of the effect at the vendor; known before `done` when its echo came first."""
    healed: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    """How many times a second effect of this row was seen and taken back."""


class Task(Base, Identified, TenantOwned):
    """A piece of work for an agent. `epoch` fences: only the current holder can change it (I5)."""

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(
            "state IN ('submitted','offered','working','input_required','approval_required',"
            "'completed','failed','canceled','rejected','expired')",
            name="state",
        ),
        Index("ix_tasks_open", "tenant_id", "state", postgresql_where=sql("finished_at IS NULL")),
        Index(
            "uq_tasks_open_conversation",
            "conversation_id",
            unique=True,
            postgresql_where=sql("finished_at IS NULL"),
        ),
    )
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("task_mappings.id", ondelete="CASCADE"), index=True)
    alias: Mapped[str]
    type: Mapped[str]
    title: Mapped[str]
    instructions: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="submitted")
    reason: Mapped[str | None]
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("agents.id", ondelete="SET NULL"), index=True)
    instance: Mapped[str | None]
    epoch: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    offers: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    lease_until: Mapped[datetime | None]
    last_sign_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    next_offer_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    plan: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))
    progress: Mapped[str | None]
    result: Mapped[str | None]
    traceparent: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), onupdate=func.clock_timestamp())


class TaskEvent(Base, Identified, TenantOwned):
    """Something that happened to a task; for a command of an agent also the answer it got."""

    __tablename__ = "task_events"
    __table_args__ = (UniqueConstraint("task_id", "epoch", "event_id"),)
    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    epoch: Mapped[int | None] = mapped_column(Integer)
    event_id: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    answer: Mapped[dict[str, Any] | None]


class AgentSession(Base, Identified, TenantOwned):
    """A connected process of an agent; `session_epoch` tells which socket is the current one."""

    __tablename__ = "agent_sessions"
    __table_args__ = (UniqueConstraint("agent_id", "instance"),)
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    instance: Mapped[str]
    session_epoch: Mapped[int] = mapped_column(Integer, server_default=sql("1"))
    gateway: Mapped[str]
    sid: Mapped[str]
    skills: Mapped[list[str]]
    capacity: Mapped[int] = mapped_column(Integer)
    version: Mapped[str]
    connected_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class AgentMessage(Base, Identified, TenantOwned):
    """The agent sink's outbox: a durable event with the agent's own sequence number, until it is acked."""

    __tablename__ = "agent_messages"
    __table_args__ = (
        UniqueConstraint("agent_id", "seq"),
        Index("ix_agent_messages_unacked", "agent_id", "seq", postgresql_where=sql("acked_at IS NULL")),
    )
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    seq: Mapped[int]
    task_id: Mapped[UUID | None] = mapped_column(index=True)
    instance: Mapped[str | None]
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    acked_at: Mapped[datetime | None]


class Question(Base, Identified, TenantOwned):
    """A question or a request for approval; expired is not denied."""

    __tablename__ = "questions"
    __table_args__ = (
        CheckConstraint("kind IN ('ask','approve')", name="kind"),
        CheckConstraint("state IN ('open','answered','expired','withdrawn')", name="state"),
    )
    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    prompt: Mapped[str]
    options: Mapped[list[str]]
    approvers: Mapped[list[str]]
    state: Mapped[str] = mapped_column(server_default="open")
    answer: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class AuditEntry(Base, Identified, TenantOwned):
    """An administrative act: who did what to which object."""

    __tablename__ = "audit_log"
    actor: Mapped[str]
    action: Mapped[str]
    object: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))


for _table in Base.metadata.tables.values():
    if "tenant_id" in _table.c:
        # Every list is one tenant's, by age: the pages of the API, and what a tenant sees of a queue.
        Index(f"ix_{_table.name}_tenant", _table.c.tenant_id, _table.c.created_at, _table.c.id)
