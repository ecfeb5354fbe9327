"""Gateway processes of one installation, each with its own parts and caches; in this process, on real servers."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import select
from support.world import listening, serving

from nexus.bootstrap import Nexus, open_nexus
from nexus.settings import Settings
from nexus.store.tables import Tenant

ISSUER = "http://nexus.example"


@dataclass(frozen=True)
class Process:
    """One of them."""

    nexus: Nexus
    url: str
    app: Any

    def client(self, address: str = "127.0.0.1", **more: Any) -> httpx.AsyncClient:
        """Speaks to the application itself, as if from this address: nothing is checked on the way."""
        transport = httpx.ASGITransport(self.app, client=(address, 4711), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=self.url, **more)


@asynccontextmanager
async def process(database_url: str, redis_url: str, **settings: Any) -> AsyncGenerator[Process]:
    """Serves API, MCP and sockets."""
    listener, url = listening()
    given = {"database_url": database_url, "redis_url": redis_url, "environment": "development", "issuer": ISSUER}
    async with open_nexus(Settings.model_validate({**given, **settings})) as nexus, serving(nexus, listener) as gateway:
        yield Process(nexus, url, nexus.application(gateway))


async def tenant(nexus: Nexus, name: str = "acme") -> Any:
    """The id of the tenant of this name, made if need be."""
    async with nexus.db.system() as session:
        found = await session.scalar(select(Tenant).where(Tenant.name == name))
        if found is None:
            found = Tenant(name=name)
            session.add(found)
    return found.id
