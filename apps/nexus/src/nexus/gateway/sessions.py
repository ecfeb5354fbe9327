"""Which socket speaks for which process of which agent. PostgreSQL decides; Redis carries a copy for others."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.pipeline.outbox import refresh_card
from nexus.store.database import Database
from nexus.store.tables import Agent, AgentMessage, Task, TaskMapping
from nexus.tasks import mailbox
from nexus.tasks.commands import Caller, requeue
from nexus.tasks.rules import AT_WORK, lease_end
from oblivion_protocol import HELD_STATES, Hello, Holding

_OPEN = text("""
    INSERT INTO agent_sessions (id, tenant_id, agent_id, instance, gateway, sid, skills, capacity, version,
                                connected_at, last_seen_at)
    VALUES (:id, :tenant, :agent, :instance, :gateway, :sid, :skills, :capacity, :version, :now, :now)
    ON CONFLICT (agent_id, instance) DO UPDATE SET
        session_epoch = agent_sessions.session_epoch + 1, gateway = excluded.gateway, sid = excluded.sid,
        skills = excluded.skills, capacity = excluded.capacity, version = excluded.version,
        connected_at = excluded.connected_at, last_seen_at = excluded.last_seen_at, closed_at = NULL
    RETURNING session_epoch
""")
_TOUCH = text("""
    WITH seen AS (
        UPDATE agent_sessions SET last_seen_at = :now
        WHERE sid = ANY(CAST(:sids AS text[])) AND gateway = :gateway AND closed_at IS NULL
        RETURNING sid, agent_id
    )
    SELECT mine.sid FROM unnest(CAST(:sids AS text[])) AS mine(sid) LEFT JOIN seen ON seen.sid = mine.sid
    LEFT JOIN agents ON agents.id = seen.agent_id
    WHERE seen.sid IS NULL OR agents.revoked_at IS NOT NULL
""")
"""Returns the few that do not stand any more, and not all that do."""
_CLOSE = text("""
    UPDATE agent_sessions SET closed_at = :now
    FROM unnest(CAST(:agents AS uuid[]), CAST(:instances AS text[]), CAST(:epochs AS bigint[]))
         AS gone (agent_id, instance, session_epoch)
    WHERE agent_sessions.agent_id = gone.agent_id AND agent_sessions.instance = gone.instance
      AND agent_sessions.session_epoch = gone.session_epoch
""")


class AgentRevoked(Exception):
    """The agent is not allowed in any more."""


@dataclass
class LiveSession:
    """A socket of this process that has said hello."""

    sid: str
    caller: Caller
    read_up_to: int = 0
    sent: dict[int, tuple[float, int]] = field(default_factory=dict[int, tuple[float, int]])
    """Events on their way, by `seq`: when they were last sent, in monotonic seconds, and their size in bytes."""


class LiveSessions:
    """The sessions of this process, by socket and by the agent that they speak for."""

    def __init__(self) -> None:
        self._by_sid: dict[str, LiveSession] = {}
        self._by_agent: dict[UUID, dict[str, LiveSession]] = {}

    def __len__(self) -> int:
        return len(self._by_sid)

    def __contains__(self, sid: str) -> bool:
        return sid in self._by_sid

    def get(self, sid: str) -> LiveSession | None:
        """That of a socket."""
        return self._by_sid.get(sid)

    def add(self, session: LiveSession) -> None:
        """A socket has said hello."""
        self.pop(session.sid)
        self._by_sid[session.sid] = session
        self._by_agent.setdefault(session.caller.agent_id, {})[session.sid] = session

    def pop(self, sid: str) -> LiveSession | None:
        """Takes out that of a socket; None when it has none."""
        session = self._by_sid.pop(sid, None)
        if session is not None:
            others = self._by_agent[session.caller.agent_id]
            del others[sid]
            if not others:
                del self._by_agent[session.caller.agent_id]
        return session

    def of_process(self, caller: Caller) -> list[LiveSession]:
        """Those that speak for one agent process: more than one while it changes connections."""
        return [one for one in self.of_agent(caller.agent_id) if one.caller.instance == caller.instance]

    def of_agent(self, agent_id: UUID) -> list[LiveSession]:
        """Those of all processes of one agent."""
        return list(self._by_agent.get(agent_id, {}).values())

    def sids(self) -> AbstractSet[str]:
        """Every socket that has one."""
        return self._by_sid.keys()

    def agents(self) -> list[UUID]:
        """Every agent that has one."""
        return list(self._by_agent)

    def all(self) -> list[LiveSession]:
        """All, as they are now."""
        return list(self._by_sid.values())


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of a hello."""

    session: LiveSession
    confirmed: list[Holding]
    revoked: list[Holding]
    replayed: int


class Sessions:
    """Sessions in PostgreSQL, as far as this gateway process holds them."""

    def __init__(self, db: Database, clock: Clock, gateway: str) -> None:
        self._db = db
        self._clock = clock
        self.gateway = gateway

    async def open(self, sid: str, tenant_id: UUID, agent_id: UUID, hello: Hello) -> Opened:
        """Takes over the agent process `hello.instance`; an older connection of it becomes stale.

        Raises AgentRevoked.
        """
        now = self._clock.now()
        async with self._db.tenant(tenant_id) as session:
            agent = await session.get(Agent, agent_id)
            if agent is None or agent.revoked_at is not None:
                raise AgentRevoked
            epoch = await session.scalar(
                _OPEN,
                {
                    "id": new_id(),
                    "tenant": tenant_id,
                    "agent": agent_id,
                    "instance": hello.instance,
                    "gateway": self.gateway,
                    "sid": sid,
                    "skills": list(hello.skills),
                    "capacity": hello.capacity,
                    "version": hello.version,
                    "now": now,
                },
            )
            assert isinstance(epoch, int)
            # What the agent says it has read, it has: an acknowledgement may have been lost on the way.
            if hello.last_seq > 0:
                await mailbox.acknowledge(session, agent_id, hello.instance, hello.last_seq, now)
            confirmed: list[Holding] = []
            revoked: list[Holding] = []
            for held in hello.holding:
                task = await session.get(Task, _uuid(held.task_id), with_for_update=True)
                mine = task is not None and task.agent_id == agent_id and task.epoch == held.epoch
                if task is not None and mine and task.state in HELD_STATES:
                    confirmed.append(held)
                    if task.instance != hello.instance:
                        await session.execute(
                            update(AgentMessage)
                            .where(AgentMessage.task_id == task.id, AgentMessage.acked_at.is_(None))
                            .values(instance=hello.instance)
                        )
                    task.instance = hello.instance
                    if task.state != "offered":
                        task.lease_until = lease_end(now)
                        await refresh_card(session, await session.get_one(TaskMapping, task.conversation_id))
                else:
                    revoked.append(held)
            if "holding" in hello.model_fields_set:
                await self._take_back_what_it_lost(session, agent_id, hello)
            replayed: Sequence[Any] = (
                await session.scalars(
                    select(AgentMessage.seq).where(
                        AgentMessage.agent_id == agent_id,
                        AgentMessage.acked_at.is_(None),
                        AgentMessage.instance == hello.instance,
                    )
                )
            ).all()
        caller = Caller(tenant_id, agent_id, hello.instance, epoch)
        return Opened(LiveSession(sid, caller), confirmed, revoked, len(replayed))

    async def _take_back_what_it_lost(self, session: AsyncSession, agent_id: UUID, hello: Hello) -> None:
        """A process that came back without its work need not be waited for until the lease ends.

        An offer stays: it may be among what is replayed.
        """
        holding = {held.task_id for held in hello.holding}
        rows = await session.execute(
            select(Task.id, Task.conversation_id)
            .where(Task.agent_id == agent_id, Task.instance == hello.instance)
            .where(Task.finished_at.is_(None), Task.state.in_(AT_WORK))
        )
        for task_id, conversation_id in rows.all():
            if str(task_id) in holding:
                continue
            # The conversation first, then the task, as everybody locks.
            conversation = await session.get_one(TaskMapping, conversation_id, with_for_update={"key_share": True})
            task = await session.get_one(Task, task_id, with_for_update=True, populate_existing=True)
            mine = (task.agent_id, task.instance) == (agent_id, hello.instance)
            if mine and task.state in AT_WORK:
                await requeue(session, task, "lease_lost", self._clock, detail="the agent came back without it")
                await session.flush()
                await refresh_card(session, conversation)

    async def close(self, left: Sequence[LiveSession]) -> None:
        """Marks sessions as gone, unless another connection has taken over. Leases keep running."""
        if not left:
            return
        callers = [one.caller for one in left]
        async with self._db.system() as session:
            await session.execute(
                _CLOSE,
                {
                    "agents": [one.agent_id for one in callers],
                    "instances": [one.instance for one in callers],
                    "epochs": [one.session_epoch for one in callers],
                    "now": self._clock.now(),
                },
            )

    async def touch(self, live: Sequence[LiveSession]) -> set[str]:
        """Says that these sockets are alive; returns those that are not the current ones any more."""
        if not live:
            return set()
        now: datetime = self._clock.now()
        async with self._db.system() as session:
            fallen = await session.execute(
                _TOUCH, {"sids": [one.sid for one in live], "gateway": self.gateway, "now": now}
            )
            return set(fallen.scalars())


def _uuid(text_id: str) -> UUID:
    try:
        return UUID(text_id)
    except ValueError:
        return UUID(int=0)
