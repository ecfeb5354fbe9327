"""The index on a Qdrant server, which any number of processes may share."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

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
    from qdrant_client import AsyncQdrantClient
    from qdrant_client.models import Filter

TIMEOUT_SECONDS = 10
_NOT_FOUND, _CONFLICT = 404, 409


def connect(url: str, api_key: str | None = None) -> "AsyncQdrantClient":
    """A client of the server, which is not asked anything yet."""
    from qdrant_client import AsyncQdrantClient

    return AsyncQdrantClient(url=url, api_key=api_key, timeout=TIMEOUT_SECONDS, check_compatibility=False)


class ServerIndex:
    """A collection of a server."""

    def __init__(self, client: "AsyncQdrantClient", collection: Collection) -> None:
        self._client = client
        self._dimension = collection.dimension
        self._name = collection.name

    async def exists(self) -> bool:
        """Whether the server has the collection."""
        async with _said_plainly():
            return await self._client.collection_exists(self._name)

    async def create(self) -> None:
        """Makes an empty collection; another process may have been quicker."""
        from qdrant_client import models
        from qdrant_client.http.exceptions import UnexpectedResponse

        async with _said_plainly():
            try:
                await self._client.create_collection(
                    self._name,
                    vectors_config={DENSE: models.VectorParams(size=self._dimension, distance=models.Distance.COSINE)},
                    sparse_vectors_config={LEXICAL: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                    # A graph for each tenant and none across them.
                    hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
                    quantization_config=models.ScalarQuantization(
                        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
                    ),
                )
            except UnexpectedResponse as error:
                if error.status_code != _CONFLICT:
                    raise
            tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
            row = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD)
            for field, schema in ((TENANT_FIELD, tenant), (ROW_FIELD, row)):
                await self._client.create_payload_index(self._name, field, schema)

    async def put(self, tenant_id: UUID, points: Sequence[Point]) -> None:
        """Adds the points; durable when this returns."""
        from qdrant_client import models

        made = [
            models.PointStruct(
                id=str(point_id(tenant_id, point.place)),
                vector={
                    DENSE: point.dense,
                    LEXICAL: models.SparseVector(indices=point.lexical.indices, values=point.lexical.values),
                },
                payload=payload_of(tenant_id, point.place),
            )
            for point in points
        ]
        if made:
            async with _said_plainly():
                await self._client.upsert(self._name, made, wait=True)

    async def remove(self, tenant_id: UUID, row_ids: Sequence[UUID]) -> None:
        """Removes every point of these rows."""
        await self._delete(_only(tenant_id, row_ids))

    async def forget(self, tenant_id: UUID) -> None:
        """Removes every point of the tenant."""
        await self._delete(_only(tenant_id))

    async def candidates(self, tenant_id: UUID, dense: list[float], lexical: Sparse, limit: int) -> Candidates:
        """The nearest points of the tenant by each measure."""
        from qdrant_client import models

        only = _only(tenant_id)
        words = models.SparseVector(indices=lexical.indices, values=lexical.values)
        # How rare a word is, is a matter of this tenant's texts: others must not show in the scores.
        of_tenant = models.SearchParams(idf=models.IdfCorpusParams(corpus=only))
        asked = [
            models.QueryRequest(query=dense, using=DENSE, filter=only, limit=limit, with_payload=True),
            models.QueryRequest(
                query=words, using=LEXICAL, filter=only, limit=limit, with_payload=True, params=of_tenant
            ),
        ]
        async with _said_plainly():
            by_meaning, by_word = await self._client.query_batch_points(self._name, asked)
        return Candidates(_read(by_meaning.points), _read(by_word.points))

    async def count(self, tenant_id: UUID) -> int:
        """How many points the tenant has."""
        async with _said_plainly():
            return (await self._client.count(self._name, count_filter=_only(tenant_id), exact=True)).count

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _delete(self, only: "Filter") -> None:
        from qdrant_client import models

        async with _said_plainly():
            await self._client.delete(self._name, models.FilterSelector(filter=only), wait=True)


def _only(tenant_id: UUID, row_ids: Sequence[UUID] | None = None) -> "Filter":
    """The one maker of filters: whatever is asked is asked of one tenant."""
    from qdrant_client import models

    conditions: list[Any] = [models.FieldCondition(key=TENANT_FIELD, match=models.MatchValue(value=str(tenant_id)))]
    if row_ids is not None:
        rows = models.MatchAny(any=[str(row_id) for row_id in row_ids])
        conditions.append(models.FieldCondition(key=ROW_FIELD, match=rows))
    return models.Filter(must=conditions)


def _read(found: Sequence[Any]) -> list[Candidate]:
    return [Candidate(place_of(point.payload), point.score) for point in found]


@asynccontextmanager
async def _said_plainly() -> AsyncGenerator[None]:
    """The client's errors as a sentence for an operator; never the address, which may hold a password."""
    from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

    try:
        yield
    except UnexpectedResponse as error:
        if error.status_code == _NOT_FOUND:
            raise SearchUnavailable("The search index is being made; try again in a moment.") from error
        raise SearchUnavailable(
            f"The Qdrant server answered {error.status_code}: check OBLIVION_QDRANT_URL and OBLIVION_QDRANT_API_KEY."
        ) from error
    except (ApiException, OSError) as error:
        raise SearchUnavailable("The Qdrant server does not answer: check OBLIVION_QDRANT_URL.") from error
