"""Why: was this routed there, does it wait, was it not mirrored. In words, for `GET /v1/explain/{id}`."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.store.tables import (
    Agent,
    AgentAlias,
    Connection,
    Delivery,
    InboxEvent,
    Message,
    ProjectMapping,
    Question,
    Task,
    TaskEvent,
    TaskMapping,
)
from nexus.tasks.roster import candidates
from nexus.tasks.rules import STALE, choose, why_not
from oblivion_protocol import CandidateVerdict, Explanation, ExplanationStep

_MAX_STEPS = 50
_WAITS_FOR_ONE = {
    "agent_offline": "{agent}, who was chosen for it, is not online",
    "agent_busy": "{agent}, who was chosen for it, is busy",
    "muted": "{agent}, who was chosen for it, is muted",
}
_WAITS = {
    "agent_offline": "no agent behind @{alias} is online",
    "agent_busy": "every agent behind @{alias} is busy",
    "muted": "every agent behind @{alias} that could do it is muted",
    "no_agent": "no agent stands behind @{alias}",
    "no_skill": "no agent behind @{alias} can do {type}",
    "not_accepted": "the agent did not take it in time; it is offered again",
    "lease_lost": "the agent was lost on the way; it is offered again",
    "rejected": "the agent declined it; it is offered again",
}
_STATES = {
    "offered": "Offered to {agent}, who has some seconds to take it.",
    "working": "{agent} is at work on it.",
    "completed": "Done by {agent}.",
    "failed": "{agent} could not do it: {reason}",
    "canceled": "Stopped: {reason}.",
    "rejected": "Declined: {reason}.",
    "expired": "Expired: {reason}.",
}


async def explain(session: AsyncSession, clock: Clock, wanted: str) -> Explanation | None:
    """By the id of a task, a conversation, a stored event or a delivery; also by the vendor's own id of an item or
    a message. None when the session's tenant has no such thing."""
    if "\0" in wanted:
        return None  # no text of PostgreSQL holds one
    found = _uuid(wanted)
    if found is not None:
        task = await session.get(Task, found)
        if task is not None:
            return await _task(session, clock, task)
        event = await session.get(InboxEvent, found)
        if event is not None:
            return await _event(session, event)
        delivery = await session.get(Delivery, found)
        if delivery is not None:
            return await _delivery(session, delivery)
    conversation = await _conversation_of(session, found, wanted)
    if conversation is None:
        return None
    latest = await session.scalar(
        select(Task).where(Task.conversation_id == conversation.id).order_by(Task.created_at.desc()).limit(1)
    )
    return await _task(session, clock, latest) if latest else await _unmapped(session, conversation)


async def _conversation_of(session: AsyncSession, found: UUID | None, wanted: str) -> TaskMapping | None:
    if found is not None:
        return await session.get(TaskMapping, found)
    by_message = select(Message.conversation_id).where(or_(Message.external_id == wanted, Message.twin_id == wanted))
    return await session.scalar(
        select(TaskMapping)
        .where(or_(TaskMapping.item_id == wanted, TaskMapping.root_ts == wanted, TaskMapping.id.in_(by_message)))
        .order_by(TaskMapping.created_at.desc())
        .limit(1)
    )


async def _task(session: AsyncSession, clock: Clock, task: Task) -> Explanation:
    conversation = await session.get_one(TaskMapping, task.conversation_id)
    agent = await session.get(Agent, task.agent_id) if task.agent_id is not None else None
    verdicts = await _verdicts(session, clock, task) if task.state == "submitted" else []
    steps = [
        *await _routing_steps(session, conversation, task),
        *await _history_steps(session, task),
    ]
    return Explanation(
        id=str(task.id),
        kind="task",
        state=task.state,
        summary=await _summary(session, clock, task, agent),
        steps=steps,
        candidates=verdicts,
        task_id=str(task.id),
        conversation_id=str(conversation.id),
    )


async def _summary(session: AsyncSession, clock: Clock, task: Task, agent: Agent | None) -> str:
    name = agent.name if agent else "an agent"
    if task.state == "submitted":
        # As of now: the reason on the row may be some seconds old.
        now = choose(await candidates(session, task, clock.now()), task.type)
        if not isinstance(now, str):
            return f"It is about to be offered to {(await _name_of(session, now.agent_id))}."
        if now == "agent_offline" and not await _has_agents(session, task.alias):
            now = "no_agent"
        if task.wanted_agent_id is not None and now in _WAITS_FOR_ONE:
            wanted = await _name_of(session, str(task.wanted_agent_id))
            return f"Waits: {_WAITS_FOR_ONE[now].format(agent=wanted)}."
        return f"Waits: {_WAITS[now].format(alias=task.alias, type=task.type)}."
    if task.state in ("input_required", "approval_required"):
        asked = await session.scalars(
            select(Question.prompt).where(Question.task_id == task.id, Question.state == "open").limit(3)
        )
        what = "an approval" if task.state == "approval_required" else "an answer"
        return f"{name} waits for {what} from people: {' · '.join(asked.all())}"
    if task.reason == STALE:
        return f"{name} still holds it and has given no sign for half an hour. Stop it, or look at the agent."
    return _STATES[task.state].format(agent=name, reason=task.reason or "no reason given")


async def _verdicts(session: AsyncSession, clock: Clock, task: Task) -> list[CandidateVerdict]:
    connected = await candidates(session, task, clock.now())
    names = {
        str(agent_id): name
        for agent_id, name in (
            await session.execute(
                select(Agent.id, Agent.name)
                .join(AgentAlias, AgentAlias.agent_id == Agent.id)
                .where(func.lower(AgentAlias.alias) == task.alias.lower(), Agent.revoked_at.is_(None))
            )
        ).all()
    }
    verdicts = [
        CandidateVerdict(
            agent=names.get(one.agent_id, one.agent_id),
            instance=one.instance,
            eligible=why_not(one, task.type) is None,
            reason=why_not(one, task.type) or "could take it now",
        )
        for one in connected
    ]
    online = {one.agent_id for one in connected}
    offline = sorted(name for agent_id, name in names.items() if agent_id not in online)
    return verdicts + [
        CandidateVerdict(agent=name, instance=None, eligible=False, reason="not online") for name in offline
    ]


async def _routing_steps(session: AsyncSession, conversation: TaskMapping, task: Task) -> list[ExplanationStep]:
    mapping = await session.get(ProjectMapping, conversation.project_mapping_id)
    steps = [
        ExplanationStep(
            at=task.created_at,
            text=f"@{task.alias} was called{_by(conversation)}; the type of work is {task.type}.",
        )
    ]
    if mapping is not None:
        steps.append(
            ExplanationStep(
                at=mapping.created_at,
                text=f"The list {mapping.list_name!r} is linked to the channel #{mapping.channel_name}, "
                f"and syncs by {mapping.sync_rule}.",
            )
        )
    return steps


def _by(conversation: TaskMapping) -> str:
    return f" by {conversation.requested_by}" if conversation.requested_by else ""


async def _history_steps(session: AsyncSession, task: Task) -> list[ExplanationStep]:
    told = ("task.offered", "task.accept", "task.requeued", "task.reassigned", "task.stale")
    rows = await session.scalars(
        select(TaskEvent)
        .where(TaskEvent.task_id == task.id)
        .where(TaskEvent.kind.in_(told) | TaskEvent.kind.startswith("question."))
        .order_by(TaskEvent.created_at.desc(), TaskEvent.id.desc())
        .limit(_MAX_STEPS)
    )
    newest_first: Sequence[TaskEvent] = rows.all()
    return [ExplanationStep(at=row.created_at, text=_told(row.kind, row.data)) for row in reversed(newest_first)]


def _told(kind: str, data: dict[str, Any]) -> str:
    match kind:
        case "task.offered":
            return f"Offered to the process {data.get('instance')}, epoch {data.get('epoch')}."
        case "task.accept":
            return "The agent took it."
        case "task.requeued":
            detail = f": {data['detail']}" if data.get("detail") else ""
            return f"It went back into the queue ({data.get('reason')}{detail})."
        case "task.reassigned":
            return f"{data.get('by')} gave it to {data.get('to') or 'whoever is free'}."
        case "task.stale":
            return "The agent has given no sign for half an hour."
        case _:
            by = f" by {data['by']}" if data.get("by") else ""
            return f"A question was {kind.removeprefix('question.')}{by}."


async def _unmapped(session: AsyncSession, conversation: TaskMapping) -> Explanation:
    if conversation.closed_at is not None:
        summary = conversation.closed_reason or "The conversation is closed."
    elif conversation.project_mapping_id is None:
        name = conversation.snapshot.get("list_name", conversation.list_id)
        summary = f"Addressed to @{conversation.alias}, and not mirrored: the list {name!r} is linked to no channel."
    else:
        summary = "It is mirrored, and nobody was asked to work on it."
    called = f"@{conversation.alias} was called{_by(conversation)}."
    return Explanation(
        id=str(conversation.id),
        kind="conversation",
        state="closed" if conversation.closed_at else "mirrored" if conversation.root_ts else "not mirrored",
        summary=summary,
        steps=[ExplanationStep(at=conversation.created_at, text=called)],
        conversation_id=str(conversation.id),
    )


async def _event(session: AsyncSession, event: InboxEvent) -> Explanation:
    match event.state:
        case "pending":
            waits = f" ({event.reason})" if event.reason else ""
            summary = f"Accepted and not handled yet{waits}. {await _about_connection(session, event.connection_id)}"
        case "dead":
            summary = f"Given up: {event.reason}. It can be replayed."
        case "ignored":
            summary = f"Nothing was done about it: {event.reason}."
        case _:
            summary = "Handled." + (f" {event.reason}." if event.reason else "")
    return _of_row("event", event, summary.strip(), event.conversation_id)


async def _delivery(session: AsyncSession, row: Delivery) -> Explanation:
    what = f"{row.kind.replace('_', ' ')} to {row.sink}"
    match row.state:
        case "pending" | "sending":
            older = await session.scalar(
                select(func.count())
                .select_from(Delivery)
                .where(Delivery.stream_key == row.stream_key, Delivery.state.in_(("pending", "sending")))
                .where(Delivery.order_key < row.order_key)
            )
            why = f"{older} older ones of its conversation go first" if older else row.reason or "its turn comes"
            unsure = " It was tried and may stand there: it is looked up first." if row.state == "sending" else ""
            about = await _about_connection(session, row.connection_id)
            summary = f"The {what} is not out yet: {why}.{unsure} {about}"
        case "dead":
            summary = f"The {what} was given up: {row.reason}. It can be replayed."
        case "superseded":
            summary = f"The {what} was not wanted any more: {row.reason}."
        case _:
            summary = f"The {what} stands there as {row.external_id}."
    return _of_row("delivery", row, summary.strip(), row.conversation_id)


def _of_row(kind: Any, row: InboxEvent | Delivery, summary: str, conversation_id: UUID | None) -> Explanation:
    steps = [ExplanationStep(at=row.created_at, text="Accepted.")]
    if row.attempts:
        steps.append(ExplanationStep(text=f"Tried {row.attempts} times."))
    if row.state in ("pending", "sending"):
        steps.append(ExplanationStep(at=row.available_at, text="Due."))
    if row.settled_at is not None:
        steps.append(ExplanationStep(at=row.settled_at, text=f"Settled as {row.state}."))
    return Explanation(
        id=str(row.id),
        kind=kind,
        state=row.state,
        summary=summary,
        steps=steps,
        conversation_id=str(conversation_id) if conversation_id else None,
    )


async def _about_connection(session: AsyncSession, connection_id: UUID) -> str:
    connection = await session.get(Connection, connection_id)
    if connection is None or connection.broken_reason is None:
        return ""
    return f"The connection to {connection.vendor} is broken: {connection.broken_reason}"


async def _has_agents(session: AsyncSession, alias: str) -> bool:
    found = await session.scalar(
        select(Agent.id)
        .join(AgentAlias, AgentAlias.agent_id == Agent.id)
        .where(func.lower(AgentAlias.alias) == alias.lower(), Agent.revoked_at.is_(None))
        .limit(1)
    )
    return found is not None


async def _name_of(session: AsyncSession, agent_id: str) -> str:
    agent = await session.get(Agent, UUID(agent_id))
    return agent.name if agent else "an agent"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
