"""What happened to a task, line by line; for a command of an agent also the answer it got."""

from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.ids import new_id
from nexus.store.tables import Task, TaskEvent


def note(
    session: AsyncSession,
    task: Task,
    kind: str,
    data: dict[str, object],
    *,
    event_id: str | None = None,
    answer: dict[str, object] | None = None,
) -> None:
    """Adds a line to the task's history."""
    session.add(
        TaskEvent(
            id=new_id(),
            tenant_id=task.tenant_id,
            task_id=task.id,
            kind=kind,
            epoch=task.epoch or None,
            data=data,
            event_id=event_id,
            answer=answer,
        )
    )
