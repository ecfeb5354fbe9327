"""Programs in another language that share no code with Oblivion, run against the whole system."""

from collections.abc import AsyncGenerator

import pytest
from support.world import CHANNEL_ID, LIST_ID, World, running_world


@pytest.fixture
async def linked(database_url: str, redis_url: str) -> AsyncGenerator[World]:
    """Everything runs and the list is linked; the squad has one agent, which is offline."""
    async with running_world(database_url, redis_url) as world:
        world.agents["fixer"] = await world.agent_credentials("fixer", skills=("fix_bug",))
        await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
        yield world
