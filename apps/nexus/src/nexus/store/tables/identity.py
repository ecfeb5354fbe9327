"""Tenants, agents, and the clients and keys by which they are known."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, UniqueConstraint, func
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from nexus.store.tables.base import Base, Identified, TenantOwned


class Tenant(Base, Identified):
    """One customer organisation."""

    __tablename__ = "tenants"
    name: Mapped[str] = mapped_column(unique=True)


class SigningKey(Base):
    """A key pair that signs access tokens from `signs_from` to `retired_at`; published as soon as it is here."""

    __tablename__ = "signing_keys"
    kid: Mapped[str] = mapped_column(primary_key=True)
    sealed_private_key: Mapped[bytes]
    public_key: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    signs_from: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    retired_at: Mapped[datetime | None]


class RevokedToken(Base, Identified, TenantOwned):
    """An access token that was revoked before its end."""

    __tablename__ = "revoked_tokens"
    __table_args__ = (UniqueConstraint("tenant_id", "jti"),)
    jti: Mapped[str]
    client_id: Mapped[str]
    expires_at: Mapped[datetime]


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
    messages_per_minute: Mapped[int | None] = mapped_column(Integer)
    """How much it may say before the breaker mutes it; None for the usual."""
    posted_at: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)), server_default=sql("'{}'"))
    """When it said something last, newest last; no more than the breaker asks for."""
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
    last_used_at: Mapped[datetime | None]


class ApiKeySecret(Base, Identified, TenantOwned):
    """A keyed hash of a client secret; two are live during a rotation."""

    __tablename__ = "api_key_secrets"
    api_key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[bytes]
    pepper: Mapped[str | None]
    """Which secret key the hash was made with (`Sealer.pepper`); None: by a release that did not write it down."""
    expires_at: Mapped[datetime | None]


class Member(Base, Identified, TenantOwned):
    """A person who may use the dashboard, known by their e-mail in lower case."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("tenant_id", "email"),
        CheckConstraint("role IN ('viewer','operator','admin')", name="role"),
        CheckConstraint("email = lower(email)", name="email"),
    )
    email: Mapped[str]
    role: Mapped[str]
    last_seen_at: Mapped[datetime | None]
