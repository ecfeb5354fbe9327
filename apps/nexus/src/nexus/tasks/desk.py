"""What people cause: a task is wanted, more is said, somebody stops it or answers. Implements `pipeline.desk`."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.kit.trace import handed_on
from nexus.pipeline.desk import AnswerVerdict, FollowUp, Said
from nexus.pipeline.facts import Item, Person
from nexus.pipeline.meter import UNMETERED, Meter
from nexus.pipeline.outbox import refresh_card
from nexus.pipeline.tries import longer_history
from nexus.store.bulk import Row, write
from nexus.store.tables import Agent, Delivery, HeldPost, Message, Mute, ProjectMapping, Task, TaskEvent, TaskMapping
from nexus.tasks import mailbox, questions
from nexus.tasks.history import note
from nexus.tasks.mutes import end_mute
from nexus.tasks.offer import fitting
from nexus.tasks.release import drop_held
from nexus.tasks.rules import TASK_TTL_SECONDS, is_over, may_become
from oblivion_protocol import HELD_STATES, MAX_MESSAGE_BYTES, TaskState


class TaskDesk:
    """Writes within the caller's transaction."""

    def __init__(self, clock: Clock, meter: Meter = UNMETERED) -> None:
        self._clock = clock
        self._meter = meter

    def opening(
        self,
        conversation: TaskMapping,
        item: Item,
        task_type: str,
        instructions: str,
        traceparent: str | None,
    ) -> list[Row]:
        """The rows of the first task of a conversation."""
        return self._opening(conversation, _asked_by(conversation, item, task_type), instructions, traceparent)[1]

    async def request(
        self,
        session: AsyncSession,
        conversation: TaskMapping,
        item: Item,
        task_type: str,
        traceparent: str | None,
    ) -> UUID:
        """Opens a task about the item, unless one is open."""
        return await self._open(session, conversation, _asked_by(conversation, item, task_type), traceparent)

    async def request_again(
        self, session: AsyncSession, conversation: TaskMapping, follow_up: FollowUp, traceparent: str | None
    ) -> UUID:
        """Opens another task in a conversation, unless one is open."""
        task_id = await self._open(session, conversation, follow_up, traceparent)
        await refresh_card(session, conversation)
        return task_id

    async def _open(
        self, session: AsyncSession, conversation: TaskMapping, wanted: FollowUp, traceparent: str | None
    ) -> UUID:
        open_task = await open_task_of(session, conversation.id)
        if open_task is not None:
            return open_task.id
        mapping = await session.get(ProjectMapping, conversation.project_mapping_id)
        conversation.alias = wanted.alias
        await session.flush()
        task_id, rows = self._opening(conversation, wanted, mapping.instructions if mapping else "", traceparent)
        await write(session, rows)
        return task_id

    def _opening(
        self, conversation: TaskMapping, wanted: FollowUp, instructions: str, traceparent: str | None
    ) -> tuple[UUID, list[Row]]:
        """The id of a new task, and its rows. What is asked for is kept as a message, like all that is said."""
        task_id, now = new_id(), self._clock.now()
        whose = {"tenant_id": conversation.tenant_id}
        task = {
            "id": task_id,
            "conversation_id": conversation.id,
            "alias": wanted.alias,
            "type": wanted.type,
            "title": conversation.title,
            "instructions": instructions or f"You work for @{wanted.alias}. Type of work: {wanted.type}.",
            "expires_at": now + timedelta(seconds=TASK_TTL_SECONDS),
            "hops": wanted.hops,
            "turns": wanted.turns,
            "traceparent": handed_on(traceparent),
        }
        message = {
            "id": new_id(),
            "conversation_id": conversation.id,
            "source": f"{wanted.source}.{wanted.asked_in}",
            "external_id": str(task_id),
            "author_id": wanted.author.id,
            "author_name": wanted.author.name or wanted.author.id,
            "text": wanted.text,
            "occurred_at": now,
        }
        told = {"type": wanted.type, "alias": wanted.alias, "by": wanted.author.name, "hops": wanted.hops}
        event = {
            "id": new_id(),
            "task_id": task_id,
            "kind": "task.submitted",
            "data": told | {"source": message["source"]},
        }
        return task_id, [(Task, task | whose), (Message, message | whose), (TaskEvent, event | whose)]

    async def inform(self, session: AsyncSession, conversation: TaskMapping, said: Said) -> bool:
        """Sends a ContextUpdate to the holder; whoever takes the task later gets it as context."""
        task = await open_task_of(session, conversation.id)
        if task is None:
            return False
        if task.state not in HELD_STATES or task.agent_id is None:
            return True
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
        return True

    async def stop(self, session: AsyncSession, conversation: TaskMapping, reason: str) -> bool:
        """Cancels: first nothing of the task has an effect any more, then the agent is told."""
        task = await open_task_of(session, conversation.id)
        if task is None:
            return False
        agent_id, instance, epoch = task.agent_id, task.instance, task.epoch
        held = task.state in HELD_STATES
        await finish(session, task, "canceled", self._clock, self._meter, reason=reason)
        await session.execute(
            update(Delivery)
            .where(Delivery.task_id == task.id, Delivery.state == "pending", Delivery.claimed_by.is_(None))
            .values(
                state="superseded",
                reason=reason,
                settled_at=self._clock.now(),
                history=longer_history("superseded", reason),
            )
        )
        await drop_held(session, conversation, task, self._clock.now())
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

    async def unmute(self, session: AsyncSession, conversation: TaskMapping, mute_id: UUID, who: Person) -> bool:
        """Lets an agent speak again that the breaker has silenced, for somebody in a thread where it was heard."""
        heard = select(HeldPost.id).where(HeldPost.mute_id == mute_id, HeldPost.conversation_id == conversation.id)
        mute = await session.scalar(
            select(Mute).where(Mute.id == mute_id, Mute.automatic, Mute.ended_at.is_(None), heard.exists())
        )
        if mute is None:
            return False
        agent = await session.get_one(Agent, mute.agent_id, with_for_update={"key_share": True})
        return await end_mute(session, agent, self._clock.now(), by=who.name or who.id)

    async def answer(
        self,
        session: AsyncSession,
        conversation: TaskMapping,
        text: str,
        author: Person,
        source: str,
        question_id: UUID | None,
    ) -> AnswerVerdict:
        """Answers an open question of the task, also while nobody works on it: whoever does next finds the answer."""
        task = await open_task_of(session, conversation.id)
        if task is None:
            return "nothing"
        return await questions.answer(session, self._clock, task, conversation, text, author, source, question_id)


def _asked_by(conversation: TaskMapping, item: Item, task_type: str) -> FollowUp:
    """What an item asks for by itself."""
    return FollowUp(
        conversation.alias, task_type, item.description, item.creator, conversation.tracker, asked_in="description"
    )


async def open_task_of(session: AsyncSession, conversation_id: UUID) -> Task | None:
    """The task of a conversation that is not over, locked for the rest of the transaction."""
    if session.new:
        await session.flush()  # it may have been opened in this transaction
    return await session.scalar(
        select(Task).where(Task.conversation_id == conversation_id, Task.finished_at.is_(None)).with_for_update()
    )


async def finish(
    session: AsyncSession, task: Task, state: TaskState, clock: Clock, meter: Meter, *, reason: str | None = None
) -> None:
    """Moves a task to a terminal state; from here on every write about it is stale."""
    current: TaskState = task.state  # pyright: ignore[reportAssignmentType] - a CHECK constraint guards the column
    assert is_over(state) and may_become(current, state), f"{current} → {state}"
    task.state, task.reason, task.finished_at, task.lease_until = state, reason, clock.now(), None
    await mailbox.withdraw(session, task.id, clock.now())
    await questions.withdraw(session, clock, task)
    note(session, task, f"task.{state}", {"reason": reason or ""})
    meter.finished(state)
