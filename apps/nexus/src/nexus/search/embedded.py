"""The index in a folder of this machine, by Qdrant Edge; one process at a time owns it."""

import asyncio
import fcntl
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from nexus.kit.logging import get_logger
from nexus.search.errors import SearchUnavailable
from nexus.search.store import (
    DENSE,
    LEXICAL,
    ROW_FIELD,
    TENANT_FIELD,
    Candidate,
    Candidates,
    Collection,
    Point,
    Sparse,
    payload_of,
    place_of,
    point_id,
)

if TYPE_CHECKING:
    from qdrant_edge import EdgeConfig, EdgeShard, Filter

log = get_logger(__name__)
T = TypeVar("T")

OPTIMIZE_AFTER_POINTS = 5_000
"""So many new points are searched one by one, which is fast enough; then they get a graph."""


class EmbeddedIndex:
    """A collection in a folder. The engine's calls block, so one thread of our own makes them all."""

    def __init__(self, directory: Path, collection: Collection) -> None:
        self._directory = directory
        self._collection = collection
        self._path = directory / collection.name
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="search-index")
        self._lock: IO[str] | None = None
        self._shard: EdgeShard | None = None
        self._unoptimized = 0

    async def exists(self) -> bool:
        """Opens the collection, as its only owner. Removes one that cannot be opened."""
        return await self._run(self._open)

    async def create(self) -> None:
        """Makes an empty collection, in place of those of other models."""
        await self._run(self._create)

    async def put(self, tenant_id: UUID, points: Sequence[Point]) -> None:
        """Adds the points; on disk when this returns."""
        await self._run(lambda: self._put(tenant_id, points))

    async def remove(self, tenant_id: UUID, row_ids: Sequence[UUID]) -> None:
        """Removes every point of these rows."""
        await self._run(lambda: self._delete(_only(tenant_id, row_ids)))

    async def forget(self, tenant_id: UUID) -> None:
        """Removes every point of the tenant."""
        await self._run(lambda: self._delete(_only(tenant_id)))

    async def candidates(self, tenant_id: UUID, dense: list[float], lexical: Sparse, limit: int) -> Candidates:
        """The nearest points of the tenant by each measure."""
        return await self._run(lambda: self._candidates(tenant_id, dense, lexical, limit))

    async def count(self, tenant_id: UUID) -> int:
        """How many points the tenant has."""

        def count() -> int:
            from qdrant_edge import CountRequest

            return self._opened().count(CountRequest(exact=True, filter=_only(tenant_id)))

        return await self._run(count)

    async def aclose(self) -> None:
        """Closes the collection and lets others have it."""
        await self._run(self._close)
        self._thread.shutdown(wait=False)

    async def _run(self, call: Callable[[], T]) -> T:
        def guarded() -> T:
            try:
                return call()
            except SearchUnavailable:
                raise
            except BaseException as error:  # the engine's panics are no Exceptions, and must not end the process
                raise SearchUnavailable(
                    f"The search index in {self._directory} fails ({type(error).__name__}: {error}). Stop Nexus, "
                    "delete that folder and start again: it is filled anew from PostgreSQL."
                ) from error

        return await asyncio.get_running_loop().run_in_executor(self._thread, guarded)

    def _open(self) -> bool:
        from qdrant_edge import EdgeShard

        if self._shard is not None:
            if self._path.is_dir():
                return True
            self._shard = None  # somebody deleted the folder under us
        self._own()
        if not self._path.is_dir():
            return False
        try:
            self._shard = EdgeShard.load(str(self._path), _config(self._collection.dimension))
        except BaseException as error:  # as above
            log.warning("search.index_broken", path=str(self._path), error=str(error))
            shutil.rmtree(self._path)
            return False
        return True

    def _own(self) -> None:
        if self._lock is not None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        lock = (self._directory / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise SearchUnavailable(
                f"Another process keeps the search index in {self._directory}. To search in several processes, run a "
                "Qdrant server and set OBLIVION_QDRANT_URL."
            ) from None
        self._lock = lock

    def _create(self) -> None:
        from qdrant_edge import EdgeShard, KeywordIndexParams, UpdateOperation

        self._own()
        for other in self._directory.iterdir():
            if other.is_dir():
                shutil.rmtree(other)
        self._path.mkdir()
        shard = EdgeShard.create(str(self._path), _config(self._collection.dimension))
        shard.update(UpdateOperation.create_field_index(TENANT_FIELD, KeywordIndexParams(is_tenant=True)))
        shard.update(UpdateOperation.create_field_index(ROW_FIELD, KeywordIndexParams()))
        shard.flush()
        self._shard = shard

    def _close(self) -> None:
        if self._shard is not None:
            self._shard.flush()
            self._shard.close()
            self._shard = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _opened(self) -> "EdgeShard":
        if self._shard is None:
            raise SearchUnavailable("The search index is being opened; try again in a moment.", after_seconds=1)
        return self._shard

    def _put(self, tenant_id: UUID, points: Sequence[Point]) -> None:
        from qdrant_edge import Point as EdgePoint
        from qdrant_edge import SparseVector, UpdateOperation

        shard = self._opened()
        made = [
            EdgePoint(
                id=point_id(tenant_id, point.place),
                vector={
                    DENSE: point.dense,
                    LEXICAL: SparseVector(indices=point.lexical.indices, values=point.lexical.values),
                },
                payload=payload_of(tenant_id, point.place),
            )
            for point in points
        ]
        if made:
            shard.update(UpdateOperation.upsert_points(made))
        shard.flush()
        self._unoptimized += len(made)
        if self._unoptimized >= OPTIMIZE_AFTER_POINTS:
            shard.optimize()
            self._unoptimized = 0

    def _delete(self, only: "Filter") -> None:
        from qdrant_edge import UpdateOperation

        self._opened().update(UpdateOperation.delete_points_by_filter(only))
        self._opened().flush()

    def _candidates(self, tenant_id: UUID, dense: list[float], lexical: Sparse, limit: int) -> Candidates:
        from qdrant_edge import IdfParams, Query, QueryBatchRequest, QueryRequest, SearchParams, SparseVector

        only = _only(tenant_id)
        words = SparseVector(indices=lexical.indices, values=lexical.values)
        asked = QueryBatchRequest(
            [
                QueryRequest(limit=limit, query=Query.Nearest(dense, using=DENSE), filter=only, with_payload=True),
                QueryRequest(
                    limit=limit,
                    query=Query.Nearest(words, using=LEXICAL),
                    filter=only,
                    with_payload=True,
                    # How rare a word is, is a matter of this tenant's texts: others must not show in the scores.
                    params=SearchParams(idf=IdfParams(corpus=only)),
                ),
            ]
        )
        by_meaning, by_word = self._opened().query_batch(asked)
        return Candidates(_read(by_meaning), _read(by_word))


def _only(tenant_id: UUID, row_ids: Sequence[UUID] | None = None) -> "Filter":
    """The one maker of filters: whatever is asked is asked of one tenant."""
    from qdrant_edge import FieldCondition, Filter, MatchAny, MatchValue

    conditions = [FieldCondition(key=TENANT_FIELD, match=MatchValue(str(tenant_id)))]
    if row_ids is not None:
        conditions.append(FieldCondition(key=ROW_FIELD, match=MatchAny([str(row_id) for row_id in row_ids])))
    return Filter(must=list(conditions))


def _read(found: Sequence[Any]) -> list[Candidate]:
    return [Candidate(place_of(point.payload), point.score) for point in found]


def _config(dimension: int) -> "EdgeConfig":
    from qdrant_edge import Distance, EdgeConfig, EdgeSparseVectorParams, EdgeVectorParams, HnswIndexConfig, Modifier

    return EdgeConfig(
        vectors={DENSE: EdgeVectorParams(size=dimension, distance=Distance.Cosine)},
        sparse_vectors={LEXICAL: EdgeSparseVectorParams(modifier=Modifier.Idf)},
        # A graph for each tenant and none across them.
        hnsw_config=HnswIndexConfig(m=0, payload_m=16, ef_construct=100, full_scan_threshold=10_000),
    )
