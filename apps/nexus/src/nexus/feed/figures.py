"""How much is under way, how much has failed, and what a person waits for without seeing anything of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from oblivion_protocol.overview import UnansweredItem

GRACE = timedelta(seconds=10)
"""What is on its way for less than this is not yet unanswered."""
MAX_ITEMS = 10

# A dead card update is not missed by anybody: the next one shows everything.
_COUNTS = text("""
    SELECT 'events' AS what, count(*) AS total, min(created_at) AS oldest,
           count(*) FILTER (WHERE created_at < :late) AS unanswered,
           min(created_at) FILTER (WHERE created_at < :late) AS unanswered_since
    FROM inbox WHERE state = 'pending'
    UNION ALL
    SELECT 'deliveries', count(*), min(created_at),
           count(*) FILTER (WHERE created_at < :late AND kind NOT IN ('card_update', 'mute_update')),
           min(created_at) FILTER (WHERE created_at < :late AND kind NOT IN ('card_update', 'mute_update'))
    FROM deliveries WHERE state IN ('pending', 'sending')
    UNION ALL
    SELECT 'dead events', count(*), NULL, count(*), min(created_at) FROM inbox WHERE state = 'dead'
    UNION ALL
    SELECT 'dead deliveries', count(*), NULL, count(*) FILTER (WHERE kind NOT IN ('card_update', 'mute_update')),
           min(created_at) FILTER (WHERE kind NOT IN ('card_update', 'mute_update'))
    FROM deliveries WHERE state = 'dead'
    UNION ALL
    SELECT 'tasks', count(*), min(created_at), 0, NULL
    FROM tasks WHERE finished_at IS NULL AND state IN ('submitted', 'offered')
    UNION ALL
    SELECT 'unmapped', count(*), min(created_at), count(*), min(created_at)
    FROM task_mappings WHERE project_mapping_id IS NULL AND closed_at IS NULL
""")

_ITEMS = text("""
    (SELECT i.id, 'event' AS kind, i.state, i.source AS tool, NULL AS what, i.reason, i.created_at AS since,
            c.title, t.id AS task_id
     FROM inbox i LEFT JOIN task_mappings c ON c.id = i.conversation_id
     LEFT JOIN LATERAL (SELECT id FROM tasks WHERE conversation_id = c.id ORDER BY created_at DESC LIMIT 1) t ON true
     WHERE i.state = 'pending' AND i.created_at < :late ORDER BY i.created_at LIMIT :limit)
    UNION ALL
    (SELECT i.id, 'event', i.state, i.source, NULL, i.reason, i.created_at, c.title, t.id
     FROM inbox i LEFT JOIN task_mappings c ON c.id = i.conversation_id
     LEFT JOIN LATERAL (SELECT id FROM tasks WHERE conversation_id = c.id ORDER BY created_at DESC LIMIT 1) t ON true
     WHERE i.state = 'dead' ORDER BY i.created_at LIMIT :limit)
    UNION ALL
    (SELECT d.id, 'delivery', d.state, d.sink, d.kind, d.reason, d.created_at, c.title, coalesce(d.task_id, t.id)
     FROM deliveries d JOIN task_mappings c ON c.id = d.conversation_id
     LEFT JOIN LATERAL (SELECT id FROM tasks WHERE conversation_id = c.id ORDER BY created_at DESC LIMIT 1) t ON true
     WHERE d.state IN ('pending', 'sending') AND d.kind NOT IN ('card_update', 'mute_update') AND d.created_at < :late
     ORDER BY d.created_at LIMIT :limit)
    UNION ALL
    (SELECT d.id, 'delivery', d.state, d.sink, d.kind, d.reason, d.created_at, c.title, coalesce(d.task_id, t.id)
     FROM deliveries d JOIN task_mappings c ON c.id = d.conversation_id
     LEFT JOIN LATERAL (SELECT id FROM tasks WHERE conversation_id = c.id ORDER BY created_at DESC LIMIT 1) t ON true
     WHERE d.state = 'dead' AND d.kind NOT IN ('card_update', 'mute_update') ORDER BY d.created_at LIMIT :limit)
    UNION ALL
    (SELECT c.id, 'task', 'unmapped', c.tracker, NULL, coalesce(c.snapshot ->> 'list_name', c.list_id), c.created_at,
            c.title, c.id
     FROM task_mappings c WHERE c.project_mapping_id IS NULL AND c.closed_at IS NULL
     ORDER BY c.created_at LIMIT :limit)
    ORDER BY since, id LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts at one moment."""

    unanswered: int
    unanswered_since: datetime | None
    waiting_tasks: int
    """Tasks that nobody works on, and conversations that are addressed and not mapped."""
    waiting_events: int
    events_since: datetime | None
    waiting_deliveries: int
    deliveries_since: datetime | None
    waiting_since: datetime | None
    dead: int


async def read_figures(session: AsyncSession, now: datetime) -> Figures:
    """Of the session's tenant, or of all in a session of the system. Costs what is open and dead, not what is done."""
    rows: dict[str, Any] = {row.what: row for row in await session.execute(_COUNTS, {"late": now - GRACE})}
    waiting = [rows[what] for what in ("events", "deliveries", "tasks", "unmapped")]
    return Figures(
        unanswered=sum(row.unanswered for row in rows.values()),
        unanswered_since=min((row.unanswered_since for row in rows.values() if row.unanswered_since), default=None),
        waiting_tasks=rows["tasks"].total + rows["unmapped"].total,
        waiting_events=rows["events"].total,
        events_since=rows["events"].oldest,
        waiting_deliveries=rows["deliveries"].total,
        deliveries_since=rows["deliveries"].oldest,
        waiting_since=min((row.oldest for row in waiting if row.oldest), default=None),
        dead=rows["dead events"].total + rows["dead deliveries"].total,
    )


async def read_unanswered(session: AsyncSession, now: datetime, labels: Mapping[str, str]) -> list[UnansweredItem]:
    """The oldest of what is unanswered; `labels` are the names of integrations as people spell them."""
    rows = await session.execute(_ITEMS, {"late": now - GRACE, "limit": MAX_ITEMS})
    return [
        UnansweredItem(
            id=str(row.id),
            kind=row.kind,
            title=row.title or f"Event from {labels.get(row.tool, row.tool)}",
            why=_why(row, labels.get(row.tool, row.tool)),
            since=row.since,
            task_id=str(row.task_id) if row.task_id else None,
        )
        for row in rows
    ]


def _why(row: Any, tool: str) -> str:
    match row.kind, row.state:
        case "task", _:
            return f"The list {row.reason!r} is linked to no channel."
        case "event", "dead":
            return f"The event from {tool} was given up: {row.reason}"
        case "event", _:
            return f"The event from {tool} is not handled yet: {row.reason or 'its turn comes'}"
        case _, "dead":
            return f"The {words(row.what)} to {tool} was given up: {row.reason}"
        case _:
            return f"The {words(row.what)} to {tool} is not out yet: {row.reason or 'its turn comes'}"


def words(kind: str) -> str:
    """`question_update` → `question update`."""
    return kind.replace("_", " ")
