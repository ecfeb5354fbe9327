"""What an agent that comes by MCP is given to read: offers, news, answers, the thread."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.mcp.tools import ACCEPT_SECONDS, LEASE_SECONDS
from nexus.store.tables import AgentMessage, Message, Question, Task, TaskMapping
from nexus.tasks.commands import Caller
from nexus.tasks.offer import fitting
from nexus.tasks.questions import APPROVAL_OPTIONS
from nexus.tasks.rules import AT_WORK
from oblivion_protocol import EVENTS, HELD_STATES, MAX_MESSAGE_BYTES, TaskAssigned


class NotHeld(Exception):
    """The caller does not hold this task under this epoch. `known` says whether it was ever there to be held."""

    def __init__(self, detail: str, *, known: bool) -> None:
        super().__init__(detail)
        self.known = known


async def take_offer(session: AsyncSession, caller: Caller, now: datetime, *, again: bool) -> dict[str, Any] | None:
    """The offer to this process that waits for its acceptance.

    Handed out once, lest two clients that share a name take the same one; or `again`, to a client that is alone and
    has missed the answer.
    """
    fresh = [] if again else [AgentMessage.acked_at.is_(None)]
    row = (
        await session.execute(
            select(Task, AgentMessage)
            .join(AgentMessage, AgentMessage.task_id == Task.id)
            .where(Task.finished_at.is_(None), Task.state == "offered")
            .where(Task.agent_id == caller.agent_id, Task.instance == caller.instance)
            .where(AgentMessage.agent_id == caller.agent_id, AgentMessage.instance == caller.instance)
            .where(AgentMessage.event == "task.assigned", *fresh)
            .order_by(AgentMessage.seq.desc())
            .limit(1)
            .with_for_update(skip_locked=True)
        )
    ).first()
    if row is None:
        return None
    task, message = row[0], row[1]
    if message.acked_at is None:
        message.acked_at = now
        task.lease_until = now + timedelta(seconds=ACCEPT_SECONDS)
    offer = TaskAssigned.model_validate(message.payload)
    given = offer.model_dump(mode="json", exclude={"delivery_id", "seq", "traceparent"})
    return {**given, "accept_seconds": ACCEPT_SECONDS, "lease_seconds": LEASE_SECONDS}


async def held_tasks(session: AsyncSession, caller: Caller) -> list[dict[str, Any]]:
    """What this process works on."""
    rows = await session.scalars(
        select(Task)
        .where(Task.finished_at.is_(None), Task.state.in_(AT_WORK))
        .where(Task.agent_id == caller.agent_id, Task.instance == caller.instance)
        .order_by(Task.created_at)
    )
    return [{"task_id": str(task.id), "epoch": task.epoch, "title": task.title, "state": task.state} for task in rows]


async def check_held(session: AsyncSession, caller: Caller, task_id: str, epoch: int) -> Task:
    """The task, if this process holds it under this epoch. Raises NotHeld."""
    task = await session.get(Task, _uuid(task_id))
    if task is None or task.agent_id != caller.agent_id:
        raise NotHeld("You hold no such task.", known=False)
    if (task.instance, task.epoch) != (caller.instance, epoch) or task.state not in HELD_STATES:
        raise NotHeld(f"The task is at epoch {task.epoch} and {task.state}; stop working on it.", known=True)
    return task


async def keep(session: AsyncSession, caller: Caller, task_id: str, epoch: int, until: datetime) -> None:
    """Lets the lease run until then, if this process still has the task."""
    await session.execute(
        update(Task)
        .where(Task.id == _uuid(task_id), Task.agent_id == caller.agent_id, Task.instance == caller.instance)
        .where(Task.epoch == epoch, Task.state.in_(AT_WORK))
        .values(lease_until=until)
    )


async def take_news(session: AsyncSession, caller: Caller, task_id: str, now: datetime) -> list[dict[str, Any]]:
    """What happened to a task since this process was told last, oldest first; each is told once."""
    rows = await session.scalars(
        select(AgentMessage)
        .where(AgentMessage.agent_id == caller.agent_id, AgentMessage.instance == caller.instance)
        .where(AgentMessage.task_id == _uuid(task_id), AgentMessage.acked_at.is_(None))
        .where(AgentMessage.event != "task.assigned")
        .order_by(AgentMessage.seq)
        .limit(50)
        .with_for_update(skip_locked=True)
    )
    news: list[dict[str, Any]] = []
    left = MAX_MESSAGE_BYTES
    for message in rows.all():
        told = _told(message)
        left -= len(told.get("text", ""))
        if news and left < 0:
            break
        message.acked_at = now
        news.append(told)
    return news


async def question_of(session: AsyncSession, task: Task, question_id: str) -> Question | None:
    """A question of this task."""
    question = await session.get(Question, _uuid(question_id), populate_existing=True)
    return question if question is not None and question.task_id == task.id else None


async def thread_of(session: AsyncSession, task: Task, limit: int) -> dict[str, Any]:
    """What people said in the conversation, and what they were asked; the newest, oldest first, within one message."""
    conversation = await session.get_one(TaskMapping, task.conversation_id)
    said: Sequence[Message] = (
        await session.scalars(
            select(Message)
            .where(Message.conversation_id == conversation.id, Message.deleted_at.is_(None))
            .order_by(Message.occurred_at.desc(), Message.id.desc())
            .limit(limit)
        )
    ).all()
    asked = await session.scalars(
        select(Question).where(Question.task_id == task.id).order_by(Question.created_at, Question.id)
    )
    left = MAX_MESSAGE_BYTES // 2
    messages: list[dict[str, Any]] = []
    for one in said:
        words = fitting(one.text, left // 2)
        left -= len(words) + 200
        if left < 0:
            break
        messages.insert(
            0, {"author": one.author_name, "source": one.source, "text": words, "at": one.occurred_at.isoformat()}
        )
    return {
        "title": conversation.title,
        "url": conversation.url,
        "untrusted": messages,
        "questions": [
            {"question_id": str(one.id), "prompt": fitting(one.prompt, 2000), **answer_of(one)} for one in asked
        ],
    }


def answer_of(question: Question) -> dict[str, Any]:
    """What became of a question."""
    settled: dict[str, Any] = {"settled": question.state != "open", "outcome": question.state}
    if question.state == "answered":
        settled |= {"answer": question.answer, "answered_by": question.answered_by}
        if question.kind == "approve":
            settled["approved"] = question.answer == APPROVAL_OPTIONS[0]
    return settled


def _told(message: AgentMessage) -> dict[str, Any]:
    event = EVENTS[message.event].model_validate(message.payload).model_dump(mode="json", exclude_none=True)
    if message.event == "task.canceled":
        return {"kind": "canceled", "text": event["reason"]}
    shown = ("kind", "author", "source", "text", "at", "question_id", "outcome", "reason")
    return {"kind": message.event, **{key: event[key] for key in shown if key in event}}


def _uuid(text_id: str) -> UUID:
    try:
        return UUID(text_id)
    except ValueError:
        return UUID(int=0)
