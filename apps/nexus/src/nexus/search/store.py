"""What an index of history must be able to do. Every access names the tenant first; there is no other way in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID, uuid5

Kind = Literal["message", "task", "conversation"]
Part = Literal["text", "result", "title"]

DENSE, LEXICAL = "dense", "bm25"
TENANT_FIELD, ROW_FIELD = "tenant_id", "row_id"
_LAYOUT = 1
"""Counts up when points are made in another way, so that old ones are not mixed with new ones."""


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector: weights of hashed words."""

    indices: list[int]
    values: list[float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a passage stands: characters `start` to `end` of one part of a row."""

    kind: Kind
    row_id: UUID
    part: Part
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Point:
    """A passage as the index holds it; its words stay in PostgreSQL."""

    place: Place
    dense: list[float]
    lexical: Sparse


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that may be meant, and how near it is: a cosine, or a BM25 score."""

    place: Place
    score: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """The nearest passages by meaning and by word, best first."""

    dense: list[Candidate]
    lexical: list[Candidate]


@dataclass(frozen=True, slots=True)
class Collection:
    """All vectors of one model. Another model is another collection: vectors of two are never mixed."""

    model: str
    dimension: int

    @property
    def name(self) -> str:
        """For a folder or a collection of a server."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.model.lower()).strip("-")[:80]
        return f"oblivion-history-v{_LAYOUT}-{slug}-{self.dimension}"


class HistoryStore(Protocol):
    """Points of tenants. Raises SearchUnavailable."""

    async def put(self, tenant_id: UUID, points: Sequence[Point]) -> None:
        """Adds the points; one for the same place is replaced."""
        ...

    async def remove(self, tenant_id: UUID, row_ids: Sequence[UUID]) -> None:
        """Removes every point of these rows."""
        ...

    async def forget(self, tenant_id: UUID) -> None:
        """Removes every point of the tenant."""
        ...

    async def candidates(self, tenant_id: UUID, dense: list[float], lexical: Sparse, limit: int) -> Candidates:
        """The nearest `limit` points of the tenant by each of both measures."""
        ...

    async def count(self, tenant_id: UUID) -> int:
        """How many points the tenant has."""
        ...


class Index(HistoryStore, Protocol):
    """A store and its life. It may be deleted at any time: `exists` tells so, and it is filled anew."""

    async def exists(self) -> bool:
        """Whether there is a usable collection. What cannot be used is removed. Raises SearchUnavailable."""
        ...

    async def create(self) -> None:
        """Makes an empty collection."""
        ...

    async def aclose(self) -> None:
        """Lets go of it."""
        ...


def point_id(tenant_id: UUID, place: Place) -> UUID:
    """The same for the same place, so that doing it twice is doing it once; never one of another tenant."""
    return uuid5(tenant_id, f"{place.row_id}:{place.part}:{place.start}")


def payload_of(tenant_id: UUID, place: Place) -> dict[str, str | int]:
    """What is kept beside the vectors: whose it is and where to read it."""
    return {
        TENANT_FIELD: str(tenant_id),
        ROW_FIELD: str(place.row_id),
        "kind": place.kind,
        "part": place.part,
        "start": place.start,
        "end": place.end,
    }


def place_of(payload: "dict[str, str | int]") -> Place:
    """The other way round."""
    return Place(
        kind=payload["kind"],  # pyright: ignore[reportArgumentType] - written by payload_of alone
        row_id=UUID(str(payload[ROW_FIELD])),
        part=payload["part"],  # pyright: ignore[reportArgumentType]
        start=int(payload["start"]),
        end=int(payload["end"]),
    )
