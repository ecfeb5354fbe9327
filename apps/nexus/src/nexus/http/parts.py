"""Everything that the HTTP API is given, and what it asks of those who give it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from nexus.auth.agents import AgentDirectory
from nexus.auth.clients import Clients
from nexus.auth.keys import SigningKeys
from nexus.auth.members import Members
from nexus.auth.standing import Standing
from nexus.auth.tokens import Tokens
from nexus.http.limits import RateLimits
from nexus.kit.clock import Clock
from nexus.kit.pulse import Pulses
from nexus.store.database import Database
from oblivion_protocol.operating import (
    ChannelCatalog,
    ConnectionResource,
    ConnectionTest,
    IntegrationResource,
    ListCatalog,
)
from oblivion_protocol.resources import MappingResource, SearchHit, SyncRule


class Linker(Protocol):
    """Links lists to channels."""

    async def link(
        self,
        tenant_id: UUID,
        list_id: str,
        channel_id: str,
        *,
        sync_rule: SyncRule,
        sync_keyword: str,
        actor: str,
    ) -> MappingResource:
        """Checks both ends at their vendors and links them. Raises Rejected, Retryable or AlreadyExists."""
        ...

    async def move(
        self,
        tenant_id: UUID,
        mapping_id: UUID,
        *,
        channel_id: str | None,
        sync_rule: SyncRule | None,
        sync_keyword: str | None,
        actor: str,
    ) -> MappingResource:
        """Links the list to another channel or changes its rule. Raises NotFound, Rejected or Retryable."""
        ...

    async def unlink(self, tenant_id: UUID, mapping_id: UUID, actor: str) -> bool:
        """Whether there was such a mapping in this tenant; it is gone now."""
        ...


class Catalog(Protocol):
    """What there is at the vendors, from a cache that is young enough. Unknown vendor: raises NotFound."""

    async def lists(self, tenant_id: UUID, vendor: str, *, refresh: bool = False) -> ListCatalog:
        """The lists of a tracker; with `refresh` read anew, though not more often than every few seconds."""
        ...

    async def channels(self, tenant_id: UUID, vendor: str, *, refresh: bool = False) -> ChannelCatalog:
        """The channels of a chat, likewise."""
        ...


class TaskControl(Protocol):
    """Stops tasks, and gives them to others."""

    async def cancel(self, tenant_id: UUID, task_id: UUID, actor: str) -> bool:
        """Whether the task was open and is canceled now."""
        ...

    async def reassign(self, tenant_id: UUID, task_id: UUID, agent: str | None, actor: str) -> None:
        """Takes the task from whoever has it and offers it anew, only to `agent` where one is named.

        Raises NotFound, TaskOver or NotCapable.
        """
        ...


class Muting(Protocol):
    """Silences agents."""

    async def mute(self, tenant_id: UUID, agent: str, reason: str, actor: str) -> None:
        """From now on the agent is offered nothing, and it is told why. Raises NotFound."""
        ...

    async def unmute(self, tenant_id: UUID, agent: str, actor: str) -> None:
        """Takes it back. Raises NotFound."""
        ...


class Searcher(Protocol):
    """Finds what was said and done."""

    async def search(self, tenant_id: UUID, query: str, limit: int) -> list[SearchHit]:
        """The passages of the tenant that fit best, best first. Raises Retryable when it cannot be done now."""
        ...


class Connector(Protocol):
    """Connects vendor workspaces."""

    async def connect(
        self, tenant_id: UUID, vendor: str, credentials: Mapping[str, str], actor: str
    ) -> ConnectionResource:
        """Tries, seals and keeps the credentials. Raises NotFound for an unknown vendor, Rejected."""
        ...

    async def test(self, tenant_id: UUID, connection_id: UUID) -> ConnectionTest:
        """Looks at the vendor, now. Raises NotFound."""
        ...

    async def disconnect(self, tenant_id: UUID, connection_id: UUID, actor: str, *, force: bool) -> None:
        """Removes the connection, and our webhook there. Raises NotFound; InUse while something hangs on it."""
        ...

    def integrations(self) -> list[IntegrationResource]:
        """What can be connected, and how."""
        ...


@dataclass(frozen=True, slots=True)
class HealthParts:
    """What a process needs to say how it is."""

    db: Database
    registry: CollectorRegistry
    refresh: Callable[[], Awaitable[None]]
    """Before a scrape: has gauges look at what they show. Bounded in time; never raises."""
    redis_ping: Callable[[], Awaitable[object]]
    """Raises when Redis does not answer."""
    complaint: Callable[[], str]
    """Why only a restart of this process will make it hear rings again; empty when there is no such reason."""
    pulses: Pulses
    draining: Callable[[], bool]
    version: str


@dataclass(frozen=True, slots=True)
class HttpParts:
    """Everything given to the HTTP API."""

    db: Database
    keys: SigningKeys
    tokens: Tokens
    clients: Clients
    standing: Standing
    directory: AgentDirectory
    members: Members
    linker: Linker
    catalog: Catalog
    tasks: TaskControl
    muting: Muting
    connector: Connector
    clock: Clock
    health: HealthParts
    limits: RateLimits
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call the API from a browser; nobody's unless said so."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names of integrations, as people spell them."""
    searcher: Searcher | None = None
    """None where nothing is remembered: searching is then refused."""


def health_parts_of(request: Request) -> HealthParts:
    """The parts that `create_app` or `create_health_app` put on the application."""
    return request.app.state.health


def parts_of(request: Request) -> HttpParts:
    """The parts that `create_app` put on the application."""
    return request.app.state.parts


Parts = Annotated[HttpParts, Depends(parts_of)]
Health = Annotated[HealthParts, Depends(health_parts_of)]
