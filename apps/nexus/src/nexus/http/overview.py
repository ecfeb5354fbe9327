"""Is everything all right? One page of it."""

import asyncio
import time
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select, text

from nexus.feed.figures import read_figures, read_unanswered
from nexus.feed.roster import read_presence
from nexus.http.access import CanReadAdmin
from nexus.http.overview_rows import read_first_run, read_history
from nexus.http.parts import HttpParts, Parts
from nexus.pipeline.health import checks_of, state_of
from nexus.store.tables import Connection
from oblivion_protocol.overview import (
    AgentsNow,
    Dead,
    Dependency,
    Health,
    Overview,
    Unanswered,
    VendorHealth,
    Waiting,
)

router = APIRouter(prefix="/v1/overview", tags=["overview"])

REDIS_SECONDS = 1.0
_SLOW_MILLISECONDS = 250
_HEALTH: dict[str, Health] = {"ok": "ok", "degraded": "degraded", "broken": "down"}


@router.get("")
async def get_overview(
    principal: CanReadAdmin,
    parts: Parts,
    minutes: Annotated[int, Query(ge=5, le=10080, description="Length of the window that is counted")] = 60,
) -> Overview:
    """Everything that tells whether all is well, and what is not."""
    redis = asyncio.create_task(_redis(parts))
    async with parts.db.tenant(principal.tenant_id) as session:
        began = time.perf_counter()
        now: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
        took_ms = (time.perf_counter() - began) * 1000
        figures = await read_figures(session, now)
        unanswered = await read_unanswered(session, now, parts.labels)
        agents = await read_presence(session, now)
        history = await read_history(session, now, minutes)
        connections = await session.scalars(select(Connection).order_by(Connection.created_at, Connection.id))
        vendors = [_vendor(row) for row in connections]
        first_run = await read_first_run(session, agent_online=any(agent.online for agent in agents))

    def seconds_since(at: datetime | None) -> float | None:
        return None if at is None else max(0.0, round((now - at).total_seconds(), 3))

    return Overview(
        generated_at=now,
        unanswered=Unanswered(
            count=figures.unanswered, oldest_seconds=seconds_since(figures.unanswered_since), items=unanswered
        ),
        waiting=Waiting(
            tasks=figures.waiting_tasks,
            events=figures.waiting_events,
            deliveries=figures.waiting_deliveries,
            oldest_seconds=seconds_since(figures.waiting_since),
        ),
        dead=Dead(count=figures.dead),
        agents=AgentsNow(
            online=sum(agent.online for agent in agents),
            total=len(agents),
            muted=sum(agent.muted for agent in agents),
            busy=sum(agent.load > 0 for agent in agents),
            capacity=sum(agent.capacity for agent in agents),
        ),
        error_rate=history.error_rate,
        throughput=history.throughput,
        series=history.series,
        p95_ms=history.p95_ms,
        vendors=vendors,
        postgres=Dependency(
            state="ok" if took_ms < _SLOW_MILLISECONDS else "degraded", detail=f"Answers in {took_ms:.0f} ms."
        ),
        redis=await redis,
        first_run=first_run,
    )


def _vendor(row: Connection) -> VendorHealth:
    return VendorHealth(
        connection_id=str(row.id),
        vendor=row.vendor,
        name=row.name,
        state=_HEALTH[state_of(row)],
        checks=checks_of(row),
        checked_at=row.checked_at,
    )


async def _redis(parts: HttpParts) -> Dependency:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(REDIS_SECONDS):
            await parts.health.redis_ping()
    except Exception as error:
        # The kind of failure only: its text may hold an address or a credential.
        return Dependency(
            state="down",
            detail=f"Does not answer ({type(error).__name__}). Nothing is lost: work is found each second without it.",
        )
    if complaint := parts.health.complaint():
        return Dependency(state="degraded", detail=complaint)
    return Dependency(state="ok", detail=f"Answers in {(time.perf_counter() - began) * 1000:.0f} ms.")
