"""Searching: what the index suggests, read from PostgreSQL as it is now, by the tenant's own eyes."""

import asyncio
from collections import defaultdict
from uuid import UUID

from nexus.search.errors import EmbeddingRefused, SearchUnavailable
from nexus.search.fusion import best_of_each_row, fuse
from nexus.search.lexical import encode_query
from nexus.search.memory import Memory
from nexus.search.rows import Found, read_found
from nexus.search.store import Candidate, Kind, Part
from nexus.store.database import Database
from oblivion_protocol.resources import SearchHit

CANDIDATES = 50
SEARCH_SECONDS = 8.0
"""Less than a client waits: it shall hear why."""


class History:
    """The tenant's history."""

    def __init__(self, db: Database, memory: Memory) -> None:
        self._db = db
        self._memory = memory

    async def search(self, tenant_id: UUID, query: str, limit: int) -> list[SearchHit]:
        """The passages that fit best, best first. Raises SearchUnavailable."""
        try:
            ranked = await asyncio.wait_for(self._ranked(tenant_id, query, limit), SEARCH_SECONDS)
        except TimeoutError as error:
            raise SearchUnavailable("The search took too long; try again.") from error
        except ImportError as error:
            raise SearchUnavailable(
                f"A library of the search index is missing ({error}). Install Nexus with all of its dependencies.",
                after_seconds=60,
            ) from error
        found = await self._read(tenant_id, ranked)
        hits = [_hit(each, found[_key(each)]) for each in ranked if _key(each) in found]
        return [hit for hit in hits if hit.text][:limit]

    async def _ranked(self, tenant_id: UUID, query: str, limit: int) -> list[Candidate]:
        index = await self._memory.index()
        try:
            (dense,) = await self._memory.embedder.embed([query])
        except EmbeddingRefused as error:
            raise SearchUnavailable(f"This query cannot be embedded: {error}.") from error
        candidates = await index.candidates(tenant_id, dense, encode_query(query), max(CANDIDATES, 2 * limit))
        # More than are asked for: some may be gone by now.
        return best_of_each_row(fuse(candidates))[: 2 * limit + 10]

    async def _read(self, tenant_id: UUID, ranked: list[Candidate]) -> dict[tuple[UUID, Part], Found]:
        rows: defaultdict[Kind, set[UUID]] = defaultdict(set)
        for each in ranked:
            rows[each.place.kind].add(each.place.row_id)
        found: dict[tuple[UUID, Part], Found] = {}
        async with self._db.tenant(tenant_id) as session:
            for kind, row_ids in rows.items():
                found |= await read_found(session, kind, row_ids)
        return found


def _key(candidate: Candidate) -> tuple[UUID, Part]:
    return candidate.place.row_id, candidate.place.part


def _hit(candidate: Candidate, found: Found) -> SearchHit:
    place = candidate.place
    return SearchHit(
        task_id=str(found.task_id),
        title=found.title,
        text=found.text[place.start : place.end].strip(),
        source=found.source,
        url=found.url,
        score=round(candidate.score, 4),
        at=found.at,
    )
