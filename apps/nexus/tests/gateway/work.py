"""Work to do: somebody asks for it in ClickUp, and what becomes of it inside."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from gateway.agent_sockets import Account
from sqlalchemy import text
from support.waiting import eventually
from support.world import World


async def wish(world: World, account: Account, title: str | None = None, more: str = "") -> str:
    """Somebody asks this agent's squad for work in ClickUp; returns the title."""
    title = title or f"Wish {secrets.token_hex(4)}"
    await world.create_task(title, f"@{account.alias} fix_bug {more}")
    return title


async def items(world: World, title: str) -> list[str]:
    """Ids of the ClickUp tasks of this title, as soon as they are addressed."""
    rows = await eventually(lambda: world.rows("SELECT item_id FROM task_mappings WHERE title = :title", title=title))
    return [row.item_id for row in rows]


async def task_row(world: World, task: dict[str, Any]) -> Any:
    (row,) = await world.rows("SELECT * FROM tasks WHERE id = :id", id=task["task_id"])
    return row


async def state_is(world: World, task: dict[str, Any], state: str) -> bool:
    return (await task_row(world, task)).state == state


async def set_lease(world: World, task: dict[str, Any], seconds: float) -> datetime:
    """Lets the lease end so many seconds from now; negative ones are over."""
    until = world.nexus.clock.now() + timedelta(seconds=seconds)
    async with world.nexus.db.tenant(world.tenant_id) as session:
        await session.execute(
            text("UPDATE tasks SET lease_until = :until WHERE id = :id"), {"until": until, "id": task["task_id"]}
        )
    world.nexus.bells.ring("dispatch")
    return until
