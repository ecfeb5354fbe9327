"""The worker: claims what is due, carries it out, settles it; sweeps each second for what no ring announced."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from nexus.doorbell import Bells
from nexus.kit.logging import get_logger
from nexus.kit.pulse import Pulses
from nexus.kit.retry import full_jitter_seconds
from nexus.pipeline.circuit import asking
from nexus.pipeline.claims import Claims, LostClaim, Table
from nexus.pipeline.delivery import MAX_ATTEMPTS, Deliverer
from nexus.pipeline.errors import Deferred, Rejected, Retryable
from nexus.pipeline.meter import UNMETERED, Meter
from nexus.pipeline.routing import Router
from nexus.pipeline.steps import step
from nexus.store.database import Database, is_unavailable
from nexus.tasks.dispatch import Dispatcher

log = get_logger(__name__)

SWEEP_SECONDS = 1.0
CONCURRENCY = 128
FIRST_CLAIM = 4
"""With how many rows at once a worker begins; one more for each that it has finished. One that dies again and again
takes few down with it, and what it can do in a short life gets done."""
DRAIN_SECONDS = 30.0
GIVE_BACK_SECONDS = 5.0
_OUTAGE_PAUSE_SECONDS = 0.5
MAX_DEFERRED_SECONDS = 600.0
"""An event that waits for something for longer than this is dead: what it waits for is not going to happen."""
MAX_AWAY_SECONDS = 24 * 3600.0
"""The same for an event that waits for a vendor that is away."""


class Wake:
    """An event that loops wait for, with the sweep's period as its bound."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Ends the wait."""
        self._event.set()

    async def wait(self, seconds: float = SWEEP_SECONDS) -> None:
        """Returns at the next ring, or after the period."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        self._event.clear()


class WorkerProcess:
    """Runs the loops of one worker until it is told to stop."""

    def __init__(
        self,
        db: Database,
        claims: Claims,
        router: Router,
        deliverer: Deliverer,
        dispatcher: Dispatcher,
        bells: Bells,
        pulses: Pulses,
        meter: Meter = UNMETERED,
    ) -> None:
        self._db = db
        self._claims = claims
        self._router = router
        self._deliverer = deliverer
        self._dispatcher = dispatcher
        self._bells = bells
        self._pulses = pulses
        self._meter = meter
        self._stopping = asyncio.Event()
        self._working: dict[asyncio.Task[None], int] = {}
        """What is being worked on, each under the identity that claimed it."""
        self._wakes = {topic: Wake() for topic in ("inbox", "deliveries", "dispatch")}
        for topic, wake in self._wakes.items():
            bells.on(topic, wake.set)
        claims.on_release = self._wake_later

    async def run(self) -> None:
        """Works until `stop` is called and what was claimed is settled."""
        await self._until_it_works("worker.lock", self._claims.live)
        log.info("worker.started", worker=self._claims.worker)
        listeners = [asyncio.create_task(self._bells.listen()), asyncio.create_task(self._bells.consume())]
        loops = [
            self._claim_loop("inbox", self._claims.inbox, self._handle),
            self._claim_loop("deliveries", self._claim_deliveries, self._deliver),
            self._dispatch_loop(),
            self._reap_loop(),
        ]
        try:
            await asyncio.gather(*loops)
            if self._working:
                await asyncio.wait(self._working, timeout=DRAIN_SECONDS)
        finally:
            for listener in listeners:
                listener.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)
            unfinished = len(self._working)
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._give_back(self._claims.worker), GIVE_BACK_SECONDS)
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._claims.die(), GIVE_BACK_SECONDS)
        log.info("worker.stopped", unfinished=unfinished)

    def stop(self) -> None:
        """Claims nothing new; `run` returns once what is claimed is settled."""
        self._stopping.set()
        for wake in self._wakes.values():
            wake.set()

    def _wake_later(self, table: Table, after_seconds: float) -> None:
        asyncio.get_running_loop().call_later(after_seconds, self._wakes[table].set)

    async def _claim_loop(
        self,
        table: Table,
        claim: Callable[[int], Awaitable[list[Any]]],
        work: Callable[[Any], Coroutine[Any, Any, None]],
    ) -> None:
        wake = self._wakes[table]
        free = trusted = FIRST_CLAIM

        def done(task: asyncio.Task[None]) -> None:
            nonlocal free, trusted
            grown = min(trusted + 1, CONCURRENCY)
            free += 1 + grown - trusted
            trusted = grown
            self._working.pop(task, None)
            wake.set()  # the next of the same stream may be due now

        with self._pulses.loop(f"worker.{table}") as turn:
            while not self._stopping.is_set():
                turn()
                rows: list[Any] = []
                wanted = free
                if wanted > 0:
                    try:
                        rows = await claim(wanted)
                    except Exception as error:
                        await self._outage(f"{table}.claim", error)
                for row in rows:
                    free -= 1
                    task = asyncio.create_task(self._work(table, row, work))
                    self._working[task] = row.claimed_by
                    task.add_done_callback(done)
                if len(rows) < wanted or free <= 0:
                    await wake.wait()  # nothing more was due; whatever is from now on is rung for

    async def _claim_deliveries(self, limit: int) -> list[Any]:
        return await self._claims.deliveries(limit, self._deliverer.blocked())

    async def _work(self, table: Table, row: Any, work: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        try:
            await work(row)
        finally:
            self._claims.forget(table, row)

    async def _give_back(self, worker: int) -> None:
        """Ends what was begun under an identity and gives back what is still claimed under it."""
        tasks = [task for task, identity in self._working.items() if identity == worker]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        freed = await self._claims.free(worker)
        if freed:
            log.warning("claims.given_back", rows=freed)

    async def _handle(self, row: Any) -> None:
        try:
            with step(
                "process inbox",
                "consumer",
                row.traceparent,
                tenant_id=row.tenant_id,
                inbox_id=row.id,
                source=row.source,
                attempt=row.attempts,
            ) as timed:
                state = await self._handle_or_release(row)
                timed.note(outcome=state)
            if state == "done":
                self._ring("deliveries", "dispatch", "agents")
        except LostClaim:
            log.warning("inbox.claim_lost", inbox_id=str(row.id))
        except Exception as error:
            await self._outage("inbox.settle", error)

    async def _handle_or_release(self, row: Any) -> str:
        asking.set(str(row.id))
        try:
            return await self._router.handle(row)
        except LostClaim:
            raise
        except Rejected as error:
            return await self._bury(row, error.reason)
        except Deferred as error:
            bound_seconds = MAX_AWAY_SECONDS if error.whole_connection else MAX_DEFERRED_SECONDS
            if (self._router.clock.now() - row.created_at).total_seconds() > bound_seconds:
                return await self._bury(row, f"waited too long: {error.reason}")
            await self._claims.release(
                "inbox", row, state="pending", after_seconds=error.after_seconds, reason=error.reason, counted=False
            )
        except Retryable as error:
            return await self._retry(row, error.reason, error.after_seconds)
        except Exception as error:
            if is_unavailable(error):
                return await self._retry(row, "the database was away", None)
            log.exception("inbox.failed", inbox_id=str(row.id), source=row.source)
            return await self._retry(row, f"{type(error).__name__} while handling it; see the log", None)
        return "retry"

    async def _retry(self, row: Any, reason: str, after_seconds: float | None) -> str:
        if row.attempts >= MAX_ATTEMPTS:
            return await self._bury(row, f"gave up after {row.attempts} tries: {reason}")
        wait = after_seconds if after_seconds is not None else full_jitter_seconds(row.attempts, base_seconds=0.5)
        await self._claims.release("inbox", row, state="pending", after_seconds=wait, reason=reason)
        return "retry"

    async def _bury(self, row: Any, reason: str) -> str:
        async with self._db.tenant(row.tenant_id) as session:
            await self._claims.settle(session, "inbox", row, state="dead", reason=reason)
        log.error("inbox.dead", inbox_id=str(row.id), source=row.source, reason=reason)
        return "dead"

    async def _deliver(self, row: Any) -> None:
        try:
            with step(
                f"send {row.sink}",
                "producer",
                row.traceparent,
                tenant_id=row.tenant_id,
                delivery_id=row.id,
                task_id=row.task_id,
                sink=row.sink,
                kind=row.kind,
                attempt=row.attempts,
            ) as timed:
                outcome = await self._deliverer.deliver(row)
                timed.note(outcome=outcome)
                # Inside, so that the figure and the line say of which trace they are a part.
                self._meter.delivered(row.sink, row.kind, outcome, row.created_at)
                log.info(
                    "delivery." + outcome, sink=row.sink, kind=row.kind, delivery_id=str(row.id), attempt=row.attempts
                )
        except LostClaim:
            log.warning("delivery.claim_lost", delivery_id=str(row.id))
        except Exception as error:
            await self._outage("deliveries.settle", error)

    async def _dispatch_loop(self) -> None:
        wake = self._wakes["dispatch"]
        with self._pulses.loop("worker.dispatch") as turn:
            while not self._stopping.is_set():
                turn()
                try:
                    if await self._dispatcher.offer_due():
                        self._ring("agents", "deliveries")
                    if await self._dispatcher.tend():
                        self._ring("agents", "deliveries")
                except Exception as error:
                    await self._outage("dispatch", error)
                await wake.wait()

    def _ring(self, *topics: str) -> None:
        """Rings for all workers, and wakes this one at once: most of what it has caused it can do itself."""
        for topic in topics:
            if topic in self._wakes:
                self._wakes[topic].set()
            self._bells.ring(topic)

    async def _reap_loop(self) -> None:
        with self._pulses.loop("worker.reap") as turn:
            while not self._stopping.is_set():
                turn()
                try:
                    await self._claims.live()
                    for lost in tuple(self._claims.lost):
                        log.warning("worker.lock_lost", worker=lost, now=self._claims.worker)
                        await self._give_back(lost)
                    for table in ("inbox", "deliveries"):
                        freed = await self._claims.reap(table)
                        if freed:
                            log.warning("claims.freed", table=table, rows=freed)
                            self._wakes[table].set()
                except Exception as error:
                    await self._outage("reap", error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), SWEEP_SECONDS)

    async def _until_it_works(self, what: str, call: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            try:
                await call()
                return
            except Exception as error:
                await self._outage(what, error)

    async def _outage(self, what: str, error: Exception) -> None:
        """The one place that catches everything: says so, and gives the database a moment."""
        if is_unavailable(error):
            log.warning("database.away", during=what, error=error)
        else:
            log.error("worker.failed", during=what, exc_info=error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), _OUTAGE_PAUSE_SECONDS)
