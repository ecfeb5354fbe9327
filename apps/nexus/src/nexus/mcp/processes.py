"""Processes of agents that come by MCP: rows in `agent_sessions`, renewed by every call, bound to no gateway."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.ids import new_id
from nexus.tasks.commands import Caller
from nexus.tasks.rules import POLLING as GATEWAY

PREFIX = "mcp-"
SHARED = "mcp"
"""The instance of clients that name none: they take tasks side by side and cannot be told apart."""

_SEEN = text("""
    INSERT INTO agent_sessions (id, tenant_id, agent_id, instance, gateway, sid, skills, capacity, version,
                                connected_at, last_seen_at)
    VALUES (:id, :tenant, :agent, :instance, :gateway, :sid, COALESCE(CAST(:skills AS text[]), '{}'), :room, '',
            :now, :now)
    ON CONFLICT (agent_id, instance) DO UPDATE SET
        session_epoch = agent_sessions.session_epoch
                        + CASE WHEN agent_sessions.gateway = excluded.gateway THEN 0 ELSE 1 END,
        gateway = excluded.gateway, sid = excluded.sid,
        skills = COALESCE(CAST(:skills AS text[]), agent_sessions.skills),
        capacity = CASE WHEN :asks THEN excluded.capacity + (
            SELECT count(*) FROM tasks WHERE tasks.finished_at IS NULL AND tasks.agent_id = excluded.agent_id
                AND tasks.instance = excluded.instance AND tasks.lease_until IS NOT NULL)
            ELSE agent_sessions.capacity END,
        connected_at = CASE WHEN agent_sessions.closed_at IS NULL THEN agent_sessions.connected_at
                            ELSE excluded.connected_at END,
        last_seen_at = excluded.last_seen_at, closed_at = NULL
    RETURNING session_epoch
""")
_CLOSE = text("""
    UPDATE agent_sessions SET closed_at = :now
    WHERE agent_id = :agent AND instance = :instance AND gateway = :gateway AND closed_at IS NULL
""")
_NO_ROOM = text("""
    UPDATE agent_sessions SET capacity = 0
    WHERE agent_id = :agent AND instance = :instance AND gateway = :gateway
""")


@dataclass(frozen=True, slots=True)
class Client:
    """Who calls: an agent, and which process of it."""

    tenant_id: UUID
    agent_id: UUID
    instance: str

    @property
    def alone(self) -> bool:
        """Whether it is known to be one process."""
        return self.instance != SHARED


async def seen(session: AsyncSession, client: Client, now: datetime) -> Caller:
    """The process lives: it is shown as connected, and takes over from a socket of the same name."""
    return await _write(session, client, now, asks=False, skills=None)


async def asks(session: AsyncSession, client: Client, now: datetime, skills: Sequence[str] | None) -> Caller:
    """The process waits for one more task than it has, and may be offered one."""
    return await _write(session, client, now, asks=True, skills=skills)


async def asks_no_more(session: AsyncSession, client: Client) -> None:
    """It is offered nothing until it asks again: whoever works on something reads no offers."""
    await session.execute(_NO_ROOM, _names(client))


async def leaves(session: AsyncSession, client: Client, now: datetime) -> None:
    """It has said goodbye. What it holds it keeps for as long as its lease runs."""
    await session.execute(_CLOSE, {**_names(client), "now": now})


async def _write(
    session: AsyncSession, client: Client, now: datetime, *, asks: bool, skills: Sequence[str] | None
) -> Caller:
    epoch = await session.scalar(
        _SEEN,
        {
            **_names(client),
            "id": new_id(),
            "tenant": client.tenant_id,
            "sid": client.instance,
            "skills": None if skills is None else list(skills),
            "room": int(asks),
            "asks": asks,
            "now": now,
        },
    )
    assert isinstance(epoch, int)
    return Caller(client.tenant_id, client.agent_id, client.instance, epoch)


def _names(client: Client) -> dict[str, object]:
    return {"agent": client.agent_id, "instance": client.instance, "gateway": GATEWAY}
