"""Who is there, as one look shows it."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.auth.roster import ONLINE_SECONDS
from oblivion_protocol.admin import AgentPresence

ONLINE_WITHIN = timedelta(seconds=ONLINE_SECONDS)

ONLINE = "s.closed_at IS NULL AND s.last_seen_at > :since"
"""Whether a session `s` is there; `since` is `ONLINE_WITHIN` ago."""

_ROSTER = text(f"""
    SELECT a.id, a.name, a.muted_at IS NOT NULL AS muted, seen.capacity, seen.online, seen.last_seen_at,
           (SELECT count(*) FROM tasks t WHERE t.agent_id = a.id AND t.finished_at IS NULL
               AND t.state IN ('offered', 'working', 'input_required', 'approval_required')) AS load
    FROM agents a LEFT JOIN LATERAL (
        SELECT max(s.last_seen_at) AS last_seen_at,
               coalesce(sum(s.capacity) FILTER (WHERE {ONLINE}), 0) AS capacity,
               coalesce(bool_or({ONLINE}), false) AS online
        FROM agent_sessions s WHERE s.agent_id = a.id) seen ON true
    WHERE a.revoked_at IS NULL ORDER BY a.created_at, a.id
""")  # noqa: S608 - a constant; every value is bound


async def read_presence(session: AsyncSession, now: datetime) -> list[AgentPresence]:
    """Every agent of the session's tenant that is not revoked."""
    rows = await session.execute(_ROSTER, {"since": now - ONLINE_WITHIN})
    return [
        AgentPresence(
            id=str(row.id),
            name=row.name,
            online=row.online,
            load=row.load,
            capacity=row.capacity,
            muted=row.muted,
            last_seen_at=row.last_seen_at,
        )
        for row in rows
    ]
