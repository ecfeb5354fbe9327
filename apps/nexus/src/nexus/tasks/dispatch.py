"""Offers, and what takes them back: no acceptance, a lost lease, an expired task. Run by workers each second."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.pipeline.facts import PostReply
from nexus.pipeline.meter import UNMETERED, Meter
from nexus.pipeline.outbox import enqueue, micros, refresh_card, refresh_cards
from nexus.pipeline.steps import step
from nexus.store.bulk import one_of
from nexus.store.database import Database, is_unavailable
from nexus.store.tables import AgentSession, Task, TaskMapping
from nexus.tasks import mailbox
from nexus.tasks.commands import requeue
from nexus.tasks.desk import finish
from nexus.tasks.history import note
from nexus.tasks.offer import offer_fields
from nexus.tasks.release import release_held
from nexus.tasks.roster import candidates
from nexus.tasks.rules import (
    ACCEPT_SECONDS,
    POLLING,
    Candidate,
    choose,
    lease_end,
)
from nexus.tasks.sweeps import expire_questions, show_stale
from oblivion_protocol import HELD_STATES, WaitReason

log = get_logger(__name__)

_DISPATCH_LOCK = 0x0B13
_BATCH = 50
_RETRY_SECONDS = 1.0
_SWEEP_SECONDS = 0.9
"""A little less than the worker's own period, so that each of its sweeps is one here."""
_FAILED_OFFER_SECONDS = 30.0
_FOR_ALL: frozenset[WaitReason] = frozenset({"agent_offline", "no_skill", "muted", "agent_busy"})
"""Reasons that hold for every task that waits for the same agents."""
_GAP_SECONDS = 15.0
"""Runs so far apart mean that PostgreSQL or this machine was away: nobody could renew a lease in between."""
_STEP_SECONDS = 5.0
"""By how much the clock and the time that passed must differ to say that somebody has set the clock."""
_MENDING_SECONDS = 15.0
"""How long after that leases are put right; within it, every process has looked at the new time."""


@dataclass(frozen=True, slots=True)
class _Wait:
    """What a task waits for; tasks that are equal in it wait for the same agents."""

    alias: str
    type: str
    wanted_agent_id: UUID | None

    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        return (
            Task.finished_at.is_(None),
            Task.state == "submitted",
            func.lower(Task.alias) == self.alias,
            Task.type == self.type,
            Task.wanted_agent_id.is_not_distinct_from(self.wanted_agent_id),
        )


def _put_off_until(at: datetime) -> dict[str, Any]:
    """To wait on changes nothing that anybody sees, so the time of the last change stays."""
    return {"next_offer_at": at, "updated_at": Task.updated_at}


class Dispatcher:
    """Decides who works on what; safe to run in several processes at once."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        steady: Callable[[], float] = time.monotonic,
        *,
        meter: Meter = UNMETERED,
    ) -> None:
        self._db = db
        self._clock = clock
        self._steady = steady
        self._meter = meter
        self._ran_at: tuple[datetime, float] | None = None
        self._swept_at: tuple[datetime, float] | None = None
        self._mending_until = steady()

    async def run_once(self) -> int:
        """Everything once; returns how many offers were made, and in how many conversations something was let go."""
        return await self.offer_due() + await self.tend()

    async def offer_due(self) -> int:
        """Takes back what was lost or not accepted, then offers what waits; returns how many offers were made."""
        async with self._db.system() as session:
            now = self._clock.now()
            if self._disturbed(now):
                await self._mend_leases(session, now)
            due = await session.execute(
                select(Task.tenant_id, func.bool_or((Task.lease_until < now) | (Task.expires_at < now)))
                .where(Task.finished_at.is_(None))
                .where(((Task.state == "submitted") & (Task.next_offer_at <= now)) | (Task.lease_until < now))
                .group_by(Task.tenant_id)
            )
            tenants = due.all()
            waiting = await self._waiting(session) if tenants else {}
        self._ran_at = (self._clock.now(), self._steady())
        offers = 0
        for tenant_id, has_run_out in tenants:
            if has_run_out:
                await self._take_back(tenant_id)
                async with self._db.tenant(tenant_id) as session:
                    waiting |= await self._waiting(session)
            offers += await self._offer(tenant_id, waiting.get(tenant_id, ()))
        self._ran_at = (self._clock.now(), self._steady())
        return offers

    async def tend(self) -> int:
        """Does what time asks for, and lets go what was held; returns in how many conversations something was."""
        if self._is_time_to_sweep():
            await expire_questions(self._db, self._clock)
            await show_stale(self._db, self._clock)
        released = await release_held(self._db, self._clock)
        self._ran_at = (self._clock.now(), self._steady())
        return released

    def _is_time_to_sweep(self) -> bool:
        """What becomes true by time alone is looked for each second, and not at each ring; by either clock."""
        now, steady = self._clock.now(), self._steady()
        if self._swept_at is not None:
            told, passed = (now - self._swept_at[0]).total_seconds(), steady - self._swept_at[1]
            if 0 <= told < _SWEEP_SECONDS and passed < _SWEEP_SECONDS:
                return False
        self._swept_at = (now, steady)
        return True

    def _disturbed(self, now: datetime) -> bool:
        """Whether leases, which end at a time of day, say nothing about the time that passed since they were given."""
        steady = self._steady()
        if self._ran_at is not None:
            passed, told = steady - self._ran_at[1], (now - self._ran_at[0]).total_seconds()
            if passed > _GAP_SECONDS or abs(told - passed) > _STEP_SECONDS:
                log.warning("leases.mended", passed_seconds=round(passed, 1), told_seconds=round(told, 1))
                self._mending_until = steady + _MENDING_SECONDS
        return steady < self._mending_until

    @staticmethod
    async def _mend_leases(session: AsyncSession, now: datetime) -> None:
        """Each holder gets one whole lease from now on, each task that waits is due now.

        After an outage of PostgreSQL, a sleep of the machine or a clock that was set forward, every lease has ended
        although nobody could renew it. After a clock was set back, leases and pauses would last that much longer.
        """
        offer_end = now + timedelta(seconds=ACCEPT_SECONDS)
        longest = lease_end(now)
        polling = exists().where(
            AgentSession.agent_id == Task.agent_id,
            AgentSession.instance == Task.instance,
            AgentSession.gateway == POLLING,
            Task.lease_until > now,
        )
        await session.execute(
            update(Task)
            .where(Task.finished_at.is_(None), Task.state.in_(HELD_STATES))
            .where((Task.lease_until < now) | (Task.lease_until > longest), ~polling)
            .values(lease_until=case((Task.state == "offered", offer_end), else_=longest))
        )
        await session.execute(
            update(Task)
            .where(Task.finished_at.is_(None), Task.state == "submitted", Task.next_offer_at > longest)
            .values(next_offer_at=now)
        )

    async def _take_back(self, tenant_id: UUID) -> None:
        for _ in range(_BATCH):
            async with self._db.tenant(tenant_id) as session:
                now = self._clock.now()
                task = await session.scalar(
                    select(Task)
                    .where(Task.finished_at.is_(None))
                    .where((Task.lease_until < now) | ((Task.state == "submitted") & (Task.expires_at < now)))
                    .with_for_update(skip_locked=True)
                    .limit(1)
                )
                if task is None:
                    return
                await self._take_back_one(session, task)

    async def _take_back_one(self, session: AsyncSession, task: Task) -> None:
        conversation = await session.get_one(TaskMapping, task.conversation_id)
        if task.state == "submitted":
            await finish(session, task, "expired", self._clock, self._meter, reason="nobody could take it in time")
            if conversation.channel_id is not None:
                await enqueue(
                    session,
                    conversation,
                    PostReply(conversation.channel_id, "This task has expired: no agent could take it in time."),
                    effect_key=f"task:{task.id}:expired",
                    order_key=micros(self._clock.now()),
                    traceparent=task.traceparent,
                )
        else:
            await requeue(session, task, "not_accepted" if task.state == "offered" else "lease_lost", self._clock)
        await session.flush()
        await refresh_card(session, conversation)

    async def _waiting(self, session: AsyncSession) -> dict[UUID, list[tuple[UUID, _Wait]]]:
        """What waits, by tenant, oldest first: ids of tasks, and for what each waits.

        Some of each kind: a long queue before busy agents must not hide others from theirs.
        """
        alias_of = func.lower(Task.alias)
        kind = (alias_of.label("alias"), Task.type, Task.wanted_agent_id)
        place = func.row_number().over(partition_by=(Task.tenant_id, *kind), order_by=Task.created_at)
        waiting = (
            select(Task.tenant_id, Task.id, *kind, Task.created_at, place.label("place"))
            .where(Task.finished_at.is_(None), Task.state == "submitted", Task.next_offer_at <= self._clock.now())
            .subquery()
        )
        rows = await session.execute(
            select(waiting.c.tenant_id, waiting.c.id, waiting.c.alias, waiting.c.type, waiting.c.wanted_agent_id)
            .where(waiting.c.place <= _BATCH)
            .order_by(waiting.c.created_at)
        )
        found: dict[UUID, list[tuple[UUID, _Wait]]] = {}
        for tenant_id, task_id, *what in rows.all():
            found.setdefault(tenant_id, []).append((task_id, _Wait(*what)))
        return found

    async def _offer(self, tenant_id: UUID, waiting: Sequence[tuple[UUID, _Wait]]) -> int:
        """Offers what waits; what waits for the same agents waits together once none of them is free."""
        offers = 0
        in_vain: dict[_Wait, WaitReason] = {}
        for task_id, wait in waiting:
            if wait in in_vain:
                continue
            try:
                outcome = await self._offer_one(tenant_id, task_id)
            except Exception as error:
                if is_unavailable(error):
                    raise
                # One task that cannot be offered must not keep the others from their agents.
                log.error("task.not_offered", task_id=str(task_id), exc_info=error)
                await self._put_off(tenant_id, task_id)
                continue
            if outcome == "offered":
                offers += 1
            elif outcome in _FOR_ALL:
                in_vain[wait] = outcome
        for wait, reason in in_vain.items():
            await self._let_wait(tenant_id, wait, reason)
        return offers

    async def _offer_one(self, tenant_id: UUID, task_id: UUID) -> WaitReason | Literal["offered", "gone"]:
        """Offers one task, in a transaction of its own.

        The offer's time runs from here, and locks that agents wait for are held for one offer, not for a batch.
        """
        # One offer a tenant at a time, so that two dispatchers cannot fill the same slot.
        async with self._db.tenant(tenant_id, lock=_DISPATCH_LOCK) as session:
            # The conversation first, then the task, as everybody else does who needs both: else two could wait for
            # one another for ever.
            conversation = await session.scalar(
                select(TaskMapping)
                .join(Task, Task.conversation_id == TaskMapping.id)
                .where(Task.id == task_id)
                .with_for_update(of=TaskMapping, key_share=True)
            )
            task = await session.scalar(
                select(Task)
                .where(Task.id == task_id, Task.state == "submitted", Task.next_offer_at <= self._clock.now())
                .with_for_update(skip_locked=True)
            )
            if task is None or conversation is None:
                return "gone"
            chosen = choose(await candidates(session, task, self._clock.now()), task.type)
            if isinstance(chosen, Candidate):
                await self._make_offer(session, task, conversation, chosen)
                return "offered"
            await self._note_reason(session, task, conversation, chosen)
            return chosen

    async def _let_wait(self, tenant_id: UUID, wait: _Wait, reason: WaitReason) -> None:
        """Puts off all tasks that wait for the same agents in vain; shows the reason on those that are new to it."""
        async with self._db.tenant(tenant_id) as session:
            now = self._clock.now()
            alike = wait.conditions()
            fresh = (
                select(Task.id)
                .where(*alike, Task.next_offer_at <= now, Task.reason.is_distinct_from(reason))
                .order_by(Task.created_at)
                .with_for_update(skip_locked=True)
                .limit(_BATCH)
            )
            told = await session.execute(
                update(Task)
                .where(Task.id.in_(fresh))
                .values(reason=reason)
                .returning(Task.conversation_id, Task.traceparent)
                .execution_options(synchronize_session=False)
            )
            traces: dict[UUID, str | None] = dict(iter(told))  # pyright: ignore[reportAssignmentType] - a row of two
            if traces:
                shown = await session.scalars(select(TaskMapping).where(one_of(TaskMapping.id, traces)))
                await refresh_cards(session, [(each, traces[each.id]) for each in shown])
            if reason == "agent_busy":
                return  # due at once when a slot becomes free, which is rung for
            put_off = select(Task.id).where(*alike, Task.next_offer_at <= now).with_for_update(skip_locked=True)
            await session.execute(
                update(Task)
                .where(Task.id.in_(put_off))
                .values(**_put_off_until(now + timedelta(seconds=_RETRY_SECONDS)))
                .execution_options(synchronize_session=False)
            )

    async def _note_reason(
        self, session: AsyncSession, task: Task, conversation: TaskMapping, reason: WaitReason
    ) -> None:
        if reason != "agent_busy":
            later = self._clock.now() + timedelta(seconds=_RETRY_SECONDS)
            await session.execute(update(Task).where(Task.id == task.id).values(**_put_off_until(later)))
        if reason == "not_accepted" and task.reason == "rejected":
            return  # whoever could take it has just said no: that says more
        changed, task.reason = task.reason != reason, reason
        await session.flush()
        if changed:
            await refresh_card(session, conversation)

    async def _put_off(self, tenant_id: UUID, task_id: UUID) -> None:
        async with self._db.tenant(tenant_id) as session:
            await session.execute(
                update(Task)
                .where(Task.id == task_id, Task.state == "submitted")
                .values(**_put_off_until(self._clock.now() + timedelta(seconds=_FAILED_OFFER_SECONDS)))
            )

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
        with step(
            "send task.assigned",
            "producer",
            task.traceparent,
            tenant_id=task.tenant_id,
            task_id=task.id,
            agent_id=agent_id,
            attempt=task.offers,
            epoch=task.epoch,
        ):
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
