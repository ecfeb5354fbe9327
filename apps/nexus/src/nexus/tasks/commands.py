"""What agents do: every write names an epoch and an event id; stale ones are refused, repeated ones answered again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.pipeline.facts import PostReply, Speaker
from nexus.pipeline.meter import UNMETERED, Meter
from nexus.pipeline.outbox import refresh_card
from nexus.pipeline.steps import step
from nexus.store.database import Database
from nexus.store.tables import Agent, AgentSession, Task, TaskEvent, TaskMapping
from nexus.tasks import questions
from nexus.tasks.censoring import Censor, Secrets, no_secrets
from nexus.tasks.desk import TaskDesk, finish
from nexus.tasks.handover import hand_over
from nexus.tasks.history import note
from nexus.tasks.posting import Posts, TooMuchHeld
from nexus.tasks.rules import ACCEPT_SECONDS, AT_WORK, LEASE_SECONDS, STALE, TASK_TTL_SECONDS, lease_end
from oblivion_protocol import (
    HELD_STATES,
    Accepted,
    Answer,
    Refused,
    Repeatable,
    TaskAccept,
    TaskApprove,
    TaskArtifact,
    TaskAsk,
    TaskCommand,
    TaskComplete,
    TaskFail,
    TaskHeartbeat,
    TaskMessage,
    TaskPlan,
    TaskProgress,
    TaskReject,
    TaskState,
)

_LATE_ACCEPT_SECONDS = 2
"""An acceptance that was under way when the offer ended is still honoured, if nobody else was asked."""


class SessionReplaced(Exception):
    """Another connection of the same agent process has taken over; this one must be closed."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who writes: a connected process of an agent, as of its session epoch."""

    tenant_id: UUID
    agent_id: UUID
    instance: str
    session_epoch: int


class AgentCommands:
    """Carries out what agents send about their tasks."""

    def __init__(self, db: Database, clock: Clock, meter: Meter = UNMETERED, *, secrets: Secrets = no_secrets) -> None:
        self._db = db
        self._clock = clock
        self._meter = meter
        self._censor = Censor(secrets)
        self._desk = TaskDesk(clock, meter)
        self._posts = Posts(clock, meter)

    async def carry_out(self, caller: Caller, name: str, command: TaskCommand) -> Answer:
        """One command, in one transaction and without the credentials in it. Raises SessionReplaced."""
        command, removed = await self._censor.censored(caller.tenant_id, command)
        try:
            return await self._carry_out(caller, name, command, removed)
        except TooMuchHeld:
            return Refused(code="rate_limited", detail="No more is held for a muted agent; send it again later.")

    async def _carry_out(self, caller: Caller, name: str, command: TaskCommand, removed: list[str]) -> Answer:
        async with self._db.tenant(caller.tenant_id) as session:
            await check_session(session, caller)
            task = await session.scalar(select(Task).where(Task.id == _uuid(command.task_id)).with_for_update())
            if task is None:
                return Refused(code="not_found", detail="There is no such task.")
            if isinstance(command, TaskHeartbeat):
                return await self._decide(session, caller, task, name, command, removed)
            with step(
                f"process {name}",
                "consumer",
                task.traceparent,
                tenant_id=caller.tenant_id,
                task_id=task.id,
                agent_id=caller.agent_id,
                epoch=command.epoch,
            ) as timed:
                answer = await self._decide(session, caller, task, name, command, removed)
                timed.note(outcome=answer.code if isinstance(answer, Refused) else "ok")
                return answer

    async def _decide(
        self, session: AsyncSession, caller: Caller, task: Task, name: str, command: TaskCommand, removed: list[str]
    ) -> Answer:
        past = await _past(session, caller, task, command)
        if not past.epochs:
            # Nobody learns anything about a task that was never offered to them; who had it learns that it is over.
            return Refused(code="not_found", detail="There is no such task.")
        if command.epoch not in past.epochs:
            return _stale(task)
        if past.answer is not None:
            return Accepted.model_validate(past.answer)
        refusal = self._fence(caller, task, command)
        if refusal is not None:
            return refusal
        if isinstance(command, TaskHeartbeat):
            task.lease_until = lease_end(self._clock.now())
            return Accepted(lease_seconds=LEASE_SECONDS)
        conversation = await session.get_one(TaskMapping, task.conversation_id)
        answer = await self._do(session, task, conversation, caller, command)
        if isinstance(answer, Refused):
            return answer
        task.last_sign_at = self._clock.now()
        task.reason = None if task.reason == STALE else task.reason
        if task.finished_at is None and task.agent_id is not None:
            task.lease_until = lease_end(self._clock.now())
        note(session, task, name, _facts(command), event_id=command.event_id, answer=answer.model_dump(mode="json"))
        for kind in removed:
            note(session, task, "task.secret_removed", {"kind": kind, "within": name})
            self._meter.secret_removed(kind)
        await session.flush()
        await refresh_card(session, conversation)
        return answer

    def _fence(self, caller: Caller, task: Task, command: TaskCommand) -> Refused | None:
        """Only the holder of the current epoch may write (I5)."""
        holder = (task.agent_id, task.instance, task.epoch)
        if holder != (caller.agent_id, caller.instance, command.epoch) or task.finished_at is not None:
            return _stale(task)
        allowed: frozenset[TaskState] = HELD_STATES if isinstance(command, TaskAccept | TaskReject) else AT_WORK
        if task.state not in allowed:
            return Refused(code="invalid", detail=f"Not allowed while the task is {task.state}: accept it first.")
        return None

    async def _do(
        self, session: AsyncSession, task: Task, conversation: TaskMapping, caller: Caller, command: TaskCommand
    ) -> Answer:
        match command:
            case TaskAccept():
                return await self._accept(session, task)
            case TaskReject():
                await requeue(session, task, "rejected", self._clock, detail=command.reason)
                return Accepted()
            case TaskPlan():
                task.plan = [step.model_dump() for step in command.steps]
                return Accepted(lease_seconds=LEASE_SECONDS)
            case TaskProgress():
                task.progress = command.text
                return Accepted(lease_seconds=LEASE_SECONDS)
            case _:
                agent = await session.get_one(Agent, caller.agent_id)
                return await self._speak(session, task, conversation, agent, command)

    async def _speak(
        self, session: AsyncSession, task: Task, conversation: TaskMapping, agent: Agent, command: TaskCommand
    ) -> Answer:
        match command:
            case TaskMessage():
                return await self._say(session, task, conversation, agent, command, command.text)
            case TaskArtifact():
                said = "\n".join(part for part in (command.name, command.url, command.text) if part)
                return await self._say(session, task, conversation, agent, command, said)
            case TaskAsk() | TaskApprove():
                return await questions.ask(session, self._clock, self._posts, task, conversation, agent, command)
            case TaskComplete():
                task.result = command.result
                if command.result.strip():
                    await self._say(session, task, conversation, agent, command, command.result)
                await finish(session, task, "completed", self._clock, self._meter)
                await hand_over(session, self._desk, task, conversation, agent, command.result)
            case TaskFail():
                if command.retryable:
                    await requeue(session, task, "rejected", self._clock, detail=command.error)
                else:
                    await self._say(session, task, conversation, agent, command, f"This failed: {command.error}")
                    await finish(session, task, "failed", self._clock, self._meter, reason=command.error)
            case _:
                return Refused(code="invalid", detail="Unknown command.")
        return Accepted(lease_seconds=LEASE_SECONDS)

    async def _accept(self, session: AsyncSession, task: Task) -> Answer:
        now = self._clock.now()
        if task.state == "offered":
            ended = task.lease_until is not None and now > task.lease_until + timedelta(seconds=_LATE_ACCEPT_SECONDS)
            if ended:
                return Refused(
                    code="stale_epoch", detail=f"Offers end after {ACCEPT_SECONDS} s; wait for the next one."
                )
            if task.offers == 1 or not await _accepted_before(session, task):
                self._meter.accepted((now - task.created_at).total_seconds())
            task.state, task.reason = "working", None
        return Accepted(lease_seconds=LEASE_SECONDS)

    async def _say(
        self,
        session: AsyncSession,
        task: Task,
        conversation: TaskMapping,
        agent: Agent,
        command: TaskCommand,
        said: str,
    ) -> Answer:
        if conversation.channel_id is None:
            return Accepted(lease_seconds=LEASE_SECONDS)
        held = await self._posts.say(
            session,
            task,
            conversation,
            agent,
            PostReply(conversation.channel_id, said, Speaker(agent.name, agent.icon)),
            effect_key=f"task:{task.id}:{_said_as(command)}",
            is_outcome=isinstance(command, TaskComplete | TaskFail),
        )
        return Accepted(lease_seconds=LEASE_SECONDS, held=held)


@dataclass(frozen=True, slots=True)
class _Past:
    """What happened to a task that matters to a command."""

    epochs: frozenset[int | None]
    """Those in which it was offered to the agent that calls."""
    answer: dict[str, Any] | None
    """What was answered when the same command came before."""


async def _past(session: AsyncSession, caller: Caller, task: Task, command: TaskCommand) -> _Past:
    offered = (TaskEvent.kind == "task.offered") & (TaskEvent.data["agent_id"].astext == str(caller.agent_id))
    before = (TaskEvent.epoch == command.epoch) & (TaskEvent.event_id == command.event_id)
    found = await session.execute(
        select(TaskEvent.kind, TaskEvent.epoch, TaskEvent.answer).where(TaskEvent.task_id == task.id, offered | before)
    )
    epochs: set[int | None] = set()
    answer: dict[str, Any] | None = None
    for kind, epoch, answered in found.all():
        if kind == "task.offered":
            epochs.add(epoch)
        else:
            answer = answered
    return _Past(frozenset(epochs), answer)


async def check_session(session: AsyncSession, caller: Caller) -> None:
    """Raises SessionReplaced unless the caller's connection is the current one of its process."""
    current = await session.scalar(
        select(AgentSession.session_epoch).where(
            AgentSession.agent_id == caller.agent_id,
            AgentSession.instance == caller.instance,
            AgentSession.closed_at.is_(None),
        )
    )
    if current != caller.session_epoch:
        raise SessionReplaced


async def _accepted_before(session: AsyncSession, task: Task) -> bool:
    """Whether an agent has worked on it already: who takes it up again after a loss keeps nobody waiting anew."""
    found = await session.scalar(
        select(TaskEvent.id).where(TaskEvent.task_id == task.id, TaskEvent.kind == "task.accept").limit(1)
    )
    return found is not None


def _stale(task: Task) -> Refused:
    return Refused(
        code="stale_epoch", detail=f"The task is at epoch {task.epoch} and {task.state}; stop working on it."
    )


async def requeue(
    session: AsyncSession,
    task: Task,
    reason: str,
    clock: Clock,
    *,
    detail: str = "",
    pause_seconds: float = 0,
) -> None:
    """Puts a task back: nobody holds it, and what its last holder still sends is stale. Its questions wait on."""
    note(
        session,
        task,
        "task.requeued",
        {"reason": reason, "detail": detail, "agent_id": str(task.agent_id), "instance": task.instance or ""},
    )
    await session.execute(
        text("UPDATE agent_messages SET acked_at = clock_timestamp() WHERE task_id = :task AND acked_at IS NULL"),
        {"task": task.id},
    )
    task.state, task.reason = "submitted", reason
    task.expires_at = max(task.expires_at, clock.now() + timedelta(seconds=TASK_TTL_SECONDS))
    task.agent_id, task.instance, task.lease_until, task.progress = None, None, None, None
    task.next_offer_at = clock.now() + timedelta(seconds=pause_seconds)


def _said_as(command: TaskCommand) -> str:
    """What is said under one key is said once, in whichever epoch of the task."""
    if isinstance(command, Repeatable) and command.key is not None:
        return f"said:{command.key}"
    return command.event_id


def _facts(command: TaskCommand) -> dict[str, Any]:
    """What the timeline shows of a command: sizes instead of texts."""
    facts = command.model_dump(mode="json", exclude={"task_id", "event_id"})
    return {key: len(value) if isinstance(value, str) and len(value) > 200 else value for key, value in facts.items()}


def _uuid(text_id: str) -> UUID | None:
    try:
        return UUID(text_id)
    except ValueError:
        return None
