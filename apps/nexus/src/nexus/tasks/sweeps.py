"""What becomes true by itself, as time goes by: questions that nobody answers, agents that give no sign."""

from datetime import timedelta

from sqlalchemy import select

from nexus.kit.clock import Clock
from nexus.pipeline.outbox import refresh_card
from nexus.store.database import Database
from nexus.store.tables import Question, Task, TaskMapping
from nexus.tasks import questions
from nexus.tasks.history import note
from nexus.tasks.rules import STALE, STALE_SECONDS

_BATCH = 50


async def expire_questions(db: Database, clock: Clock) -> int:
    """Ends the questions of all tenants that nobody has answered in time; returns how many."""
    async with db.system() as session:
        due = await session.scalars(
            select(Question.tenant_id).where(Question.state == "open", Question.expires_at < clock.now()).distinct()
        )
        tenants = due.all()
    count = 0
    for tenant_id in tenants:
        async with db.tenant(tenant_id) as session:
            count += await questions.expire_due(session, clock, _BATCH)
    return count


async def show_stale(db: Database, clock: Clock) -> int:
    """Shows which tasks are at work without any sign but the renewal of their lease; any sign takes it back."""
    silent = (
        Task.finished_at.is_(None),
        Task.state == "working",
        Task.reason.is_(None),
        Task.last_sign_at < clock.now() - timedelta(seconds=STALE_SECONDS),
    )
    async with db.system() as session:
        found = await session.execute(
            select(Task.tenant_id, Task.id, Task.conversation_id).where(*silent).limit(_BATCH)
        )
        rows = found.all()
    for tenant_id, task_id, conversation_id in rows:
        async with db.tenant(tenant_id) as session:
            conversation = await session.get_one(TaskMapping, conversation_id, with_for_update={"key_share": True})
            task = await session.scalar(select(Task).where(Task.id == task_id, *silent).with_for_update())
            if task is None:
                continue
            task.reason = STALE
            note(session, task, "task.stale", {"seconds": STALE_SECONDS})
            await session.flush()
            await refresh_card(session, conversation)
    return len(rows)
