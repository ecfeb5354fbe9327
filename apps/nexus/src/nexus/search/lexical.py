"""Words as sparse vectors, BM25. One encoder for every kind of index, so that both sides hash alike."""

from functools import cache
from typing import TYPE_CHECKING

from nexus.search.store import Sparse

if TYPE_CHECKING:
    from qdrant_edge import Bm25

_AVERAGE_WORDS = 40.0
"""Length of a usual passage, in words: comments are short."""


@cache
def _encoder() -> "Bm25":
    from qdrant_edge import Bm25, Bm25Config

    return Bm25(Bm25Config(avg_len=_AVERAGE_WORDS, ascii_folding=True))


def encode_document(text: str) -> Sparse:
    """Weights of the words of a passage; how rare a word is, is the index's to say."""
    vector = _encoder().embed_document(text)
    return Sparse(list(vector.indices), list(vector.values))


def encode_query(text: str) -> Sparse:
    """The words that are asked for."""
    vector = _encoder().embed_query(text)
    return Sparse(list(vector.indices), list(vector.values))
