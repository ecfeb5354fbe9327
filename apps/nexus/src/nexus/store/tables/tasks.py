"""Tasks of agents, their history and questions, and the way to the agents."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from nexus.store.tables.base import Base, Identified, TenantOwned, WrittenOnce


class Task(Base, Identified, TenantOwned, WrittenOnce):
    """A piece of work for an agent. `epoch` fences: only the current holder can change it (I5)."""

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(
            "state IN ('submitted','offered','working','input_required','approval_required',"
            "'completed','failed','canceled','rejected','expired')",
            name="state",
        ),
        # Tasks that are over pile up for ever: a query about those that are not says so by `finished_at IS NULL`
        # although their state says it too, for it is that by which they are found.
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
    wanted_agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("agents.id", ondelete="SET NULL"))
    """The one agent that an operator has chosen: no other is offered the task."""
    epoch: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    offers: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    hops: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    """How many agents, each asked by the one before, stand between a person and this task."""
    turns: Mapped[int] = mapped_column(Integer, server_default=sql("0"))
    """How many tasks agents have given one another here since a person spoke."""
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


class TaskEvent(Base, Identified, TenantOwned, WrittenOnce):
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
    __table_args__ = (
        UniqueConstraint("agent_id", "instance"),
        Index("ix_agent_sessions_open", "tenant_id", postgresql_where=sql("closed_at IS NULL")),
        Index("ix_agent_sessions_closed", "tenant_id", "closed_at"),
    )
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


class AgentMessage(Base, Identified, TenantOwned, WrittenOnce):
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
        Index("uq_questions_key", "task_id", "key", unique=True, postgresql_where=sql("key IS NOT NULL")),
        Index("ix_questions_open", "expires_at", postgresql_where=sql("state = 'open'")),
    )
    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"), index=True)
    key: Mapped[str | None]
    """The same each time that the task is worked on anew; absent from agents that do not name one."""
    kind: Mapped[str]
    prompt: Mapped[str]
    options: Mapped[list[str]]
    approvers: Mapped[list[str]]
    state: Mapped[str] = mapped_column(server_default="open")
    answer: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
