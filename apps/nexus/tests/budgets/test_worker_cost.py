"""Carrying out an event: what the worker asks the database, which is what its speed depends on."""

from typing import Any

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
from nexus.tasks.dispatch import Dispatcher

HANDLE, DELIVER, DISPATCH = 17, 13, 29
"""Messages to the database and back: for an event that opens a task, for the card that it owes, for a task that no
agent is there for."""


async def test_a_task_costs_no_more_round_trips_than_it_did(world: World) -> None:
    await world.agent_credentials("fixer", skills=("fix_bug",))
    await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
    await world.stop_worker()

    # Parts of a process of its own, so that nothing else is counted.
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
        handled: list[int] = []

        async def opened() -> bool:
            """Handles one event; others than the one that opens the task cost what they cost."""
            for event in await claims.inbox(1):
                with statements(nexus.db) as counted:
                    outcome = await router.handle(event)
                if (event.source, outcome) == ("clickup", "done"):
                    handled.append(counted.count)
                    return True
            return False

        spent: list[tuple[int, int, int]] = []
        for name in ("warms the caches", "is counted"):
            await world.create_task(name, "@AI_Squad fix_bug")
            await eventually(opened, "the task")
            cards: list[Any] = []

            async def claimed(cards: list[Any] = cards) -> bool:
                for event in await claims.inbox(10):  # what is older and of the same conversation goes first
                    await router.handle(event)
                cards += [row for row in await claims.deliveries(10) if row.kind == "card"]
                return bool(cards)

            await eventually(claimed, "the card")
            (card,) = cards
            with statements(nexus.db) as delivered:
                assert await deliverer.deliver(card) == "done"
            with statements(nexus.db) as dispatched:
                assert await dispatcher.run_once() == 0
            spent.append((handled[-1], delivered.count, dispatched.count))
        await claims.die()
    print(f"round trips: {spent[-1]}")
    for count, budget in zip(spent[-1], (HANDLE, DELIVER, DISPATCH), strict=True):
        assert count <= budget * ROOM, "a statement more for each event: needed, or can it go with another one?"
