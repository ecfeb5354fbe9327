"""Fills an index with the set, asks every question, and counts where the wanted text stands."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from nexus.search.embed import Embedder
from nexus.search.fusion import fuse
from nexus.search.lexical import encode_document, encode_query
from nexus.search.store import Candidate, Candidates, Index, Place, Point

Half = Literal["tuning", "held_out"]
QueryKind = Literal["paraphrase", "identifier", "name"]
TENANT = UUID("00000000-0000-4000-8000-000000000001")
_LIMIT = 50


class Document(BaseModel):
    """A ticket or a comment."""

    model_config = ConfigDict(frozen=True)
    id: int
    author: str
    text: str


class Query(BaseModel):
    """A question, and the document that answers it."""

    model_config = ConfigDict(frozen=True)
    kind: QueryKind
    half: Half
    query: str
    document: int


class EvaluationSet(BaseModel):
    """Weights are chosen on the tuning half and reported on the held-out half."""

    model_config = ConfigDict(frozen=True)
    about: str
    documents: list[Document]
    queries: list[Query]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an index suggests for one query."""

    query: Query
    candidates: Candidates


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares of queries whose document came first, and among the first five; the mean reciprocal rank."""

    queries: int
    hit_at_1: float
    hit_at_5: float
    mrr: float


Ranking = Callable[[Candidates], Sequence[Candidate]]
RANKINGS: dict[str, Ranking] = {
    "dense": lambda found: found.dense,
    "BM25": lambda found: found.lexical,
    "fused": fuse,
}


def load_set() -> EvaluationSet:
    """The set that is kept beside this file."""
    return EvaluationSet.model_validate_json((Path(__file__).parent / "history.json").read_bytes())


def row_of(document: int) -> UUID:
    """The row that a document would have."""
    return uuid5(TENANT, str(document))


async def answers(index: Index, embedder: Embedder, evaluation: EvaluationSet) -> list[Answer]:
    """Fills the index, which must be empty, and asks it everything."""
    documents = evaluation.documents
    vectors = await embedder.embed([document.text for document in documents])
    points = [
        Point(
            Place("message", row_of(document.id), "text", 0, len(document.text)),
            vector,
            encode_document(f"{document.author}\n{document.text}"),
        )
        for document, vector in zip(documents, vectors, strict=True)
    ]
    await index.put(TENANT, points)
    asked = await embedder.embed([query.query for query in evaluation.queries])
    return [
        Answer(query, await index.candidates(TENANT, vector, encode_query(query.query), _LIMIT))
        for query, vector in zip(evaluation.queries, asked, strict=True)
    ]


def figures(answered: Iterable[Answer], ranking: Ranking) -> Figures:
    """How one way of ranking does."""
    ranks = [_rank(answer, ranking) for answer in answered]
    count = len(ranks)
    return Figures(
        queries=count,
        hit_at_1=sum(rank == 1 for rank in ranks) / count,
        hit_at_5=sum(0 < rank <= 5 for rank in ranks) / count,
        mrr=sum(1 / rank for rank in ranks if rank) / count,
    )


def _rank(answer: Answer, ranking: Ranking) -> int:
    """Where the wanted document stands, from 1; 0 for nowhere."""
    wanted = row_of(answer.query.document)
    for rank, candidate in enumerate(ranking(answer.candidates), 1):
        if candidate.place.row_id == wanted:
            return rank
    return 0
