"""Who works on what: claims on due rows, and taking over from a worker that died (I7).

A worker holds a session-level advisory lock for as long as it lives; PostgreSQL drops it the moment the
worker's connection ends, so a claim whose holder has no lock is free at once. A lease covers the rest: a worker
that lives and cannot reach the database. A worker that loses its lock and lives goes on under a new identity,
and nothing that it began under the old one may be written or sent any more.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from nexus.pipeline.claim_sql import Table, claim_sql, free_sql, reap_sql, release_sql, settle_sql
from nexus.store.database import Database

__all__ = ["Claims", "End", "LostClaim", "Table"]

LOCK_CLASS = 0x0B11
LEASE_SECONDS = 45
SEND_SECONDS = 12.0
"""What an attempt may still take once it begins to send: the vendors' clients give up after 10 s."""
UNSURE_WAIT_SECONDS = 2.0
"""A vendor may still be carrying out the request of somebody who has died: look it up only after this."""
MAX_CRASHES = 3
HOLD_SECONDS = 15.0
"""How long an event that was tried and has to wait may keep younger effects of its conversation waiting."""
TENANT_SHARE = 96
"""How many rows of one table one tenant may keep one worker busy with, however many it has."""


class LostClaim(Exception):
    """Somebody else has taken the row over, so nothing of this attempt may be written or sent."""


@dataclass(frozen=True, slots=True)
class End:
    """What becomes of a claimed row. For an event its conversation; for a delivery the id of its effect."""

    row: Any
    state: str
    reason: str | None = None
    conversation_id: UUID | None = None
    external_id: str | None = None
    late_at: str | None = None
    """ISO 8601: the mark of being late that the effect bears."""


@dataclass(frozen=True, slots=True)
class _Held:
    tenant_id: UUID
    worker: int
    attempts: int
    suspect: bool
    send_before: float


class Claims:
    """The identity of one worker, and its claims."""

    def __init__(self, db: Database, *, tenant_share: int = TENANT_SHARE) -> None:
        self._db = db
        self._tenant_share = tenant_share
        self.worker = _identity()
        self.lost: set[int] = set()
        """Identities of this process whose lock is gone; `free` what they held."""
        self._life: AsyncConnection | None = None
        self._held: dict[Table, dict[UUID, _Held]] = {"inbox": {}, "deliveries": {}}
        self._asking_for_suspects = False
        self._asks_next: Table | None = None
        """Which table's claim had to do without suspects because the other's was asking for them: it is its turn."""
        self.on_release: Callable[[Table, float], None] = lambda _table, _seconds: None
        """Told in how many seconds a released row is due again."""

    async def live(self) -> None:
        """Takes the lock that says this worker lives; call again and again, it may be lost with the connection."""
        if self._life is not None and not self._life.closed and not self._life.invalidated:
            try:
                await self._life.execute(text("SELECT 1"))
                return
            except Exception:  # noqa: S110 - whatever it is, the lock cannot be relied on
                pass
        if self._life is not None:
            # From here on no attempt under the old identity may send or write.
            self.lost.add(self.worker)
            self.worker = _identity()
        await self.die()
        life = await self._db.engine.connect()
        life = await life.execution_options(isolation_level="AUTOCOMMIT")
        held = await life.execute(
            text("SELECT pg_try_advisory_lock(:class, :worker)"), {"class": LOCK_CLASS, "worker": self.worker}
        )
        if not held.scalar_one():
            await life.close()
            self.worker = _identity()
            raise ConnectionError("another worker has this identity; trying another one")
        self._life = life

    async def die(self) -> None:
        """Gives the lock back; whatever is still claimed is free for others."""
        life, self._life = self._life, None
        if life is not None:
            await life.invalidate()
            await life.close()

    async def inbox(self, limit: int) -> list[Any]:
        """Claims due inbox rows: the first of each stream, and none of a stream that is being worked on."""
        return await self._claim("inbox", limit, ())

    async def deliveries(self, limit: int, blocked: Collection[UUID] = ()) -> list[Any]:
        """Claims due deliveries likewise, but none of a `blocked` connection; `prior` is `sending` when unsure."""
        return await self._claim("deliveries", limit, blocked)

    async def _claim(self, table: Table, limit: int, blocked: Collection[UUID]) -> list[Any]:
        worker = self.worker
        held = [*self._held["inbox"].values(), *self._held["deliveries"].values()]
        shares = Counter(each.tenant_id for each in self._held[table].values())
        may_suspect = not any(each.suspect for each in held) and self._may_ask_for_suspects(table)
        send_before = time.monotonic() + LEASE_SECONDS - SEND_SECONDS
        try:
            # A crash of the server that undoes the claim of an event does no harm: it is handled anew, and whoever
            # handled it under that claim can settle nothing. A delivery must be known as begun before it is sent.
            lasting = table == "deliveries"
            # One claimer at a time: two that look at the same instant could take two rows of one stream.
            lock = (LOCK_CLASS + 1, 1 if table == "inbox" else 2)
            async with self._db.system(lasting=lasting, planned_once=True, lock=lock) as session:
                result = await session.execute(
                    claim_sql(table),
                    {
                        "limit": limit,
                        "worker": worker,
                        "lease": LEASE_SECONDS,
                        "share": self._tenant_share,
                        "tenants": list(shares),
                        "counts": list(shares.values()),
                        "blocked": list(blocked),
                        "may_suspect": may_suspect,
                        "busy": len(held),
                    }
                    | ({"hold": HOLD_SECONDS} if table == "deliveries" else {}),
                )
                rows = list(result.all())
            for row in rows:
                self._held[table][row.id] = _Held(row.tenant_id, worker, row.attempts, row.suspect, send_before)
            return rows
        finally:
            if may_suspect:
                self._asking_for_suspects = False

    def _may_ask_for_suspects(self, table: Table) -> bool:
        """One company of suspects at a time, smaller at each crash, until it is clear with which row the worker dies.

        The claims of both tables ask at almost every moment when there is much to do, so they take turns.
        """
        if self._asking_for_suspects or self._asks_next not in (None, table):
            self._asks_next = self._asks_next or table
            return False
        self._asking_for_suspects, self._asks_next = True, None
        return True

    def check(self, table: Table, row: Any) -> None:
        """Raises LostClaim when the claim is lost or about to end: what is sent now might be sent twice."""
        held = self._held[table].get(row.id)
        if held is None or (held.worker, held.attempts) != (row.claimed_by, row.attempts):
            raise LostClaim(str(row.id))
        if held.worker != self.worker or time.monotonic() > held.send_before:
            raise LostClaim(str(row.id))

    def forget(self, table: Table, row: Any) -> None:
        """The attempt on a row is over, however it ended."""
        held = self._held[table].get(row.id)
        if held is not None and (held.worker, held.attempts) == (row.claimed_by, row.attempts):
            del self._held[table][row.id]

    async def reap(self, table: Table) -> int:
        """Frees rows whose worker is gone, and quarantines those that took three workers down.

        A row that was held among others when two workers in a row died is a suspect, and is tried in smaller and
        smaller company; only what was held alone, or as the only suspect, is held responsible for a crash.
        """
        parameters = {"max_crashes": MAX_CRASHES, "lock_class": LOCK_CLASS, "unsure_wait": UNSURE_WAIT_SECONDS}
        async with self._db.system() as session:
            rows = await session.execute(reap_sql(table), parameters)
            return len(rows.all())

    async def free(self, worker: int) -> int:
        """Gives back whatever an identity of this process still holds; nobody crashed."""
        freed = 0
        async with self._db.system() as session:
            parameters = {"worker": worker, "unsure_wait": UNSURE_WAIT_SECONDS}
            for table in ("inbox", "deliveries"):
                freed += len((await session.execute(free_sql(table), parameters)).all())
        self.lost.discard(worker)
        return freed

    async def settle(
        self,
        session: AsyncSession,
        table: Table,
        row: Any,
        *,
        state: str,
        reason: str | None = None,
        conversation_id: UUID | None = None,
    ) -> None:
        """Ends a row within the caller's transaction. Raises LostClaim, which must roll it back."""
        end = End(row, state, reason, conversation_id=conversation_id)
        if row.id not in await self.settle_all(session, table, [end]):
            raise LostClaim(str(row.id))

    async def settle_all(self, session: AsyncSession, table: Table, ends: Sequence["End"]) -> dict[UUID, str | None]:
        """Ends rows within the caller's transaction. Returns those that were still ours, with the effect's id.

        What is not among them was taken over: nothing that belongs to it may be written.
        """
        told = {
            "ids": [end.row.id for end in ends],
            "workers": [end.row.claimed_by for end in ends],
            "attempts": [end.row.attempts for end in ends],
            "states": [end.state for end in ends],
            "reasons": [end.reason for end in ends],
        }
        if table == "inbox":
            told["conversations"] = [end.conversation_id for end in ends]
        else:
            told["externals"] = [end.external_id for end in ends]
            told["lates"] = [end.late_at for end in ends]
        done = (await session.execute(settle_sql(table), told)).all()
        settled: dict[UUID, str | None] = {row.id: getattr(row, "external_id", None) for row in done}
        for end in ends:
            if end.row.id in settled:
                self.forget(table, end.row)
        return settled

    async def release(
        self,
        table: Table,
        row: Any,
        *,
        state: str,
        after_seconds: float,
        reason: str,
        counted: bool = True,
        slot_at: datetime | None = None,
    ) -> None:
        """Gives a row back for a later try; `counted` tells whether this one used up an attempt.

        `slot_at` is the turn that a delivery has taken under its vendor's limit and not used yet.
        """
        extra = {"slot_at": slot_at} if table == "deliveries" else {}
        async with self._db.system() as session:
            await session.execute(
                release_sql(table),
                {
                    "state": state,
                    "reason": reason,
                    "uncount": 0 if counted else 1,
                    "after": after_seconds,
                    **_fence(row),
                    **extra,
                },
            )
        self.forget(table, row)
        self.on_release(table, after_seconds)


def _fence(row: Any) -> dict[str, Any]:
    return {"id": row.id, "worker": row.claimed_by, "attempts": row.attempts}


def _identity() -> int:
    return random.randint(1, 2**31 - 1)  # noqa: S311 - an identity, not a secret
