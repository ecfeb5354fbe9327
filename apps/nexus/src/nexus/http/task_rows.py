"""Tasks as the API shows them: each conversation with its latest task, or without one when nobody was asked yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, or_, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from nexus.http.paging import Position
from nexus.kit.trace import trace_id_of
from nexus.store.tables import Agent, ProjectMapping, Question, Task, TaskEvent, TaskMapping
from oblivion_protocol.resources import TaskResource
from oblivion_protocol.states import TERMINAL_STATES, TaskState

Mirror = Literal["mirrored", "addressed, not mapped", "closed"]


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A conversation, its task, the name of the task's agent, and where people see it."""

    conversation: TaskMapping
    task: Task | None
    agent: str | None
    mirror: Mirror
    list_name: str | None
    channel_name: str | None
    open_question: bool
    left_at: datetime | None
    """When the last agent that was at work on it lost it."""

    @property
    def position(self) -> Position:
        """Where the row stands in the list."""
        return self.conversation.created_at, self.conversation.id


_mirror = case(
    (TaskMapping.closed_at.is_not(None), literal("closed")),
    (TaskMapping.project_mapping_id.is_(None), literal("addressed, not mapped")),
    else_=literal("mirrored"),
)
_WAITING: frozenset[TaskState] = frozenset({"submitted", "offered"})


def _is_mirror(wanted: Mirror) -> ColumnElement[bool]:
    """The same as `_mirror == wanted`, in words that PostgreSQL has indexes for."""
    match wanted:
        case "closed":
            return TaskMapping.closed_at.is_not(None)
        case "addressed, not mapped":
            return and_(TaskMapping.closed_at.is_(None), TaskMapping.project_mapping_id.is_(None))
        case "mirrored":
            return and_(TaskMapping.closed_at.is_(None), TaskMapping.project_mapping_id.is_not(None))


# Aliases, for inside a query on the same tables they are tables of their own.
_open, _unmapped = aliased(Task), aliased(TaskMapping)
_might_wait = union_all(
    select(_open.conversation_id).where(_open.finished_at.is_(None), _open.state.in_(_WAITING)),
    select(_unmapped.id).where(_unmapped.project_mapping_id.is_(None), _unmapped.closed_at.is_(None)),
)

_list_name = func.coalesce(TaskMapping.snapshot["list_name"].astext, ProjectMapping.list_name)
# A mapping may have been moved since: the conversation stays where it is.
_channel_name = func.coalesce(
    TaskMapping.channel_name,
    select(func.min(ProjectMapping.channel_name))
    .where(ProjectMapping.chat_connection_id == TaskMapping.chat_connection_id)
    .where(ProjectMapping.channel_id == TaskMapping.channel_id)
    .correlate(TaskMapping)
    .scalar_subquery(),
)
_left_at = (
    select(func.max(TaskEvent.created_at))
    .where(TaskEvent.task_id == Task.id)
    .where(
        or_(
            TaskEvent.kind == "task.fail",
            and_(TaskEvent.kind == "task.requeued", TaskEvent.data["reason"].astext.in_(("lease_lost", "reassigned"))),
        )
    )
    .scalar_subquery()
)
_open_question = exists().where(Question.task_id == Task.id, Question.state == "open")
_COLUMNS = (
    TaskMapping,
    Task,
    Agent.name,
    _mirror,
    _list_name,
    _channel_name,
    _open_question,
    _left_at,
)


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks are wanted; what is absent does not matter."""

    states: tuple[TaskState, ...] = ()
    mirror: Mirror | None = None
    agent: str | None = None
    list_id: str | None = None
    channel_id: str | None = None
    waiting: bool = False
    text: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """For the query of `read_tasks`."""
        if self.states:
            yield Task.state.in_(self.states)
            if TERMINAL_STATES.isdisjoint(self.states):
                yield Task.finished_at.is_(None)
        if self.mirror is not None:
            yield _is_mirror(self.mirror)
        if self.agent is not None:
            yield Agent.name == self.agent
        if self.list_id is not None:
            yield TaskMapping.list_id == self.list_id
        if self.channel_id is not None:
            yield TaskMapping.channel_id == self.channel_id
        if self.waiting:
            # The first condition finds them without a look at all that are over; the second says which are meant.
            yield TaskMapping.id.in_(_might_wait)
            yield or_(Task.state.in_(_WAITING), and_(Task.id.is_(None), _is_mirror("addressed, not mapped")))
        if self.text is not None:
            yield _found_by(self.text)


def _found_by(text: str) -> ColumnElement[bool]:
    found = or_(
        func.coalesce(Task.title, TaskMapping.title).icontains(text, autoescape=True), TaskMapping.item_id == text
    )
    try:
        wanted = UUID(text)
    except ValueError:
        return found
    return or_(found, TaskMapping.id == wanted, Task.id == wanted)


async def read_tasks(
    session: AsyncSession,
    wanted: TaskFilter,
    *,
    before: Position | None,
    limit: int,
) -> list[TaskRow]:
    """Conversations with their latest tasks, newest conversation first."""
    query = _with_latest_task().order_by(TaskMapping.created_at.desc(), TaskMapping.id.desc()).limit(limit)
    query = query.where(*wanted.conditions())
    if before is not None:
        query = query.where(tuple_(TaskMapping.created_at, TaskMapping.id) < before)
    return await _rows(session, query)


async def find_task(session: AsyncSession, wanted: UUID) -> TaskRow | None:
    """By the id of a task; or by the id of a conversation, with its latest task."""
    by_task = (
        select(*_COLUMNS)
        .join_from(TaskMapping, Task, Task.conversation_id == TaskMapping.id)
        .outerjoin(Agent, Agent.id == Task.agent_id)
        .outerjoin(ProjectMapping, ProjectMapping.id == TaskMapping.project_mapping_id)
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
    return (
        select(*_COLUMNS)
        .outerjoin_from(TaskMapping, Task, latest)
        .outerjoin(Agent, Agent.id == Task.agent_id)
        .outerjoin(ProjectMapping, ProjectMapping.id == TaskMapping.project_mapping_id)
    )


async def _rows(session: AsyncSession, query: Select[*tuple[Any, ...]]) -> list[TaskRow]:
    return [TaskRow(*row) for row in (await session.execute(query)).all()]


def task_resource(row: TaskRow, now: datetime) -> TaskResource:
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
        alias=task.alias if task else conversation.alias,
        requested_by=conversation.requested_by,
        waiting_seconds=_waiting_seconds(row, now),
        open_question=row.open_question,
        item_id=conversation.item_id,
        list_id=conversation.list_id,
        list_name=row.list_name,
        channel_id=conversation.channel_id,
        channel_name=row.channel_name,
        root_ts=conversation.root_ts,
        url=conversation.url,
        trace_id=trace_id_of(task.traceparent if task else None),
        created_at=task.created_at if task else conversation.created_at,
        updated_at=max(task.updated_at, conversation.updated_at) if task else conversation.updated_at,
    )


def _waiting_seconds(row: TaskRow, now: datetime) -> float | None:
    if row.task is None:
        since = row.conversation.created_at if row.mirror == "addressed, not mapped" else None
    else:
        since = (row.left_at or row.task.created_at) if row.task.state in _WAITING else None
    return None if since is None else max((now - since).total_seconds(), 0.0)


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
