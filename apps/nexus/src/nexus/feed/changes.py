"""Tasks that are not what they were."""

from collections.abc import Collection
from typing import Any, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from oblivion_protocol.admin import TaskChanged
from oblivion_protocol.states import TaskState

_TASKS = text("""
    SELECT c.id AS conversation_id, c.list_id, c.closed_at, c.closed_reason, c.project_mapping_id, t.id AS task_id,
           t.state, t.reason, a.name AS agent, greatest(c.updated_at, t.updated_at) AS updated_at
    FROM task_mappings c
    LEFT JOIN LATERAL (SELECT * FROM tasks WHERE conversation_id = c.id ORDER BY created_at DESC, id DESC LIMIT 1) t
        ON true
    LEFT JOIN agents a ON a.id = t.agent_id
    WHERE c.id = ANY(CAST(:conversations AS uuid[]))
""")


async def read_tasks(session: AsyncSession, conversations: Collection[UUID]) -> list[TaskChanged]:
    """How conversations of the session's tenant are now, each with its latest task."""
    if not conversations:
        return []
    return [_changed(row) for row in await session.execute(_TASKS, {"conversations": list(conversations)})]


def _changed(row: Any) -> TaskChanged:
    if row.closed_at is not None:
        mirror, reason = "closed", row.closed_reason or row.reason
    elif row.project_mapping_id is None:
        mirror, reason = "addressed, not mapped", f"The list {row.list_id} is linked to no channel."
    else:
        mirror, reason = "mirrored", row.reason
    return TaskChanged(
        id=str(row.task_id or row.conversation_id),
        state=cast("TaskState | None", row.state),  # a check constraint holds it
        mirror=mirror,
        reason=reason,
        agent=row.agent,
        updated_at=row.updated_at,
    )
