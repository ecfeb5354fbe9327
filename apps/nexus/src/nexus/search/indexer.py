"""Takes changes into the index, in the background; whatever goes wrong here, nothing else notices."""

import asyncio
import random
import time
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.logging import get_logger
from nexus.kit.retry import full_jitter_seconds
from nexus.search import changes
from nexus.search.embed import Embedder
from nexus.search.errors import EmbeddingRefused
from nexus.search.lexical import encode_document
from nexus.search.memory import Memory
from nexus.search.rows import Passage, read_passages
from nexus.search.store import Kind, Point
from nexus.store.database import Database
from nexus.store.tables import SearchChange

log = get_logger(__name__)

LOOK_SECONDS = 0.5
MAX_BATCH = 16
"""Rows in one transaction, whose connection is kept while their vectors are made."""
_KINDS: tuple[Kind, ...] = ("message", "task", "conversation")


class Indexer:
    """One per process that may write the index; several processes take turns tenant by tenant."""

    def __init__(self, db: Database, memory: Memory, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._db = db
        self._memory = memory
        self._look_seconds = look_seconds
        self._batch = MAX_BATCH

    async def run(self) -> None:
        """Runs until cancelled. After a failure it looks first whether the index is still there."""
        failures, said = 0, ""
        while True:
            try:
                await self.prepare()
                failures, said = 0, ""
                while True:
                    began = time.monotonic()
                    settled = await self.run_once()
                    # It rests as long as it works: it shares a machine with what people wait for.
                    took_seconds = time.monotonic() - began
                    await asyncio.sleep(min(took_seconds, self._look_seconds) if settled else self._look_seconds)
            except Exception as error:
                failures += 1
                self.be_careful()
                if str(error) != said:  # an outage is said once
                    log.warning("search.index_waits", reason=str(error), error=type(error).__name__)
                    said = str(error)
                wait = 0.5 + full_jitter_seconds(failures, base_seconds=self._look_seconds, cap_seconds=30.0)
                await asyncio.sleep(wait)

    def be_careful(self) -> None:
        """After a failure: smaller batches, until the one row that may be its reason stands alone."""
        self._batch = max(1, self._batch // 2)

    async def prepare(self) -> None:
        """Sees to it that there is an index; a new one is filled with everything.

        The wish to fill it is committed first: a crash in between has it filled twice, never not at all.
        """
        index = await self._memory.index()
        if not await index.exists():
            await changes.request_all(self._db)
            await index.create()
            log.info("search.index_created", model=self._memory.embedder.model)

    async def run_once(self) -> int:
        """One batch of each tenant with changes; returns how many changes were settled."""
        tenants = await changes.tenants_waiting(self._db)
        random.shuffle(tenants)  # so that several processes seldom want the same
        settled = 0
        for tenant_id in tenants:
            settled += await self._batch_of(tenant_id)
        return settled

    async def _batch_of(self, tenant_id: UUID) -> int:
        index = await self._memory.index()
        async with self._db.tenant(tenant_id) as session:
            if not await changes.lock(session, tenant_id):
                return 0
            batch = await changes.oldest(session, self._batch)
            if any(change.kind == changes.REINDEX for change in batch):
                await index.forget(tenant_id)
                await changes.done(session, batch)
                await changes.list_everything(session, tenant_id)
                return len(batch)
            try:
                points = await _points(session, self._memory.embedder, batch)
            except EmbeddingRefused as error:
                if len(batch) > 1:
                    raise  # the next, smaller batches find out which one it is
                log.error("search.not_embeddable", kind=batch[0].kind, id=str(batch[0].row_id), reason=str(error))
                points = []
            # Only while the lock is still ours: making vectors may have taken longer than the connection lived.
            await session.execute(text("SELECT 1"))
            await index.remove(tenant_id, [change.row_id for change in batch])
            await index.put(tenant_id, points)
            await changes.done(session, batch)
        self._batch = min(MAX_BATCH, self._batch * 2)
        return len(batch)


async def _points(session: AsyncSession, embedder: Embedder, batch: list[SearchChange]) -> list[Point]:
    passages: list[Passage] = []
    for kind in _KINDS:
        rows = {change.row_id for change in batch if change.kind == kind}
        if rows:
            passages += await read_passages(session, kind, rows)
    vectors = await embedder.embed([each.text for each in passages])
    return [
        Point(each.place, vector, encode_document(f"{each.words}\n{each.text}"))
        for each, vector in zip(passages, vectors, strict=True)
    ]
