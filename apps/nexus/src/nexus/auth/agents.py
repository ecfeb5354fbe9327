"""The agents of a tenant: created with a client of their own, rotated and revoked together with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from nexus.auth import names
from nexus.auth.aliases import Aliases, put_behind
from nexus.auth.audit import record
from nexus.auth.clients import ROTATION_OVERLAP_SECONDS, Clients
from nexus.auth.errors import AlreadyExists, NotFound
from nexus.auth.roster import read_roster
from nexus.kit.clock import Clock
from nexus.store.database import Database
from nexus.store.tables import Agent, ApiKey
from oblivion_protocol.resources import AgentResource
from oblivion_protocol.scopes import AGENT


@dataclass(frozen=True, slots=True)
class CreatedAgent:
    """A new agent, with its credentials: the only time that the secret is seen."""

    agent_id: UUID
    name: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class RotatedAgent:
    """New credentials of an agent; `client_id` stays."""

    name: str
    client_id: str
    client_secret: str


class AgentDirectory:
    """Creates, lists, rotates and revokes agents; `aliases` are the handles they answer to."""

    def __init__(self, db: Database, clients: Clients, clock: Clock) -> None:
        self._db = db
        self._clients = clients
        self._clock = clock
        self.aliases = Aliases(db)

    async def create(
        self,
        tenant_id: UUID,
        name: str,
        skills: Sequence[str] = (),
        aliases: Sequence[str] = (),
        *,
        icon: str | None = None,
        secret_days: int | None = None,
        actor: str = "system",
    ) -> CreatedAgent:
        """A new agent, its client and its handles, all or nothing. Raises Invalid or AlreadyExists.

        With `secret_days` the secret ends by itself; a rotation makes one without an end.
        """
        expires_at = None if secret_days is None else self._clock.now() + timedelta(days=secret_days)
        handles = [names.alias(alias) for alias in aliases]
        agent = Agent(tenant_id=tenant_id, name=names.agent_name(name), skills=list(dict.fromkeys(skills)), icon=icon)
        try:
            async with self._db.tenant(tenant_id) as session:
                session.add(agent)
                await session.flush()
                client_id, secret = await self._clients.add(
                    session, tenant_id, name, [AGENT], agent.id, actor=actor, expires_at=expires_at
                )
                await put_behind(session, tenant_id, agent.id, handles)
                record(session, tenant_id, actor, "agent.create", name, {"aliases": handles})
        except IntegrityError as error:
            if "uq_agents_tenant_id" not in str(error.orig):
                raise
            raise AlreadyExists(
                f"There is an agent {name} already, maybe a revoked one; its history keeps the name. Choose another."
            ) from error
        return CreatedAgent(agent.id, name, client_id, secret)

    async def roster(
        self, tenant_id: UUID, *, after: tuple[datetime, UUID] | None = None, limit: int | None = None
    ) -> list[AgentResource]:
        """Agents in the order of creation, with presence; from the one after `after`, at most `limit`."""
        async with self._db.tenant(tenant_id) as session:
            return await read_roster(session, self._clock.now(), after=after, limit=limit)

    async def find(self, tenant_id: UUID, name: str) -> AgentResource:
        """One agent of the roster. Raises NotFound."""
        async with self._db.tenant(tenant_id) as session:
            found = await read_roster(session, self._clock.now(), name=name)
        if not found:
            raise NotFound(f"There is no agent {name}.")
        return found[0]

    async def limit(
        self, tenant_id: UUID, name: str, messages_per_minute: int | None, *, actor: str = "system"
    ) -> None:
        """How much an agent may say in a minute; None for the usual. Raises NotFound."""
        async with self._db.tenant(tenant_id) as session:
            agent = await session.scalar(
                select(Agent).where(Agent.name == name, Agent.revoked_at.is_(None)).with_for_update(key_share=True)
            )
            if agent is None:
                raise NotFound(f"There is no agent {name}, or it is revoked.")
            if agent.messages_per_minute != messages_per_minute:
                agent.messages_per_minute = messages_per_minute
                record(session, tenant_id, actor, "agent.change", name, {"messages_per_minute": messages_per_minute})

    async def rotate(
        self,
        tenant_id: UUID,
        name: str,
        overlap_seconds: int = ROTATION_OVERLAP_SECONDS,
        *,
        actor: str = "system",
    ) -> RotatedAgent:
        """A new secret; the previous one goes on working for `overlap_seconds`. Raises NotFound."""
        async with self._db.tenant(tenant_id) as session:
            client_id = await session.scalar(
                select(ApiKey.client_id)
                .join(Agent, Agent.id == ApiKey.agent_id)
                .where(Agent.name == name, Agent.revoked_at.is_(None), ApiKey.revoked_at.is_(None))
                .order_by(ApiKey.created_at.desc())
                .limit(1)
            )
        if client_id is None:
            raise NotFound(f"There is no agent {name}, or it is revoked.")
        secret = await self._clients.rotate(tenant_id, client_id, overlap_seconds, actor=actor)
        return RotatedAgent(name, client_id, secret)

    async def revoke(self, tenant_id: UUID, name: str, *, actor: str = "system") -> None:
        """Ends an agent and its clients at once. Raises NotFound."""
        now = self._clock.now()
        async with self._db.tenant(tenant_id) as session:
            agent = await session.scalar(
                select(Agent).where(Agent.name == name, Agent.revoked_at.is_(None)).with_for_update()
            )
            if agent is None:
                raise NotFound(f"There is no agent {name}, or it is revoked already.")
            agent.revoked_at = now
            keys = await session.scalars(select(ApiKey).where(ApiKey.agent_id == agent.id, ApiKey.revoked_at.is_(None)))
            for key in keys:
                key.revoked_at = now
                record(session, tenant_id, actor, "client.revoke", key.client_id)
            record(session, tenant_id, actor, "agent.revoke", name)
