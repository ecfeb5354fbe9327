"""Agents of a fleet, as an operator registers them."""

from uuid import UUID

from nexus.auth.agents import CreatedAgent
from nexus.bootstrap import Nexus

MESSAGES_PER_MINUTE = 600
"""They do in minutes what others do in a day: not too much, but more than the usual limit."""


async def registered(nexus: Nexus, tenant_id: UUID, count: int) -> list[CreatedAgent]:
    """So many agents that fix bugs for @AI_Squad."""
    made = [
        await nexus.directory.create(tenant_id, f"agent-{number}", ("fix_bug",), ("AI_Squad",))
        for number in range(count)
    ]
    for one in made:
        await nexus.directory.limit(tenant_id, one.name, MESSAGES_PER_MINUTE)
    return made
