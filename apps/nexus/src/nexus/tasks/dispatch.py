"""Offers, and what takes them back: no acceptance, a lost lease, an expired task. Run by workers each second."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.pipeline.facts import PostReply
from nexus.pipeline.outbox import enqueue, micros, refresh_card
from nexus.store.database import Database, is_unavailable
from nexus.store.tables import Agent, AgentAlias, AgentSession, Task, TaskEvent, TaskMapping
from nexus.tasks import mailbox
from nexus.tasks.commands import requeue
from nexus.tasks.desk import finish, note
from nexus.tasks.offer import offer_fields
from nexus.tasks.rules import (
    ACCEPT_SECONDS,
    ONLINE_SECONDS,
    REFUSAL_PAUSE_SECONDS,
    Candidate,
    choose,
)
from oblivion_protocol import HELD_STATES

log = get_logger(__name__)

_DISPATCH_LOCK = 0x0B13
_BATCH = 50
_RETRY_SECONDS = 1.0
_FAILED_OFFER_SECONDS = 30.0


class Dispatcher:
    """Decides who works on what; safe to run in several processes at once."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def run_once(self) -> int:
        """Takes back what was lost or not accepted, then offers what waits; returns the number of offers."""
        async with self._db.system() as session:
            now = self._clock.now()
            due = await session.execute(
                select(Task.tenant_id)
                .where(Task.finished_at.is_(None))
                .where(((Task.state == "submitted") & (Task.next_offer_at <= now)) | (Task.lease_until < now))
                .group_by(Task.tenant_id)
            )
            tenants: Sequence[UUID] = due.scalars().all()
        offers = 0
        for tenant_id in tenants:
            async with self._db.tenant(tenant_id) as session:
                # One dispatcher a tenant at a time, so that two cannot fill the same slot.
                await session.execute(
                    text("SELECT pg_advisory_xact_lock(:class, hashtext(:tenant))"),
                    {"class": _DISPATCH_LOCK, "tenant": str(tenant_id)},
                )
                await self._take_back(session)
                offers += await self._offer(session)
        return offers

    async def _take_back(self, session: AsyncSession) -> None:
        now = self._clock.now()
        lost = await session.scalars(
            select(Task)
            .where(Task.finished_at.is_(None))
            .where((Task.lease_until < now) | ((Task.state == "submitted") & (Task.expires_at < now)))
            .with_for_update(skip_locked=True)
            .limit(_BATCH)
        )
        for task in lost:
            conversation = await session.get_one(TaskMapping, task.conversation_id)
            if task.state == "submitted":
                await finish(session, task, "expired", self._clock, reason="nobody could take it in time")
                if conversation.channel_id is not None:
                    await enqueue(
                        session,
                        conversation,
                        PostReply(conversation.channel_id, "This task has expired: no agent could take it in time."),
                        effect_key=f"task:{task.id}:expired",
                        order_key=micros(now),
                    )
            else:
                await requeue(session, task, "not_accepted" if task.state == "offered" else "lease_lost", self._clock)
            await session.flush()
            await refresh_card(session, conversation)

    async def _offer(self, session: AsyncSession) -> int:
        now = self._clock.now()
        waiting = await session.scalars(
            select(Task)
            .where(Task.state == "submitted", Task.next_offer_at <= now)
            .order_by(Task.created_at)
            .with_for_update(skip_locked=True)
            .limit(_BATCH)
        )
        offers = 0
        for task in waiting.all():
            task_id = task.id
            try:
                async with session.begin_nested():
                    offers += await self._offer_one(session, task)
            except Exception as error:
                if is_unavailable(error):
                    raise
                # One task that cannot be offered must not keep the others from their agents.
                log.error("task.not_offered", task_id=str(task_id), exc_info=error)
                await session.refresh(task)
                task.next_offer_at = now + timedelta(seconds=_FAILED_OFFER_SECONDS)
                await session.flush()
        return offers

    async def _offer_one(self, session: AsyncSession, task: Task) -> int:
        chosen = choose(await self._candidates(session, task), task.type)
        conversation = await session.get_one(TaskMapping, task.conversation_id)
        if isinstance(chosen, Candidate):
            await self._make_offer(session, task, conversation, chosen)
            return 1
        task.next_offer_at = self._clock.now() + timedelta(seconds=_RETRY_SECONDS)
        changed, task.reason = task.reason != chosen, chosen
        await session.flush()
        if changed:
            await refresh_card(session, conversation)
        return 0

    async def _make_offer(
        self, session: AsyncSession, task: Task, conversation: TaskMapping, chosen: Candidate
    ) -> None:
        now = self._clock.now()
        task.state, task.reason = "offered", None
        agent_id = UUID(chosen.agent_id)
        task.agent_id, task.instance = agent_id, chosen.instance
        task.epoch += 1
        task.offers += 1
        task.lease_until = now + timedelta(seconds=ACCEPT_SECONDS)
        task.plan = []
        await mailbox.post(
            session,
            agent_id,
            task.tenant_id,
            "task.assigned",
            task_id=task.id,
            instance=task.instance,
            **await offer_fields(session, task, conversation),
        )
        note(
            session,
            task,
            "task.offered",
            {"agent_id": chosen.agent_id, "instance": chosen.instance, "epoch": task.epoch},
        )

    async def _candidates(self, session: AsyncSession, task: Task) -> list[Candidate]:
        now = self._clock.now()
        rows = await session.execute(
            select(Agent, AgentSession)
            .join(AgentAlias, AgentAlias.agent_id == Agent.id)
            .join(AgentSession, AgentSession.agent_id == Agent.id)
            .where(func.lower(AgentAlias.alias) == task.alias.lower(), Agent.revoked_at.is_(None))
        )
        paused = await self._paused(session, task, now)
        load: dict[tuple[UUID, str], int] = {}
        held: Sequence[Any] = (
            await session.execute(
                select(Task.agent_id, Task.instance, func.count())
                .where(Task.state.in_(HELD_STATES))
                .group_by(Task.agent_id, Task.instance)
            )
        ).all()
        for agent_id, instance, count in held:
            load[agent_id, instance] = count
        return [
            Candidate(
                agent_id=str(agent.id),
                instance=one.instance,
                skills=frozenset({*one.skills, *agent.skills}),
                capacity=one.capacity,
                load=load.get((agent.id, one.instance), 0),
                online=one.closed_at is None and one.last_seen_at > now - timedelta(seconds=ONLINE_SECONDS),
                muted=agent.muted_at is not None,
                paused=(str(agent.id), one.instance) in paused,
                connected_at=one.connected_at,
            )
            for agent, one in rows.all()
        ]

    async def _paused(self, session: AsyncSession, task: Task, now: datetime) -> set[tuple[str, str]]:
        refusals = await session.scalars(
            select(TaskEvent.data).where(
                TaskEvent.task_id == task.id,
                TaskEvent.kind == "task.requeued",
                TaskEvent.created_at > now - timedelta(seconds=REFUSAL_PAUSE_SECONDS),
            )
        )
        return {
            (data["agent_id"], data["instance"]) for data in refusals if data["reason"] in ("rejected", "not_accepted")
        }
