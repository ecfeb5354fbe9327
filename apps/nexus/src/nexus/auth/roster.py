"""The roster: the agents table joined with presence."""

from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.store.tables import Agent, AgentAlias, ApiKey, HeldPost, Task
from nexus.store.tables import AgentSession as SessionRow
from oblivion_protocol.resources import AgentResource, AgentSession, CurrentTask
from oblivion_protocol.states import HELD_STATES

ONLINE_SECONDS = 30
"""A session that was not heard of for longer is gone, whether or not anybody closed it."""

USUAL_MESSAGES_PER_MINUTE = 10
"""How much an agent may say that has no limit of its own."""

MAX_CURRENT_TASKS = 20
"""How many of its tasks are listed with an agent."""


async def read_roster(
    session: AsyncSession,
    now: datetime,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None = None,
    name: str | None = None,
) -> list[AgentResource]:
    """Agents in the order of creation; a session that has been closed is not listed."""
    query = select(Agent).order_by(Agent.created_at, Agent.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(Agent.created_at, Agent.id) > after)
    if name is not None:
        query = query.where(Agent.name == name)
    agents = list(await session.scalars(query))
    ids = [agent.id for agent in agents]

    client_ids: dict[UUID, str] = {}
    keys = select(ApiKey.agent_id, ApiKey.client_id).where(ApiKey.agent_id.in_(ids)).order_by(ApiKey.created_at)
    for agent_id, client_id in await session.execute(keys):
        if agent_id is not None:
            client_ids[agent_id] = client_id  # the newest stays

    aliases: defaultdict[UUID, list[str]] = defaultdict(list)
    handles = select(AgentAlias).where(AgentAlias.agent_id.in_(ids)).order_by(AgentAlias.created_at, AgentAlias.id)
    for row in await session.scalars(handles):
        aliases[row.agent_id].append(f"@{row.alias}")

    sessions: defaultdict[UUID, list[AgentSession]] = defaultdict(list)
    last_seen: dict[UUID, datetime] = {}
    seen = select(SessionRow).where(SessionRow.agent_id.in_(ids)).order_by(SessionRow.connected_at, SessionRow.id)
    for row in await session.scalars(seen):
        last_seen[row.agent_id] = max(row.last_seen_at, last_seen.get(row.agent_id, row.last_seen_at))
        if row.closed_at is None:
            sessions[row.agent_id].append(_session(row, now))

    held = (
        select(Task.agent_id, func.count())
        .where(Task.finished_at.is_(None), Task.agent_id.in_(ids), Task.state.in_(HELD_STATES))
        .group_by(Task.agent_id)
    )
    load = dict(iter(await session.execute(held)))
    current = await _current_tasks(session, ids)
    kept = select(HeldPost.agent_id, func.count()).where(HeldPost.agent_id.in_(ids), HeldPost.state == "held")
    waiting = dict(iter(await session.execute(kept.group_by(HeldPost.agent_id))))

    return [
        AgentResource(
            id=str(agent.id),
            name=agent.name,
            client_id=client_ids.get(agent.id, ""),
            icon=agent.icon,
            skills=agent.skills,
            online=any(one.online for one in sessions[agent.id]),
            muted=agent.muted_at is not None,
            muted_at=agent.muted_at,
            muted_reason=agent.muted_reason,
            messages_per_minute=agent.messages_per_minute or USUAL_MESSAGES_PER_MINUTE,
            held=waiting.get(agent.id, 0),
            current_tasks=current[agent.id],
            load=load.get(agent.id, 0),
            capacity=sum(one.capacity for one in sessions[agent.id] if one.online),
            last_seen_at=last_seen.get(agent.id),
            sessions=sessions[agent.id],
            aliases=aliases[agent.id],
            created_at=agent.created_at,
            revoked_at=agent.revoked_at,
        )
        for agent in agents
    ]


async def _current_tasks(session: AsyncSession, ids: list[UUID]) -> defaultdict[UUID, list[CurrentTask]]:
    place = func.row_number().over(partition_by=Task.agent_id, order_by=(Task.created_at, Task.id)).label("place")
    held = (
        select(Task.agent_id, Task.id, Task.title, Task.state, place)
        .where(Task.finished_at.is_(None), Task.agent_id.in_(ids), Task.state.in_(HELD_STATES))
        .subquery()
    )
    rows = await session.execute(select(held).where(held.c.place <= MAX_CURRENT_TASKS).order_by(held.c.place))
    found: defaultdict[UUID, list[CurrentTask]] = defaultdict(list)
    for agent_id, task_id, title, state, _ in rows:
        found[agent_id].append(CurrentTask(id=str(task_id), title=title, state=state))
    return found


def _session(row: SessionRow, now: datetime) -> AgentSession:
    return AgentSession(
        instance=row.instance,
        online=now - row.last_seen_at < timedelta(seconds=ONLINE_SECONDS),
        connected_at=row.connected_at,
        last_seen_at=row.last_seen_at,
        gateway=row.gateway,
        skills=row.skills,
        capacity=row.capacity,
        version=row.version,
    )
