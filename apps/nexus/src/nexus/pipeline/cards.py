"""What the card of a conversation shows at this moment."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.facts import CardView
from nexus.store.bulk import one_of
from nexus.store.tables import Agent, Task, TaskMapping


async def card_views(session: AsyncSession, conversations: Sequence[TaskMapping]) -> dict[UUID, CardView]:
    """Reads the newest task of each conversation and puts it beside the item's snapshot."""
    rows = await session.execute(
        select(Task, Agent)
        .outerjoin(Agent, Agent.id == Task.agent_id)
        .where(one_of(Task.conversation_id, [each.id for each in conversations]))
        .order_by(Task.conversation_id, Task.created_at.desc())
        .ext(distinct_on(Task.conversation_id))
    )
    newest = {task.conversation_id: (task, agent) for task, agent in rows.all()}
    return {each.id: _view(each, *newest.get(each.id, (None, None))) for each in conversations}


def _view(conversation: TaskMapping, task: Task | None, agent: Agent | None) -> CardView:
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
