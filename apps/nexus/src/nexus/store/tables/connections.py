"""Vendor workspaces, and the webhooks and limits that belong to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from nexus.store.tables.base import Base, Identified, TenantOwned


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
