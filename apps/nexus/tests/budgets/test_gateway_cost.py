"""Acknowledgements of many agents: they come in bursts, and a commit for each would be the gateway's limit."""

import asyncio

from budgets.conftest import statements
from support.world import World

from nexus.bootstrap import open_nexus
from nexus.gateway.acknowledgements import Acknowledgements
from nexus.gateway.sessions import Sessions
from oblivion_protocol import Hello

AGENT_PROCESSES = 50


async def test_acknowledgements_that_come_at_once_share_a_transaction(world: World) -> None:
    created = await world.nexus.directory.create(world.tenant_id, "fixer", ("fix_bug",), ("AI_Squad",))
    ((agent_id,),) = await world.rows("SELECT id FROM agents WHERE name = 'fixer'")
    assert created.client_id
    async with open_nexus(world.nexus.settings) as nexus:
        sessions = Sessions(nexus.db, nexus.clock, "a gateway")
        opened = [
            await sessions.open(f"sid-{number}", world.tenant_id, agent_id, Hello(instance=f"process-{number}"))
            for number in range(AGENT_PROCESSES)
        ]
        acknowledgements = Acknowledgements(nexus.db, nexus.clock)
        with statements(nexus.db) as counted:
            await asyncio.gather(*(acknowledgements.note(one.session.caller, 1) for one in opened))
    # The first goes alone, all others together: begin, update, commit.
    assert counted.count <= 6
