"""Cancelling a task from the outside: the dashboard and the API."""

from uuid import UUID

from nexus.pipeline.inbox import Doorbell
from nexus.store.database import Database
from nexus.store.tables import Task, TaskMapping
from nexus.tasks.desk import TaskDesk


class Cancelling:
    """Stops tasks for operators."""

    def __init__(self, db: Database, desk: TaskDesk, doorbell: Doorbell) -> None:
        self._db = db
        self._desk = desk
        self._doorbell = doorbell

    async def cancel(self, tenant_id: UUID, task_id: UUID, actor: str) -> bool:
        """Whether the task was open and is canceled now."""
        async with self._db.tenant(tenant_id) as session:
            task = await session.get(Task, task_id)
            if task is None or task.finished_at is not None:
                return False
            conversation = await session.get_one(TaskMapping, task.conversation_id)
            canceled = await self._desk.stop(session, conversation, f"stopped by {actor}")
        self._doorbell.ring("agents")
        self._doorbell.ring("deliveries")
        return canceled
