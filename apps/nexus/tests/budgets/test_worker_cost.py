"""Carrying out an event: what the worker asks the database, which is what its speed depends on."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest
from budgets.conftest import ROOM, statements
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World

from nexus.bootstrap import open_nexus
from nexus.pipeline.claims import Claims
from nexus.pipeline.delivery import Deliverer
from nexus.pipeline.items import Items
from nexus.pipeline.mirror import Mirror
from nexus.pipeline.routing import Router
from nexus.pipeline.sync import Sync
from nexus.store.database import Database
from nexus.tasks.dispatch import Dispatcher

HANDLE, DELIVER, DISPATCH = 12, 10, 20
"""Messages to the database and back: for an event that opens a task, for the card that it owes, for a task that no
agent is there for."""


# That many which come at once share transactions is counted in pipeline/test_looking_together.py and its sister.


@dataclass
class Parts:
    """Of a worker, in a process of its own, so that nothing else is counted."""

    db: Database
    claims: Claims
    router: Router
    deliverer: Deliverer
    dispatcher: Dispatcher


@pytest.fixture
async def parts(world: World) -> AsyncGenerator[Parts]:
    """A list is linked, an agent is registered, and no worker runs."""
    await world.agent_credentials("fixer", skills=("fix_bug",))
    await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
    await world.stop_worker()
    async with open_nexus(world.nexus.settings) as nexus:
        claims = Claims(nexus.db)
        router = Router(
            nexus.db,
            nexus.connections,
            Items(nexus.desk),
            Mirror(nexus.connections, nexus.desk, nexus.clock),
            Sync(nexus.connections, nexus.desk, nexus.clock),
            claims,
            nexus.clock,
        )
        deliverer, dispatcher = Deliverer(nexus.db, nexus.connections, claims), Dispatcher(nexus.db, nexus.clock)
        await claims.live()
        yield Parts(nexus.db, claims, router, deliverer, dispatcher)
        await claims.die()


async def test_a_task_costs_no_more_round_trips_than_it_did(world: World, parts: Parts) -> None:
    handled: list[int] = []

    async def opened() -> bool:
        """Handles one event; others than the one that opens the task cost what they cost."""
        for event in await parts.claims.inbox(1):
            with statements(parts.db) as counted:
                outcome = await parts.router.handle(event)
            if (event.source, outcome) == ("clickup", "done"):
                handled.append(counted.count)
                return True
        return False

    spent: list[tuple[int, int, int]] = []
    for name in ("warms the caches", "is counted"):
        await world.create_task(name, "@AI_Squad fix_bug")
        await eventually(opened, "the task")
        (card,) = await cards(parts, 1)
        with statements(parts.db) as delivered:
            assert await parts.deliverer.deliver(card) == "done"
        with statements(parts.db) as dispatched:
            assert await parts.dispatcher.run_once() == 0
        spent.append((handled[-1], delivered.count, dispatched.count))
    print(f"round trips: {spent[-1]}")
    for count, budget in zip(spent[-1], (HANDLE, DELIVER, DISPATCH), strict=True):
        assert count <= budget * ROOM, "a statement more for each event: needed, or can it go with another one?"


async def cards(parts: Parts, count: int) -> list[Any]:
    """Claims so many cards; what is older and of the same conversation goes first."""
    found: list[Any] = []

    async def claimed() -> bool:
        for event in await parts.claims.inbox(100):
            await parts.router.handle(event)
        found.extend(row for row in await parts.claims.deliveries(100) if row.kind == "card")
        return len(found) >= count

    await eventually(claimed, "the cards")
    return found
