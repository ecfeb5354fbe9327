"""Tasks as the API shows them: each conversation with its latest task, or without one when nobody was asked yet."""

from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import Select, and_, case, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from nexus.http.paging import Position
from nexus.store.tables import Agent, Task, TaskMapping
from oblivion_protocol.resources import TaskResource
from oblivion_protocol.states import TaskState

Mirror = Literal["mirrored", "addressed, not mapped", "closed"]


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A conversation, its task, the name of the task's agent, and where people see it."""

    conversation: TaskMapping
    task: Task | None
    agent: str | None
    mirror: Mirror

    @property
    def position(self) -> Position:
        """Where the row stands in the list."""
        return self.conversation.created_at, self.conversation.id


_mirror = case(
    (TaskMapping.closed_at.is_not(None), literal("closed")),
    (TaskMapping.project_mapping_id.is_(None), literal("addressed, not mapped")),
    else_=literal("mirrored"),
)
_COLUMNS = (TaskMapping, Task, Agent.name, _mirror)


async def read_tasks(
    session: AsyncSession,
    *,
    states: list[TaskState],
    mirror: Mirror | None,
    agent: str | None,
    before: Position | None,
    limit: int,
) -> list[TaskRow]:
    """Conversations with their latest tasks, newest conversation first."""
    query = _with_latest_task().order_by(TaskMapping.created_at.desc(), TaskMapping.id.desc()).limit(limit)
    if states:
        query = query.where(Task.state.in_(states))
    if mirror is not None:
        query = query.where(_mirror == mirror)
    if agent is not None:
        query = query.where(Agent.name == agent)
    if before is not None:
        query = query.where(tuple_(TaskMapping.created_at, TaskMapping.id) < before)
    return await _rows(session, query)


async def find_task(session: AsyncSession, wanted: UUID) -> TaskRow | None:
    """By the id of a task; or by the id of a conversation, with its latest task."""
    by_task = (
        select(*_COLUMNS)
        .join_from(TaskMapping, Task, Task.conversation_id == TaskMapping.id)
        .outerjoin(Agent, Agent.id == Task.agent_id)
        .where(Task.id == wanted)
    )
    by_conversation = _with_latest_task().where(TaskMapping.id == wanted)
    found = await _rows(session, by_task) or await _rows(session, by_conversation)
    return found[0] if found else None


def _with_latest_task() -> Select[*tuple[Any, ...]]:
    later = aliased(Task)
    superseded = (
        select(later.id)
        .where(later.conversation_id == Task.conversation_id)
        .where(
            or_(
                later.created_at > Task.created_at,
                and_(later.created_at == Task.created_at, later.id > Task.id),
            )
        )
        .exists()
    )
    latest = and_(Task.conversation_id == TaskMapping.id, ~superseded)
    return select(*_COLUMNS).outerjoin_from(TaskMapping, Task, latest).outerjoin(Agent, Agent.id == Task.agent_id)


async def _rows(session: AsyncSession, query: Select[*tuple[Any, ...]]) -> list[TaskRow]:
    return [TaskRow(*row) for row in (await session.execute(query)).all()]


def task_resource(row: TaskRow) -> TaskResource:
    """A row as the API shows it."""
    conversation, task = row.conversation, row.task
    return TaskResource(
        id=str(task.id if task else conversation.id),
        conversation_id=str(conversation.id),
        title=task.title if task else conversation.title,
        type=task.type if task else None,
        state=cast("TaskState", task.state) if task else None,  # a check constraint holds it
        mirror=row.mirror,
        reason=_reason(row),
        agent=row.agent,
        epoch=task.epoch if task else 0,
        item_id=conversation.item_id,
        list_id=conversation.list_id,
        channel_id=conversation.channel_id,
        root_ts=conversation.root_ts,
        url=conversation.url,
        created_at=task.created_at if task else conversation.created_at,
        updated_at=max(task.updated_at, conversation.updated_at) if task else conversation.updated_at,
    )


def _reason(row: TaskRow) -> str | None:
    """The most telling reason that we know for where things stand."""
    of_task = row.task.reason if row.task else None
    match row.mirror:
        case "closed":
            return row.conversation.closed_reason or of_task
        case "addressed, not mapped":
            return f"The list {row.conversation.list_id} is linked to no channel."
        case "mirrored":
            return of_task
