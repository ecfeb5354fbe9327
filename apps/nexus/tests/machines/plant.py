"""Workers and a gateway as processes that can be stopped anywhere, around one database and one vendor."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import datetime
from itertools import count
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest
from machines.crashing import Killed, Process, gone
from machines.vendor import Vendor, VendorIntegration, echo_of
from pipeline.fakes import HOOK, NOON, Place, place_on, webhook

from nexus.http.replay import replay
from nexus.kit.clock import SystemClock
from nexus.kit.ids import new_id
from nexus.kit.pulse import Pulses
from nexus.pipeline.claims import Claims, Table
from nexus.pipeline.connections import Connections
from nexus.pipeline.delivery import Deliverer
from nexus.pipeline.inbox import Inbox
from nexus.pipeline.items import Items
from nexus.pipeline.mirror import Mirror
from nexus.pipeline.ports import Integration
from nexus.pipeline.routing import Router
from nexus.pipeline.sync import Sync
from nexus.store.database import Database, is_unavailable
from nexus.store.tables import Agent, AgentAlias, Base
from nexus.tasks.desk import TaskDesk
from nexus.tasks.dispatch import Dispatcher
from nexus.worker import WorkerProcess

DEEP = os.environ.get("OBLIVION_HYPOTHESIS") == "deep"
"""Every path and long machines; else one path of each kind and short ones."""

MOMENT_SECONDS = 10.0
"""Longer than anybody waits before a look-up, shorter than a lease."""
LONG_SECONDS = 60.0
"""Longer than a lease."""
FOR_EVER_SECONDS = 3600.0
"""A wait that ends when a test says so."""
MAX_ROUNDS = 80
AWAITS_AFTER_SEND = 25
CREATING = ("card", "reply", "comment")


class NoBells:
    """Nobody hears them: the machines claim when they want to."""

    def on(self, topic: str, wake: Any) -> None:
        """Nobody rings."""

    def ring(self, topic: str) -> None:
        """Nobody hears."""

    def ring_inbox(self, inbox_ids: Sequence[UUID]) -> None:
        """Nobody hears."""


class Worker:
    """The real worker, one sweep or one round of claims at a time."""

    def __init__(self, plant: "Plant") -> None:
        self.plant = plant
        self.process = Process("worker")
        self.db = self.process.database(plant.url)
        clock, desk = SystemClock(), TaskDesk(SystemClock())
        integrations = {"faketool": cast("Integration", VendorIntegration(plant.vendor))}
        connections = Connections(self.db, plant.place.sealer, integrations)
        self.claims = Claims(self.db)
        self.process.last_rites.append(self.claims.die)
        router = Router(
            self.db,
            connections,
            Items(desk),
            Mirror(connections, desk, clock),
            Sync(connections, desk, clock),
            self.claims,
            clock,
        )
        deliverer = Deliverer(self.db, connections, self.claims)
        self.loops = WorkerProcess(
            self.db, self.claims, router, deliverer, Dispatcher(self.db, clock), cast("Any", NoBells()), Pulses()
        )
        self.loops.stop()  # it works when the test says so, and rests nowhere

    async def begin(self) -> None:
        """Takes the lock and opens the connections that a worker has open."""
        await self.process.run(self._begin())

    async def work(self, table: Table, limit: int = 8) -> None:
        """Claims what is due and works on it. Raises Killed."""
        await self.process.run(self._bearing_outages(self._work(table, limit)))

    async def sweep(self) -> None:
        """What the worker does each second besides. Raises Killed."""
        await self.process.run(self._bearing_outages(self._sweep()))

    async def _begin(self) -> None:
        await self.claims.live()
        await self.db.ping()

    async def _bearing_outages(self, steps: Coroutine[Any, Any, None]) -> None:
        try:
            await steps
        except Exception as error:
            if not is_unavailable(error):
                raise

    async def _work(self, table: Table, limit: int) -> None:
        claims = self.claims
        rows = await (claims.inbox(limit) if table == "inbox" else self.loops._claim_deliveries(limit))
        self.plant.claimed.update(row.id for row in rows)
        for row in rows:
            work = self.loops._handle if table == "inbox" else self.loops._deliver
            task = asyncio.create_task(self.loops._work(table, row, work))
            self.loops._working[task] = row.claimed_by
            task.add_done_callback(lambda done: self.loops._working.pop(done, None))

    async def _sweep(self) -> None:
        await self.claims.live()
        for lost in tuple(self.claims.lost):
            await self.loops._give_back(lost)
        for table in ("inbox", "deliveries"):
            await self.claims.reap(table)


class Gateway:
    """The real way in."""

    def __init__(self, plant: "Plant") -> None:
        self.process = Process("gateway")
        self.db = self.process.database(plant.url)
        integrations = {"faketool": cast("Integration", VendorIntegration(plant.vendor))}
        connections = Connections(self.db, plant.place.sealer, integrations)
        self.inbox = Inbox(self.db, connections, NoBells(), SystemClock())


class Plant:
    """Everything that one example has; `reset` makes it new."""

    def __init__(self, url: str, db: Database, observer: "asyncpg.Connection[Any]") -> None:
        self.url = url
        self.db = db
        self.observer = observer
        self.seconds = 0.0
        self.processes: list[Process] = []
        self.awaits_before = 0
        self.vendor = Vendor()
        self.place: Place
        self.workers: list[Worker] = []
        self.claimed: Counter[UUID] = Counter()
        self.ever_dead: set[UUID] = set()
        self.keys = count(1)
        self.notes: list[str] = []

    def hold_time(self, patch: pytest.MonkeyPatch) -> None:
        """Waits end when `time_passes` is called, and not by themselves."""
        clock = SimpleNamespace(monotonic=lambda: self.seconds)
        patch.setattr("nexus.pipeline.claims.time", clock)
        patch.setattr("nexus.pipeline.delivery.time", clock)
        patch.setattr("nexus.pipeline.claims.UNSURE_WAIT_SECONDS", FOR_EVER_SECONDS)
        for user in ("nexus.pipeline.delivery", "nexus.worker"):
            patch.setattr(f"{user}.full_jitter_seconds", lambda *_, **__: FOR_EVER_SECONDS)

    async def reset(self, workers: int = 2) -> None:
        """An empty database, a new vendor, a tenant with a squad, and workers that live."""
        await self.end()
        tables = [table.name for table in reversed(Base.metadata.sorted_tables)]
        await self.observer.execute(
            "; ".join(f"DELETE FROM {name}" for name in (*tables, "violations", "moves", "claimants"))
        )
        self.vendor = Vendor()
        self.place = place_on(self.db)
        await self.place.prepare()
        async with self.db.tenant(self.place.tenant_id) as session:
            agent = Agent(id=new_id(), tenant_id=self.place.tenant_id, name="Fixer", skills=["fix_bug"])
            session.add(agent)
            await session.flush()
            session.add(AgentAlias(id=new_id(), tenant_id=agent.tenant_id, alias="AI_Squad", agent_id=agent.id))
        self.workers = [await self.another_worker() for _ in range(workers)]
        self.claimed.clear()
        self.ever_dead.clear()

    async def another_worker(self) -> Worker:
        """A worker that lives."""
        worker = Worker(self)
        worker.process.time = lambda: self.vendor.now
        self.processes.append(worker.process)
        await worker.begin()
        return worker

    def another_gateway(self) -> Gateway:
        """A gateway."""
        gateway = Gateway(self)
        self.processes.append(gateway.process)
        return gateway

    @property
    def awaits(self) -> int:
        """How many awaits the processes of this test have executed."""
        return self.awaits_before + sum(process.in_all for process in self.processes)

    async def end(self) -> None:
        """Puts every process to rest."""
        self.awaits_before = self.awaits
        for process in self.processes:
            await process.end()
        self.processes.clear()

    async def buried(self, process: Process) -> None:
        """Waits until the server knows that a process is dead."""
        await gone(self.observer, process)

    async def survive_together(self, workers: Sequence[Worker], table: Table) -> None:
        """Several workers claim and work at the same time."""
        await asyncio.gather(*(self.survive(worker, worker.work(table)) for worker in workers))

    async def survive(self, worker: Worker, work: Any) -> bool:
        """Awaits what a worker does; when that kills it, another one takes its place. Whether it was killed."""
        try:
            await work
        except Killed:
            await self.buried(worker.process)
            if worker in self.workers:
                self.workers[self.workers.index(worker)] = await self.another_worker()
            return True
        finally:
            worker.process.arm()
            self.vendor.on_send = None
        return False

    def doomed(self, process: Process, at: int, *, from_send: bool) -> None:
        """Kills a process at an await, counted from now or from its next request to the vendor."""
        if from_send:
            self.vendor.on_send = lambda: process.arm(die_at=1 + at % AWAITS_AFTER_SEND)
        else:
            process.arm(die_at=at)

    async def overtaken(self, index: int, table: Table, *, dies: bool, at: int, long: bool) -> bool:
        """A worker stops in the middle of its work, another one takes over at once and again later, and if the
        first was only frozen, by losing its lock or for longer than its lease, it goes on as if nothing had happened.

        Whether it stopped at all.
        """
        first, second = self.workers[index], self.workers[1 - index]
        if second.process.frozen is not None:
            await self.survive(second, second.process.thaw())
        stopped = False
        if first.process.frozen is None:
            if dies:
                self.doomed(first.process, at, from_send=long)
            else:
                first.process.arm(freeze_at=at)
            stopped = await self.survive(first, first.work(table, 1))
        stopped = stopped or first.process.frozen is not None
        if not dies and long:
            await self.time_passes(LONG_SECONDS)
        elif not dies:
            await self.lose_lock(first)
        await second.sweep()
        await second.work(table)
        if at % 2 and first.process.frozen is not None:
            await self.survive(first, first.process.thaw())
        await self.time_passes()
        await second.work(table)
        if first.process.frozen is not None:
            await self.survive(first, first.process.thaw())
        return stopped

    async def time_passes(self, seconds: float = MOMENT_SECONDS) -> None:
        """Everything that waits is due; what the vendor was about to do is done."""
        self.vendor.land(late=False)
        self.vendor.now += 1
        self.seconds += seconds
        await self.observer.execute(
            "; ".join(
                f"UPDATE {table} SET available_at = clock_timestamp() WHERE claimed_by IS NULL AND state IN {states}; "
                f"UPDATE {table} SET claimed_until = claimed_until - interval '{seconds} s' "
                "WHERE claimed_by IS NOT NULL"
                for table, states in (("inbox", "('pending')"), ("deliveries", "('pending', 'sending')"))
            )
            + f"; UPDATE paces SET next_at = next_at - interval '{seconds} s'"
        )

    async def happens(self, told: dict[str, Any], *, at: datetime = NOON, stream: str = "s", key: str = "") -> None:
        """An event comes in, by the front door."""
        gateway = self.place.inbox
        body = json.dumps(told).encode()
        await gateway.receive(
            "faketool", webhook(key or f"key-{next(self.keys)}", body, stream=stream, at=at, key=HOOK)
        )

    async def echo(self, index: int = 0, *, again: bool = False) -> None:
        """The vendor tells of one of our effects."""
        waiting = [each for each in self.vendor.effects if again or not each.echoed]
        if waiting:
            effect = waiting[index % len(waiting)]
            effect.echoed = True
            await self.happens(echo_of(effect), stream=f"echo:{effect.external_id}")

    async def lose_lock(self, worker: Worker) -> None:
        """The connection that holds the lock of a worker ends; the worker does not know yet."""
        await self.observer.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
            "AND classid = $1 AND objid = $2 AND granted",
            0x0B11,
            worker.claims.worker,
        )

    async def replay_dead(self) -> None:
        """Somebody has every dead letter tried again."""
        ids = [row["id"] for row in await self.observer.fetch(
            "SELECT id FROM deliveries WHERE state = 'dead' UNION ALL SELECT id FROM inbox WHERE state = 'dead'"
        )]  # fmt: skip
        self.ever_dead.update(ids)
        async with self.db.tenant(self.place.tenant_id) as session:
            await replay(session, ids, SystemClock().now())

    async def settle_down(self, *, echoes: bool = True) -> None:
        """No more faults: everything that is under way comes to its end, by the hands of one worker.

        Without `echoes` the vendor keeps silent, so that everything must be right without them.
        """
        self.vendor.faults.clear()
        self.vendor.find_faults.clear()
        self.vendor.fetch_faults = 0
        for worker in self.workers:
            worker.process.arm()
            while worker.process.frozen is not None:
                await worker.process.thaw()
        heir = self.workers[0]
        for _ in range(MAX_ROUNDS):
            if await self._quiet(echoes=False, landed=False):
                self.vendor.land(late=True)  # when nobody looks for it any more
            while echoes and any(not each.echoed for each in self.vendor.effects):
                await self.echo()
            for worker in self.workers:
                await worker.sweep()
            await self.time_passes()
            await heir.work("inbox")
            await heir.work("deliveries")
            if await self._quiet(echoes=echoes, landed=True):
                return
        rows = await self.observer.fetch("SELECT kind, state, reason, claimed_by, attempts FROM deliveries")
        raise AssertionError(f"never quiet: {[tuple(row) for row in rows if row['state'] in ('pending', 'sending')]}")

    async def _quiet(self, *, echoes: bool, landed: bool) -> bool:
        left = await self.observer.fetchval(
            "SELECT (SELECT count(*) FROM inbox WHERE state = 'pending') + "
            "(SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending'))"
        )
        told = not echoes or all(each.echoed for each in self.vendor.effects)
        return left == 0 and told and not (landed and self.vendor.under_way)

    async def check_always(self) -> None:
        """What must hold at every instant."""
        violations = await self.observer.fetch(
            "SELECT what, about FROM violations UNION ALL "
            "SELECT 'two claims in one stream', stream_key FROM deliveries WHERE claimed_by IS NOT NULL "
            "GROUP BY stream_key HAVING count(*) > 1 UNION ALL "
            "SELECT 'two claims in one stream', stream_key FROM inbox WHERE claimed_by IS NOT NULL "
            "GROUP BY stream_key HAVING count(*) > 1"
        )
        assert not violations, [tuple(each) for each in violations]
        standing = Counter(each.delivery_id for each in self.vendor.effects if not each.removed and not each.late)
        doubled = [delivery for delivery, number in standing.items() if number > 1]
        assert not doubled, f"doubled, and not because of an effect that came late: {doubled}"

    async def check_quiet(self) -> None:
        """What must hold once nothing is under way."""
        await self.check_always()
        rows = await self.observer.fetch("SELECT * FROM deliveries ORDER BY created_at, id")
        self.ever_dead.update(row["id"] for row in rows if row["state"] == "dead")
        for row in rows:
            about = (row["kind"], row["effect_key"], row["state"], row["reason"])
            assert row["state"] in ("done", "superseded", "dead"), about
            assert row["claimed_by"] is None, about
            if row["kind"] not in CREATING:
                continue
            standing = self.vendor.of(row["id"])
            assert len(standing) <= 1, f"doubled for good: {about} {standing}"
            if row["state"] == "done":
                assert [each.external_id for each in standing] == [row["external_id"]], f"lost: {about} {standing}"
        wrong = await self.observer.fetch(
            "SELECT d.kind, d.external_id, c.root_ts, m.twin_id FROM deliveries d "
            "JOIN task_mappings c ON c.id = d.conversation_id LEFT JOIN messages m ON m.id = d.message_id "
            "WHERE d.state = 'done' AND (d.kind = 'card' AND d.external_id IS DISTINCT FROM c.root_ts "
            "OR d.kind IN ('reply', 'comment') AND m.id IS NOT NULL AND d.external_id IS DISTINCT FROM m.twin_id)"
        )
        assert not wrong, f"what we know is not what stands there: {[tuple(each) for each in wrong]}"
        self._check_order(rows)

    def _check_order(self, rows: Sequence[Any]) -> None:
        by_id = {row["id"]: row for row in rows}
        last: dict[tuple[UUID, str], Any] = {}
        for effect in sorted(self.vendor.effects, key=lambda each: each.position):
            row = by_id[effect.delivery_id]
            if effect.removed or row["id"] in self.ever_dead:
                continue
            key = (row["conversation_id"], row["sink"] + ("c" if row["kind"] == "comment" else ""))
            before = last.get(key)
            if before is not None and row["order_key"] < before["order_key"]:
                marked = getattr(effect.intent, "late_at", None) is not None
                assert marked or row["kind"] != "reply", (
                    f"{row['effect_key']} stands after {before['effect_key']}, which is younger, and does not say so"
                )
                assert row["created_at"] > before["attempted_at"], "it was owed before the younger one left"
                continue
            last[key] = row
