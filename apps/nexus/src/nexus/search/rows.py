"""What of PostgreSQL is worth finding, and how a find is shown. Within a transaction of the tenant."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.sync_rules import judge
from nexus.search.passages import spans
from nexus.search.store import Kind, Part, Place
from nexus.store.tables import Message, Task, TaskMapping

AGENT_SOURCE = "agent"
_ADDRESS_ALONE = re.compile(r"\s*@\S+(\s+\S+)?\s*")
"""`@AI_Squad fix_bug`: who shall do what kind of work, and not a word of what it is about."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of text to be indexed; `words` are found by word only, such as who said it."""

    place: Place
    text: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A part of a row as it is now."""

    task_id: UUID
    title: str
    text: str
    source: str
    url: str
    at: datetime


async def read_passages(session: AsyncSession, kind: Kind, row_ids: Collection[UUID]) -> list[Passage]:
    """Everything findable in these rows; nothing for one that is gone, deleted, or was never to be passed on."""
    match kind:
        case "message":
            rows = await session.scalars(select(Message).where(Message.id.in_(row_ids)))
            return [piece for row in rows if _is_public(row) for piece in _cut(kind, row.id, "text", row)]
        case "task":
            rows = await session.scalars(select(Task).where(Task.id.in_(row_ids)))
            return [piece for row in rows for piece in _cut(kind, row.id, "result", row.result or "")]
        case "conversation":
            rows = await session.scalars(select(TaskMapping).where(TaskMapping.id.in_(row_ids)))
            return [piece for row in rows for piece in _cut(kind, row.id, "title", row.title)]


def _cut(kind: Kind, row_id: UUID, part: Part, said: Message | str) -> Iterator[Passage]:
    text, words = (said, "") if isinstance(said, str) else (said.text, said.author_name)
    for start, end in spans(text):
        yield Passage(Place(kind, row_id, part, start, end), text[start:end].strip(), words)


def _is_public(message: Message) -> bool:
    """Whether it says something that agents may see: an aside never reaches one, also if an edit made it one."""
    verdict = judge(message.text, rule="reaction", keyword="", sync_requested=False)
    return message.deleted_at is None and verdict.kind == "reply" and not _ADDRESS_ALONE.fullmatch(message.text)


async def read_found(session: AsyncSession, kind: Kind, row_ids: Collection[UUID]) -> dict[tuple[UUID, Part], Found]:
    """The parts of these rows as they are now; what is gone since it was indexed is not among them."""
    match kind:
        case "message":
            return await _messages(session, row_ids)
        case "task":
            return await _tasks(session, row_ids)
        case "conversation":
            return await _conversations(session, row_ids)


async def _messages(session: AsyncSession, row_ids: Collection[UUID]) -> dict[tuple[UUID, Part], Found]:
    rows = await session.execute(
        select(Message, TaskMapping, _latest_task())
        .join(TaskMapping, TaskMapping.id == Message.conversation_id)
        .where(Message.id.in_(row_ids))
    )
    return {
        (message.id, "text"): Found(
            task_id or conversation.id,
            conversation.title,
            message.text,
            message.source.partition(".")[0],  # `clickup.description` is said in ClickUp
            message.permalink or conversation.url,
            message.occurred_at,
        )
        for message, conversation, task_id in rows
        if _is_public(message)
    }


async def _tasks(session: AsyncSession, row_ids: Collection[UUID]) -> dict[tuple[UUID, Part], Found]:
    rows = await session.execute(
        select(Task, TaskMapping).join(TaskMapping, TaskMapping.id == Task.conversation_id).where(Task.id.in_(row_ids))
    )
    return {
        (task.id, "result"): Found(
            task.id,
            task.title,
            task.result or "",
            AGENT_SOURCE,
            conversation.url,
            task.finished_at or task.updated_at,
        )
        for task, conversation in rows
    }


async def _conversations(session: AsyncSession, row_ids: Collection[UUID]) -> dict[tuple[UUID, Part], Found]:
    rows = await session.execute(select(TaskMapping, _latest_task()).where(TaskMapping.id.in_(row_ids)))
    return {
        (row.id, "title"): Found(task_id or row.id, row.title, row.title, row.tracker, row.url, row.created_at)
        for row, task_id in rows
    }


def _latest_task() -> ScalarSelect[UUID]:
    return (
        select(Task.id)
        .where(Task.conversation_id == TaskMapping.id)
        .order_by(Task.created_at.desc(), Task.id.desc())
        .limit(1)
        .correlate(TaskMapping)
        .scalar_subquery()
    )


async def count_rows(session: AsyncSession) -> int:
    """How many rows of the tenant the index would look at."""
    total = 0
    for table in (Message, Task, TaskMapping):
        total += await session.scalar(select(func.count()).select_from(table)) or 0
    return total
