"""Agents that are silenced, and what they say meanwhile."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from nexus.store.tables.base import Base, Identified, TenantOwned


class Mute(Base, Identified, TenantOwned):
    """One time that an agent was silenced: by the breaker, or by an operator."""

    __tablename__ = "mutes"
    __table_args__ = (
        Index("uq_mutes_open", "agent_id", unique=True, postgresql_where=sql("ended_at IS NULL")),
        Index("ix_mutes_agent", "agent_id"),
        Index("ix_mutes_unsettled", "ended_at", postgresql_where=sql("ended_at IS NOT NULL AND settled_at IS NULL")),
    )
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    reason: Mapped[str]
    automatic: Mapped[bool]
    """Whether the breaker did it; then people in the thread may take it back, too."""
    held: Mapped[int] = mapped_column(server_default=sql("0"))
    """How much was held under it; posted or not, it counts on."""
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    """When what it held was posted, and its notices were redrawn, after its end."""


class HeldPost(Base, Identified, TenantOwned):
    """Something that a silenced agent has said: it waits until somebody decides, in the order in which it was said."""

    __tablename__ = "held_posts"
    __table_args__ = (
        CheckConstraint("state IN ('held','posted','dropped')", name="state"),
        UniqueConstraint("tenant_id", "effect_key"),
        Index("ix_held_posts_waiting", "agent_id", "conversation_id", postgresql_where=sql("state = 'held'")),
        Index("ix_held_posts_mute", "mute_id", "conversation_id"),
        Index("ix_held_posts_conversation", "conversation_id"),
    )
    mute_id: Mapped[UUID] = mapped_column(ForeignKey("mutes.id", ondelete="CASCADE"))
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("task_mappings.id", ondelete="CASCADE"))
    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), index=True)
    effect_key: Mapped[str]
    kind: Mapped[str]
    """`reply` or `question`."""
    payload: Mapped[dict[str, Any]]
    """The intent, as in `deliveries`."""
    traceparent: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="held")
    settled_at: Mapped[datetime | None]
