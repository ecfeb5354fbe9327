"""What is linked with what, and what is said there."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from nexus.store.tables.base import Base, Identified, TenantOwned, WrittenOnce


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
    created_by: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), onupdate=func.clock_timestamp())
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
        # Partial, so that PostgreSQL does not take it for a key that others refer to: to set `root_ts` would wait for
        # everybody who writes something about the conversation.
        Index(
            "uq_task_mappings_thread",
            "chat_connection_id",
            "channel_id",
            "root_ts",
            unique=True,
            postgresql_where=sql("root_ts IS NOT NULL"),
        ),
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
    channel_name: Mapped[str | None]
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


class Message(Base, Identified, TenantOwned, WrittenOnce):
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
