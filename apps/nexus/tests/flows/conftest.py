"""Whole-system tests: people act in ClickUp and Slack, agents run on the SDK."""

from collections.abc import AsyncGenerator

import pytest
from support.world import CHANNEL_ID, LIST_ID, World, running_world


@pytest.fixture
async def world(database_url: str, redis_url: str) -> AsyncGenerator[World]:
    """Everything runs; the list is not linked yet."""
    async with running_world(database_url, redis_url) as running:
        yield running


@pytest.fixture
async def linked(world: World) -> World:
    """The list is linked to the channel, and a squad exists with one agent that is offline."""
    world.agents["fixer"] = await world.agent_credentials("fixer", skills=("fix_bug",))
    await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
    return world
