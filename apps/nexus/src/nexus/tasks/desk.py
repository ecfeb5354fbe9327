"""What people cause: a task is wanted, more is said, somebody stops it or answers. Implements `pipeline.desk`."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.pipeline.desk import Said
from nexus.pipeline.facts import Item, Person
from nexus.pipeline.outbox import refresh_card
from nexus.store.tables import Delivery, Message, ProjectMapping, Question, Task, TaskEvent, TaskMapping
from nexus.tasks import mailbox
from nexus.tasks.offer import fitting
from nexus.tasks.rules import TASK_TTL_SECONDS, is_over, may_become
from oblivion_protocol import HELD_STATES, MAX_MESSAGE_BYTES, TaskState


class TaskDesk:
    """Writes within the caller's transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def request(
        self,
        session: AsyncSession,
        conversation: TaskMapping,
        item: Item,
        task_type: str,
        traceparent: str | None,
    ) -> UUID:
        """Opens a task, unless one is open."""
        open_task = await open_task_of(session, conversation.id)
        if open_task is not None:
            return open_task.id
        mapping = await session.get(ProjectMapping, conversation.project_mapping_id)
        task = Task(
            id=new_id(),
            tenant_id=conversation.tenant_id,
            conversation_id=conversation.id,
            alias=conversation.alias,
            type=task_type,
            title=item.title,
            instructions=(mapping.instructions if mapping else "")
            or f"You work for @{conversation.alias}. Type of work: {task_type}.",
            expires_at=self._clock.now() + timedelta(seconds=TASK_TTL_SECONDS),
            traceparent=traceparent,
        )
        session.add(task)
        # People's words are kept as a message, like everything else that is said in the conversation.
        session.add(
            Message(
                id=new_id(),
                tenant_id=conversation.tenant_id,
                conversation_id=conversation.id,
                source=f"{conversation.tracker}.description",
                external_id=str(task.id),
                author_id=item.creator.id,
                author_name=item.creator.name or item.creator.id,
                text=item.description,
                occurred_at=self._clock.now(),
            )
        )
        note(session, task, "task.submitted", {"type": task_type, "alias": conversation.alias})
        await session.flush()
        return task.id

    async def inform(self, session: AsyncSession, conversation: TaskMapping, said: Said) -> None:
        """Sends a ContextUpdate to the holder; whoever takes the task later gets it as context."""
        task = await open_task_of(session, conversation.id)
        if task is None or task.state not in HELD_STATES or task.agent_id is None:
            return
        await mailbox.post(
            session,
            task.agent_id,
            task.tenant_id,
            "context.updated",
            task_id=task.id,
            instance=task.instance,
            kind=said.kind,
            author=said.author,
            source=said.source,
            text=fitting(said.text, MAX_MESSAGE_BYTES // 2),
            message_id=said.message_id,
            at=said.at,
            traceparent=task.traceparent,
        )

    async def stop(self, session: AsyncSession, conversation: TaskMapping, reason: str) -> bool:
        """Cancels: first nothing of the task has an effect any more, then the agent is told."""
        task = await open_task_of(session, conversation.id)
        if task is None:
            return False
        agent_id, instance, epoch = task.agent_id, task.instance, task.epoch
        held = task.state in HELD_STATES
        await finish(session, task, "canceled", self._clock, reason=reason)
        await session.execute(
            update(Delivery)
            .where(Delivery.task_id == task.id, Delivery.state == "pending", Delivery.claimed_by.is_(None))
            .values(state="superseded", reason=reason, settled_at=self._clock.now())
        )
        if held and agent_id is not None:
            await mailbox.post(
                session,
                agent_id,
                task.tenant_id,
                "task.canceled",
                task_id=task.id,
                instance=instance,
                epoch=epoch,
                reason=reason,
            )
        await refresh_card(session, conversation)
        return True

    async def answer(
        self,
        session: AsyncSession,
        conversation: TaskMapping,
        text: str,
        author: Person,
        question_id: UUID | None,
    ) -> bool:
        """Answers the open question of the task at work, if the text can be an answer to it."""
        task = await open_task_of(session, conversation.id)
        if task is None or task.agent_id is None:
            return False
        question = await session.scalar(
            select(Question)
            .where(Question.task_id == task.id, Question.state == "open")
            .where(Question.id == question_id if question_id is not None else Question.kind == "ask")
            .order_by(Question.created_at)
            .limit(1)
            .with_for_update()
        )
        if question is None or (question.expires_at is not None and question.expires_at < self._clock.now()):
            return False
        chosen = text
        if question.options:
            chosen = next((option for option in question.options if option.lower() == text.lower()), "")
            if not chosen:
                return False
        if question.approvers and author.id not in question.approvers:
            return False
        question.state, question.answer = "answered", chosen
        question.answered_by, question.answered_at = author.name or author.id, self._clock.now()
        task.state, task.reason = "working", None
        note(session, task, "question.answered", {"question_id": str(question.id), "by": question.answered_by})
        await mailbox.post(
            session,
            task.agent_id,
            task.tenant_id,
            "context.updated",
            task_id=task.id,
            instance=task.instance,
            kind="answer",
            author=question.answered_by,
            text=chosen,
            source=conversation.chat,
            question_id=str(question.id),
            at=self._clock.now(),
        )
        await refresh_card(session, conversation)
        return True


async def open_task_of(session: AsyncSession, conversation_id: UUID) -> Task | None:
    """The task of a conversation that is not over, locked for the rest of the transaction."""
    return await session.scalar(
        select(Task).where(Task.conversation_id == conversation_id, Task.finished_at.is_(None)).with_for_update()
    )


def note(
    session: AsyncSession, task: Task, kind: str, data: dict[str, object], *, event_id: str | None = None,
    answer: dict[str, object] | None = None,
) -> None:  # fmt: skip
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


async def finish(
    session: AsyncSession, task: Task, state: TaskState, clock: Clock, *, reason: str | None = None
) -> None:
    """Moves a task to a terminal state; from here on every write about it is stale."""
    current: TaskState = task.state  # pyright: ignore[reportAssignmentType] - a CHECK constraint guards the column
    assert is_over(state) and may_become(current, state), f"{current} → {state}"
    task.state, task.reason, task.finished_at, task.lease_until = state, reason, clock.now(), None
    await mailbox.withdraw(session, task.id, clock.now())
    await session.execute(
        update(Question).where(Question.task_id == task.id, Question.state == "open").values(state="withdrawn")
    )
    note(session, task, f"task.{state}", {"reason": reason or ""})
