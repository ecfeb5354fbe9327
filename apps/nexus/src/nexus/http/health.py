"""Is it alive, may it have traffic, and its figures."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from pydantic import BaseModel
from sqlalchemy import text

from nexus.http.parts import Health, HealthParts
from nexus.store.migrate import newest_revision, serves

router = APIRouter(tags=["health"])

CHECK_SECONDS = 2.0


class Dependency(BaseModel):
    """How one dependency is. `degraded` slows us down and does not stop us."""

    state: Literal["ok", "degraded", "down"]
    detail: str = ""


class Liveness(BaseModel):
    """Whether this process works, or why it must be restarted."""

    status: Literal["ok", "stuck"]
    reasons: list[str] = []


class Readiness(BaseModel):
    """Whether this process should have traffic, and why."""

    ready: bool
    version: str
    dependencies: dict[str, Dependency]


@router.get("/livez", responses={503: {"model": Liveness}})
async def get_liveness(parts: Health) -> JSONResponse:
    """503 when a restart of this process is the cure: a loop stands still, or it is deaf to Redis.

    Never because of a dependency that is away, which a restart would not bring back.
    """
    reasons = [complaint] if (complaint := parts.complaint()) else []
    stalled = parts.pulses.stalled()
    if stalled and (await _checked(lambda: _postgres(parts), "down")).state == "ok":
        reasons += [
            f"The loop {name} has not turned for {seconds:.0f} s although the database answers; restart this process."
            for name, seconds in stalled.items()
        ]
    body = Liveness(status="stuck" if reasons else "ok", reasons=reasons)
    return JSONResponse(body.model_dump(), 503 if reasons else 200, headers={"Cache-Control": "no-store"})


@router.get("/readyz", responses={503: {"model": Readiness}})
async def get_readiness(parts: Health) -> JSONResponse:
    """Each dependency and its state; 503 when this process should have no traffic."""
    postgres, schema, redis = await asyncio.gather(
        _checked(lambda: _postgres(parts), "down"),
        _checked(lambda: _schema(parts), "down"),
        _checked(lambda: _redis(parts), "degraded"),
    )
    draining = parts.draining()
    accepting = Dependency(state="down" if draining else "ok", detail="draining" if draining else "")
    dependencies = {"postgres": postgres, "schema": schema, "redis": redis, "accepting": accepting}
    ready = all(one.state != "down" for one in dependencies.values())
    body = Readiness(ready=ready, version=parts.version, dependencies=dependencies)
    return JSONResponse(body.model_dump(), 200 if ready else 503, headers={"Cache-Control": "no-store"})


@router.get("/metrics", response_class=Response)
async def get_metrics(request: Request, parts: Health) -> Response:
    """Figures for Prometheus. Those of the database are absent while it is away."""
    await parts.refresh()
    # Prometheus asks for it; only this format has exemplars, which lead from a figure to a trace.
    if "application/openmetrics-text" in request.headers.get("accept", ""):
        return Response(
            openmetrics.generate_latest(parts.registry),  # pyright: ignore[reportUnknownMemberType] - untyped there
            headers={"Content-Type": openmetrics.CONTENT_TYPE_LATEST},
        )
    return Response(generate_latest(parts.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _checked(check: Callable[[], Awaitable[Dependency]], otherwise: Literal["degraded", "down"]) -> Dependency:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception as error:
        # The kind of failure only: its text may hold an address or a credential.
        return Dependency(state=otherwise, detail=type(error).__name__)


async def _postgres(parts: HealthParts) -> Dependency:
    await parts.db.ping()
    return Dependency(state="ok")


async def _redis(parts: HealthParts) -> Dependency:
    await parts.redis_ping()
    return Dependency(state="ok")


async def _schema(parts: HealthParts) -> Dependency:
    async with parts.db.system() as session:
        current = await session.scalar(text("SELECT version_num FROM alembic_version"))
    if current == newest_revision():
        return Dependency(state="ok", detail=str(current))
    if serves(current):
        return Dependency(state="ok", detail=f"{current}, newer than this release")
    return Dependency(state="down", detail=f"{current or 'empty'}; run `oblivion db upgrade`")
