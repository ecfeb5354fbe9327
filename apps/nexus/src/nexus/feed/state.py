"""What PostgreSQL holds at this moment, all tenants together: what metrics show and what is scaled by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.feed.figures import read_figures
from nexus.feed.roster import ONLINE, ONLINE_WITHIN
from nexus.pipeline.claim_sql import LIVE_WORKERS
from nexus.pipeline.claims import LOCK_CLASS
from oblivion_protocol import TERMINAL_STATES, TaskState

OPEN_STATES: tuple[TaskState, ...] = tuple(one for one in get_args(TaskState) if one not in TERMINAL_STATES)
"""States of a task that is not over. How many are in the others would cost a look at every task there ever was."""

_BEGIN = text("SELECT clock_timestamp() AS now, set_config('statement_timeout', :milliseconds, true)")
_TASKS = text("SELECT state, count(*) AS tasks FROM tasks WHERE finished_at IS NULL GROUP BY state")
_PRESENT = text(f"""
    SELECT (SELECT count(DISTINCT s.agent_id) FROM agent_sessions s JOIN agents a ON a.id = s.agent_id
            WHERE a.revoked_at IS NULL AND {ONLINE}) AS online,
           (SELECT count(*) FROM agents WHERE muted_at IS NOT NULL AND revoked_at IS NULL) AS muted,
           (SELECT count(*) {LIVE_WORKERS}) AS workers
""")  # noqa: S608 - constants; every value is bound


@dataclass(frozen=True, slots=True)
class State:
    """All tenants together; ages in seconds, 0 where nothing waits."""

    inbox_pending: int
    inbox_oldest_seconds: float
    deliveries_pending: int
    deliveries_oldest_seconds: float
    dead_letters: int
    unanswered: int
    tasks: Mapping[TaskState, int]
    """Every one of `OPEN_STATES`."""
    agents_online: int
    agents_muted: int
    workers: int


async def read_state(session: AsyncSession, timeout_seconds: float) -> State:
    """In a session of the system. No statement runs for longer than the limit, whoever waits for it still.

    Costs what is open and dead, not what is done: every count has a partial index.
    """
    began = await session.execute(_BEGIN, {"milliseconds": str(round(timeout_seconds * 1000))})
    now: datetime = began.one().now
    figures = await read_figures(session, now)
    tasks = {row.state: row.tasks for row in await session.execute(_TASKS)}
    about = {"since": now - ONLINE_WITHIN, "lock_class": LOCK_CLASS}
    present = (await session.execute(_PRESENT, about)).one()

    def age_seconds(since: datetime | None) -> float:
        return 0.0 if since is None else max(0.0, (now - since).total_seconds())

    return State(
        inbox_pending=figures.waiting_events,
        inbox_oldest_seconds=age_seconds(figures.events_since),
        deliveries_pending=figures.waiting_deliveries,
        deliveries_oldest_seconds=age_seconds(figures.deliveries_since),
        dead_letters=figures.dead,
        unanswered=figures.unanswered,
        tasks={state: tasks.get(state, 0) for state in OPEN_STATES},
        agents_online=present.online,
        agents_muted=present.muted,
        workers=present.workers,
    )
