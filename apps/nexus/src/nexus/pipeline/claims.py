"""Who works on what: claims on due rows, and taking over from a worker that died (I7).

A worker holds a session-level advisory lock for as long as it lives; PostgreSQL drops it the moment the
worker's connection ends, so a claim whose holder has no lock is free at once. A lease covers the rest: a worker
that lives and cannot reach the database.
"""

import random
from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from nexus.store.database import Database

Table = Literal["inbox", "deliveries"]

LOCK_CLASS = 0x0B11
LEASE_SECONDS = 45
MAX_CRASHES = 3

_CLAIM_INBOX = """
    WITH due AS (
        SELECT i.id FROM inbox i
        WHERE i.state = 'pending' AND i.claimed_by IS NULL AND i.available_at <= clock_timestamp()
          AND NOT EXISTS (
            SELECT FROM inbox earlier WHERE earlier.stream_key = i.stream_key AND earlier.state = 'pending'
              AND (earlier.claimed_by IS NOT NULL OR (earlier.occurred_at, earlier.id) < (i.occurred_at, i.id)))
        ORDER BY i.available_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    UPDATE inbox SET claimed_by = :worker, claimed_until = clock_timestamp() + make_interval(secs => :lease),
                     attempts = inbox.attempts + 1
    FROM due WHERE inbox.id = due.id
    RETURNING inbox.id, inbox.tenant_id, inbox.connection_id, inbox.source, inbox.stream_key, inbox.occurred_at,
              inbox.content_type, inbox.body, inbox.traceparent, inbox.attempts, inbox.created_at
"""

_CLAIM_DELIVERIES = """
    WITH due AS (
        SELECT d.id, d.state AS prior FROM deliveries d
        WHERE d.state IN ('pending', 'sending') AND d.claimed_by IS NULL AND d.available_at <= clock_timestamp()
          AND NOT EXISTS (
            SELECT FROM deliveries earlier WHERE earlier.stream_key = d.stream_key
              AND earlier.state IN ('pending', 'sending')
              AND (earlier.claimed_by IS NOT NULL OR (earlier.order_key, earlier.id) < (d.order_key, d.id)))
        ORDER BY d.available_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    UPDATE deliveries SET claimed_by = :worker, claimed_until = clock_timestamp() + make_interval(secs => :lease),
                          attempts = deliveries.attempts + 1, state = 'sending',
                          attempted_at = coalesce(deliveries.attempted_at, clock_timestamp())
    FROM due WHERE deliveries.id = due.id
    RETURNING deliveries.id, deliveries.tenant_id, deliveries.connection_id, deliveries.conversation_id,
              deliveries.task_id, deliveries.message_id, deliveries.kind, deliveries.payload, deliveries.order_key,
              deliveries.stream_key, deliveries.sink, deliveries.attempts, deliveries.attempted_at,
              deliveries.created_at, deliveries.traceparent, due.prior
"""

_REAP = """
    UPDATE {table} SET
        claimed_by = NULL, claimed_until = NULL, crashes = crashes + 1,
        state = CASE WHEN crashes + 1 >= :max_crashes THEN 'dead' ELSE state END,
        reason = CASE WHEN crashes + 1 >= :max_crashes
            THEN 'quarantined: ' || (crashes + 1) || ' workers died while holding it; look at it before a replay'
            ELSE reason END,
        settled_at = CASE WHEN crashes + 1 >= :max_crashes THEN clock_timestamp() ELSE settled_at END
    WHERE claimed_by IS NOT NULL AND (
        claimed_until < clock_timestamp()
        OR NOT EXISTS (
            SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = CAST(:lock_class AS oid)
              AND objid = CAST({table}.claimed_by AS oid) AND objsubid = 2
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))
    RETURNING id
"""


class LostClaim(Exception):
    """Somebody else has taken the row over, so nothing of this attempt may be written."""


class Claims:
    """The identity of one worker, and its claims."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.worker = random.randint(1, 2**31 - 1)  # noqa: S311 - an identity, not a secret
        self._life: AsyncConnection | None = None
        self.on_release: Callable[[Table, float], None] = lambda _table, _seconds: None
        """Told in how many seconds a released row is due again."""

    async def live(self) -> None:
        """Takes the lock that says this worker lives; call again when the connection was lost."""
        if self._life is not None and not self._life.closed and not self._life.invalidated:
            try:
                await self._life.execute(text("SELECT 1"))
                return
            except Exception:
                await self.die()
        life = await self._db.engine.connect()
        life = await life.execution_options(isolation_level="AUTOCOMMIT")
        held = await life.execute(
            text("SELECT pg_try_advisory_lock(:class, :worker)"), {"class": LOCK_CLASS, "worker": self.worker}
        )
        if not held.scalar_one():
            await life.close()
            raise ConnectionError("the previous lock of this worker is still held")
        self._life = life

    async def die(self) -> None:
        """Gives the lock back; whatever is still claimed is free for others."""
        life, self._life = self._life, None
        if life is not None:
            await life.invalidate()
            await life.close()

    async def inbox(self, limit: int) -> list[Any]:
        """Claims due inbox rows: the first of each stream, and none of a stream that is being worked on."""
        return await self._claim(_CLAIM_INBOX, "inbox", limit)

    async def deliveries(self, limit: int) -> list[Any]:
        """Claims due deliveries likewise; `prior` is `sending` when it may have happened already."""
        return await self._claim(_CLAIM_DELIVERIES, "deliveries", limit)

    async def _claim(self, statement: str, table: Table, limit: int) -> list[Any]:
        async with self._db.system() as session:
            # One claimer at a time: two that look at the same instant could take two rows of one stream.
            await session.execute(
                text("SELECT pg_advisory_xact_lock(:class, :table)"),
                {"class": LOCK_CLASS + 1, "table": 1 if table == "inbox" else 2},
            )
            rows = await session.execute(
                text(statement), {"limit": limit, "worker": self.worker, "lease": LEASE_SECONDS}
            )
            return list(rows.all())

    async def reap(self, table: Table) -> int:
        """Frees rows whose worker is gone, and quarantines those that took three workers down."""
        async with self._db.system() as session:
            rows = await session.execute(
                text(_REAP.format(table=table)), {"max_crashes": MAX_CRASHES, "lock_class": LOCK_CLASS}
            )
            return len(rows.all())

    async def settle(
        self,
        session: AsyncSession,
        table: Table,
        row_id: UUID,
        *,
        state: str,
        reason: str | None = None,
        external_id: str | None = None,
        conversation_id: UUID | None = None,
    ) -> None:
        """Ends a row within the caller's transaction. Raises LostClaim, which must roll it back."""
        extra = ", external_id = :external" if table == "deliveries" else ", conversation_id = :conversation"
        done = await session.execute(
            text(
                f"UPDATE {table} SET state = :state, reason = :reason, claimed_by = NULL, claimed_until = NULL, "  # noqa: S608 - `table` is a Literal
                f"settled_at = clock_timestamp(){extra} WHERE id = :id AND claimed_by = :worker RETURNING id"
            ),
            {"state": state, "reason": reason, "id": row_id, "worker": self.worker}
            | ({"external": external_id} if table == "deliveries" else {"conversation": conversation_id}),
        )
        if done.first() is None:
            raise LostClaim(str(row_id))

    async def release(
        self,
        table: Table,
        row_id: UUID,
        *,
        state: str,
        after_seconds: float,
        reason: str,
        counted: bool = True,
    ) -> None:
        """Gives a row back for a later try; `counted` tells whether this one used up an attempt."""
        async with self._db.system() as session:
            await session.execute(
                text(
                    f"UPDATE {table} SET state = :state, reason = :reason, claimed_by = NULL, claimed_until = NULL, "  # noqa: S608 - `table` is a Literal
                    "attempts = attempts - :uncount, "
                    "available_at = clock_timestamp() + make_interval(secs => :after) "
                    "WHERE id = :id AND claimed_by = :worker"
                ),
                {
                    "state": state,
                    "reason": reason,
                    "uncount": 0 if counted else 1,
                    "after": after_seconds,
                    "id": row_id,
                    "worker": self.worker,
                },
            )
        self.on_release(table, after_seconds)
