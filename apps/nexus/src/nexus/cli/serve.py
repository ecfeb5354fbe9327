"""`oblivion serve`: one role, until it is told to stop."""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import sys
from enum import StrEnum
from typing import Annotated

import typer
import uvicorn
import uvloop

from nexus.bootstrap import Nexus, open_nexus, start_traces
from nexus.cli.quiet import QuietServer
from nexus.gateway.server import Gateway
from nexus.http.intake import intake_protocol
from nexus.kit.logging import configure_logging, get_logger
from nexus.settings import Settings
from nexus.store.migrate import current_revision, newest_revision, serves

log = get_logger(__name__)

GRACE_SECONDS = 40
DRAIN_SPREAD_SECONDS = 3.0
MAX_MESSAGE_BYTES = 128 * 1024
KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept. Longer than any sender's or proxy's own limit (nginx, Kong and AWS ALB keep
60 s, httpx 5 s), so that it is they who close it: a request that meets our close on its way has no answer."""
_SCHEMA_POLL_SECONDS = 0.25


class Role(StrEnum):
    """What a process does."""

    gateway = "gateway"
    worker = "worker"
    all = "all"


GC_THRESHOLDS = (10_000, 20, 50)
"""How many objects must have come beyond those that went before the young ones are looked through; how often that
happens before those who survived it are, and how often that before all are: ten million, some hundred megabytes."""
WORKER_NICENESS = 5
"""Where both share the cores of one machine, a webhook is answered before effects are carried out."""


def serve(
    role: Annotated[Role, typer.Argument(help="gateway: webhooks, API and agents. worker: everything else.")],
    host: Annotated[str | None, typer.Option(help="Address to listen on (OBLIVION_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (OBLIVION_PORT).")] = None,
) -> None:
    """Runs one role of Nexus until SIGTERM; it then finishes what it has begun."""
    settings = Settings()
    updates = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update=updates)
    configure_logging(settings.log_format, level=settings.log_level, process=role.value)
    _allow_many_sockets()
    if role is Role.worker:
        os.nice(WORKER_NICENESS)
    traces = start_traces(role.value)
    try:
        uvloop.run(_serve(role, settings))
    finally:
        if traces is not None:
            traces.close()


def _allow_many_sockets() -> None:
    """A shell allows 1,024 open files by default, which would be a gateway's limit of agents."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS says "no limit" and means less
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(role: Role, settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with open_nexus(settings) as nexus:
        await _wait_for_schema(settings, stopping)
        if stopping.is_set():
            return
        await nexus.db.check_durability()
        parts: list[asyncio.Task[None]] = []
        if role in (Role.gateway, Role.all):
            parts.append(asyncio.create_task(_gateway(nexus, stopping), name="gateway"))
        if role in (Role.worker, Role.all):
            parts.append(asyncio.create_task(_worker(nexus, stopping), name="worker"))
        health = asyncio.create_task(_health(nexus, stopping)) if role is Role.worker else None
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_EXCEPTION)
        stopping.set()
        await asyncio.gather(*parts, return_exceptions=True)
        if health is not None:
            health.cancel()
            await asyncio.gather(health, return_exceptions=True)
        for part in done:
            if part.exception() is not None:
                log.error("serve.failed", part=part.get_name(), exc_info=part.exception())
                sys.exit(1)


async def _gateway(nexus: Nexus, stopping: asyncio.Event) -> None:
    await nexus.keys.ensure()
    gateway = nexus.gateway()
    config = uvicorn.Config(
        nexus.application(gateway),
        host=nexus.settings.host,
        port=nexus.settings.port,
        http=intake_protocol(),
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=None,  # Engine.IO pings by itself
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",  # below that it says of each socket that it came and went, as we do
        server_header=False,
        proxy_headers=False,  # which proxies are believed is OBLIVION_TRUSTED_PROXIES' to say
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = QuietServer(config)
    loops = [asyncio.create_task(gateway.run()), asyncio.create_task(nexus.bells.listen())]
    if nexus.settings.qdrant_url is None:
        loops.append(asyncio.create_task(nexus.indexer().run()))
    # What is there now stays: a collection that looked through all of it again would hold every request up.
    gc.collect()
    gc.freeze()
    # And what comes now are agents, who stay, too: to look through all that thousands of them hold took a second.
    gc.set_threshold(*GC_THRESHOLDS)
    serving = asyncio.create_task(server.serve())
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([serving, stop], return_when=asyncio.FIRST_COMPLETED)
    await _drain(gateway, server, serving)
    for task in (stop, *loops):
        task.cancel()
    await asyncio.gather(stop, *loops, return_exceptions=True)
    await serving


async def _drain(gateway: Gateway, server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    """Not ready any more, then agents are sent away, then the listener closes."""
    if serving.done():
        return
    spread = DRAIN_SPREAD_SECONDS if gateway.online > 1 else 0.0
    with contextlib.suppress(Exception):
        await gateway.drain(spread)
    # Agents leave by themselves; whoever has not by then is disconnected with the listener.
    deadline = asyncio.get_running_loop().time() + spread + 2.0
    while gateway.online and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.05)
    await gateway.close_all()
    server.should_exit = True


async def _worker(nexus: Nexus, stopping: asyncio.Event) -> None:
    worker = nexus.worker()
    listening = asyncio.create_task(nexus.listening().run())
    reconciling = asyncio.create_task(nexus.reconciler().run())
    indexing = [asyncio.create_task(nexus.indexer().run())] if nexus.settings.qdrant_url is not None else []
    running = asyncio.create_task(worker.run())
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([running, stop], return_when=asyncio.FIRST_COMPLETED)
    worker.stop()
    for task in (listening, reconciling, stop, *indexing):
        task.cancel()
    await asyncio.gather(listening, reconciling, stop, *indexing, return_exceptions=True)
    await running


async def _health(nexus: Nexus, stopping: asyncio.Event) -> None:
    """Answers for a role without a port of its own, until cancelled. A port that is taken does not stop the work."""
    port = nexus.settings.health_port
    if port is None:
        return
    config = uvicorn.Config(
        nexus.health_application(stopping.is_set),
        host=nexus.settings.host,
        port=port,
        http=intake_protocol(),
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
    )
    try:
        await QuietServer(config).serve()
    except SystemExit:  # uvicorn's way to say that it cannot listen
        log.exception("serve.no_health_port", port=port, reason="OBLIVION_HEALTH_PORT cannot be listened on")


async def _wait_for_schema(settings: Settings, stopping: asyncio.Event) -> None:
    """Returns once the database has the revision that this code expects, or that of a newer release."""
    told = ""
    while not stopping.is_set():
        try:
            found = await current_revision(settings.required("database_url"))
            if serves(found):
                return
            state = f"the schema is at {found or 'nothing'}, not {newest_revision()}: run `oblivion db upgrade`"
        except Exception as error:
            state = f"the database does not answer: {type(error).__name__}"
        if state != told:
            log.warning("serve.waiting", reason=state)
            told = state
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _SCHEMA_POLL_SECONDS)
