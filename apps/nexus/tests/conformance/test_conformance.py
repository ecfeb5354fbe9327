"""A real Nexus keeps what the SDK's fake promises to those who test their agents with it."""

import secrets
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from conformance.stage import NexusStage, ready
from support.servers import TEMPLATE, statement, url_of
from support.world import World, running_world

from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey
from oblivion.testing.conformance import SCENARIOS, Scenario

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> AsyncGenerator[World]:
    """One Nexus for all scenarios: each has an agent, an alias and items of its own."""
    name = f"test_{secrets.token_hex(6)}"
    await statement(postgres.url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    async with running_world(url_of(postgres, name), valkey.url) as running, ready(running) as linked:
        yield linked
    await statement(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_nexus_keeps_what_the_fake_promises(scenario: Scenario, world: World, tmp_path: Path) -> None:
    async with NexusStage(world, tmp_path / "agent.journal") as stage:
        await scenario(stage)
