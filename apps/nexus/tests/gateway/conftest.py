"""The gateway as agents meet it: real sockets, real PostgreSQL and Valkey, no SDK."""

import secrets
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from gateway.agent_sockets import Account, register
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from support.world import CHANNEL_ID, LIST_ID, World, running_world

from nexus.gateway import admissions, server, sink, sockets
from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey
from nexus.store.database import driver_url

_TEMPLATE = "oblivion_template"


@pytest.fixture
async def world(database_url: str, redis_url: str, quick: None) -> AsyncGenerator[World]:
    """Everything runs; the list is linked, and nobody is behind the squad's alias yet."""
    async with running_world(database_url, redis_url) as running:
        await running.nexus.links.link(running.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_world(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> AsyncGenerator[World]:
    """One world for all tests of a module: for those that need no task, and an agent of their own each."""
    name = f"gateway_{secrets.token_hex(6)}"
    engine = create_async_engine(driver_url(postgres.url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}"))
        redis = Redis.from_url(valkey.url)
        await redis.flushall()
        await redis.aclose()
        with pytest.MonkeyPatch.context() as patch:
            _quicken(patch)
            async with running_world(postgres.url.rsplit("/", 1)[0] + f"/{name}", valkey.url) as running:
                await running.nexus.links.link(running.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
                yield running
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="module")
async def account(shared_world: World) -> Account:
    """A new agent of the shared world."""
    return await register(shared_world)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens what a test would only wait for."""
    _quicken(monkeypatch)


def _quicken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sockets, "SWEEP_SECONDS", 0.1)
    patch.setattr(admissions, "STANDING_SECONDS", 0.1)
    patch.setattr(server, "TOUCH_SECONDS", 0.1)
    patch.setattr(server, "PUMP_SECONDS", 0.1)
    patch.setattr(sink, "RESEND_SECONDS", 0.5)
