"""What operators do with tasks from the outside: the dashboard and the API."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.auth.audit import record
from nexus.auth.errors import NotFound
from nexus.kit.clock import Clock
from nexus.pipeline.inbox import Doorbell
from nexus.pipeline.outbox import refresh_card
from nexus.store.database import Database
from nexus.store.tables import Agent, AgentAlias, AgentSession, Task, TaskMapping
from nexus.tasks import mailbox
from nexus.tasks.commands import requeue
from nexus.tasks.desk import TaskDesk
from nexus.tasks.history import note
from nexus.tasks.rules import REASSIGNED, Capability, why_not_capable
from oblivion_protocol import HELD_STATES


class TaskOver(Exception):
    """The task has ended: nobody can be given it."""


class NotCapable(Exception):
    """The agent cannot do this task; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Steering:
    """Stops tasks, and gives them to others."""

    def __init__(self, db: Database, desk: TaskDesk, doorbell: Doorbell, clock: Clock) -> None:
        self._db = db
        self._desk = desk
        self._doorbell = doorbell
        self._clock = clock

    async def cancel(self, tenant_id: UUID, task_id: UUID, actor: str) -> bool:
        """Whether the task was open and is canceled now."""
        async with self._db.tenant(tenant_id) as session:
            task = await session.get(Task, task_id)
            if task is None or task.finished_at is not None:
                return False
            conversation = await session.get_one(TaskMapping, task.conversation_id)
            canceled = await self._desk.stop(session, conversation, f"stopped by {actor}")
            if canceled:
                record(session, tenant_id, actor, "task.cancel", str(task_id))
        self._ring()
        return canceled

    async def reassign(self, tenant_id: UUID, task_id: UUID, agent: str | None, actor: str) -> None:
        """Takes the task from whoever has it and has it offered anew, to `agent` alone where one is named.

        What the previous holder still sends is stale. Open questions belong to the task and stay. Raises NotFound,
        TaskOver or NotCapable.
        """
        async with self._db.tenant(tenant_id) as session:
            conversation = await session.scalar(
                select(TaskMapping)
                .join(Task, Task.conversation_id == TaskMapping.id)
                .where(Task.id == task_id)
                # No stronger: an agent that writes about the task holds it and wants to refer to the conversation.
                .with_for_update(of=TaskMapping, key_share=True)
            )
            if conversation is None:
                raise NotFound("No task with this id.")
            task = await session.get_one(Task, task_id, with_for_update=True)
            if task.finished_at is not None:
                raise TaskOver
            task.wanted_agent_id = None if agent is None else await self._capable(session, task, agent)
            await self._take_away(session, task)
            note(session, task, "task.reassigned", {"to": agent or "", "by": actor})
            record(session, tenant_id, actor, "task.reassign", str(task_id), {"to": agent})
            await session.flush()
            await refresh_card(session, conversation)
        self._ring()

    async def _take_away(self, session: AsyncSession, task: Task) -> None:
        holder, instance, epoch = task.agent_id, task.instance, task.epoch
        if holder is None or task.state not in HELD_STATES:
            task.next_offer_at = self._clock.now()
            return
        await requeue(session, task, REASSIGNED, self._clock)
        task.epoch += 1
        await mailbox.post(
            session,
            holder,
            task.tenant_id,
            "task.canceled",
            task_id=task.id,
            instance=instance,
            epoch=epoch,
            reason=REASSIGNED,
        )

    async def _capable(self, session: AsyncSession, task: Task, name: str) -> UUID:
        agent = await session.scalar(select(Agent).where(Agent.name == name))
        if agent is None:
            raise NotFound(f"There is no agent {name}.")
        aliases = await session.scalars(select(func.lower(AgentAlias.alias)).where(AgentAlias.agent_id == agent.id))
        # Also what its processes could do when they were connected last: it may be started for this very task.
        sessions = await session.scalars(select(AgentSession.skills).where(AgentSession.agent_id == agent.id))
        capability = Capability(
            name=name,
            aliases=frozenset(aliases),
            skills=frozenset(agent.skills).union(*sessions),
            revoked=agent.revoked_at is not None,
        )
        refusal = why_not_capable(capability, task.alias, task.type)
        if refusal is not None:
            raise NotCapable(refusal)
        return agent.id

    def _ring(self) -> None:
        for topic in ("agents", "dispatch", "deliveries"):
            self._doorbell.ring(topic)
