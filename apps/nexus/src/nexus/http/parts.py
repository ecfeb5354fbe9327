"""Everything that the HTTP API is given, and what it asks of those who give it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from nexus.auth.agents import AgentDirectory
from nexus.auth.clients import Clients
from nexus.auth.keys import SigningKeys
from nexus.auth.members import Members
from nexus.auth.throttle import FailureThrottle
from nexus.auth.tokens import Tokens
from nexus.kit.clock import Clock
from nexus.kit.pulse import Pulses
from nexus.pipeline.links import Listing
from nexus.store.database import Database
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

    async def unlink(self, tenant_id: UUID, mapping_id: UUID, actor: str) -> bool:
        """Whether there was such a mapping in this tenant; it is gone now."""
        ...


class Catalog(Protocol):
    """What there is at the vendors, from a cache that is young enough. Unknown vendor: raises NotFound."""

    async def lists(self, tenant_id: UUID, vendor: str) -> Listing:
        """The lists of a tracker."""
        ...

    async def channels(self, tenant_id: UUID, vendor: str) -> Listing:
        """The channels of a chat."""
        ...


class Canceller(Protocol):
    """Stops tasks."""

    async def cancel(self, tenant_id: UUID, task_id: UUID, actor: str) -> bool:
        """Whether the task was open and is canceled now."""
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
    ) -> Mapping[str, Any]:
        """Tries, seals and keeps the credentials; what is not secret about the connection: `id`, `vendor`,
        `workspace_id`, `name`, `broken_reason`, `created_at`. Raises NotFound for an unknown vendor, Rejected."""
        ...


@dataclass(frozen=True, slots=True)
class HealthParts:
    """What a process needs to say how it is."""

    db: Database
    registry: CollectorRegistry
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
    directory: AgentDirectory
    members: Members
    linker: Linker
    catalog: Catalog
    canceller: Canceller
    connector: Connector
    clock: Clock
    health: HealthParts
    throttle: FailureThrottle
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call the API from a browser; nobody's unless said so."""
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
