"""The inbox and the outbox."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from nexus.store.tables.base import Base, Identified, TenantOwned


class Told:
    """What became of a row so far: what the live feed and the timeline are read from."""

    changed_at: Mapped[datetime | None] = mapped_column(
        server_default=func.clock_timestamp(), onupdate=func.clock_timestamp()
    )
    """When it was made, tried or settled last; a claim is no change. Null for what is older than this column."""
    history: Mapped[list[Any]] = mapped_column(server_default=sql("'[]'::jsonb"))
    """Each end of a try, `{at, outcome, reason}`, oldest first; the last `tries.KEPT_TRIES` of them."""


class InboxEvent(Base, Identified, TenantOwned, Told):
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
        Index("ix_inbox_dead", "tenant_id", "created_at", postgresql_where=sql("state = 'dead'")),
        Index("ix_inbox_changed", "tenant_id", "changed_at"),
        Index("ix_inbox_conversation", "conversation_id", postgresql_where=sql("conversation_id IS NOT NULL")),
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


class Delivery(Base, Identified, TenantOwned, Told):
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
            "ix_deliveries_in_doubt",
            "tenant_id",
            "available_at",
            postgresql_where=sql("state = 'sending' AND claimed_by IS NULL"),
        ),
        Index(
            "ix_deliveries_suspect",
            "available_at",
            postgresql_where=sql("shared_crashes >= 2 AND state IN ('pending','sending')"),
        ),
        Index("ix_deliveries_claimed", "stream_key", postgresql_where=sql("claimed_by IS NOT NULL")),
        Index("ix_deliveries_dead", "tenant_id", "created_at", postgresql_where=sql("state = 'dead'")),
        Index("ix_deliveries_changed", "tenant_id", "changed_at"),
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
