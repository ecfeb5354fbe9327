"""What the card of a conversation shows at this moment."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.facts import CardView
from nexus.store.tables import Agent, Task, TaskMapping


async def card_view(session: AsyncSession, conversation: TaskMapping) -> CardView:
    """Reads the newest task of a conversation and puts it beside the item's snapshot."""
    row = (
        await session.execute(
            select(Task, Agent)
            .outerjoin(Agent, Agent.id == Task.agent_id)
            .where(Task.conversation_id == conversation.id)
            .order_by(Task.created_at.desc())
            .limit(1)
        )
    ).first()
    task: Task | None = row[0] if row else None
    agent: Agent | None = row[1] if row else None
    snapshot: dict[str, Any] = conversation.snapshot
    return CardView(
        conversation_id=str(conversation.id),
        title=conversation.title,
        url=conversation.url,
        list_name=snapshot["list_name"],
        status=snapshot["status"],
        priority=snapshot["priority"],
        requested_by=conversation.requested_by,
        assignees=tuple(snapshot["assignees"]),
        alias=conversation.alias,
        agent=agent.name if agent else None,
        task_id=str(task.id) if task else None,
        state=task.state if task else "submitted",
        reason=task.reason if task else None,
        progress=task.progress if task and task.finished_at is None else None,
        plan=tuple((step["title"], step["state"]) for step in task.plan) if task else (),
        stoppable=task is not None and task.finished_at is None and conversation.closed_at is None,
        tombstone=conversation.closed_reason if conversation.closed_at else None,
    )
