"""One ranking out of two. Pure."""

from collections.abc import Sequence

from nexus.search.store import Candidate, Candidates, Place

WORD_WEIGHT = 0.15
"""How much the best match by word adds to a match by meaning; see docs/memory.md for how it was found."""


def fuse(found: Candidates, *, word_weight: float = WORD_WEIGHT) -> list[Candidate]:
    """Best first, with a score of 0 to 1: the cosine, and the BM25 score as a share of the best one's.

    Ranks alone (RRF) would forget how much nearer the first is than the second, which is what tells a good match by
    word from a chance one.
    """
    best = found.lexical[0].score if found.lexical else 0.0
    cosines = {each.place: max(0.0, each.score) for each in found.dense}
    shares = {each.place: each.score / best for each in found.lexical} if best > 0 else {}
    total = 1 + word_weight
    scored = [
        Candidate(place, (cosines.get(place, 0.0) + word_weight * shares.get(place, 0.0)) / total)
        for place in {**cosines, **shares}
    ]
    return sorted(scored, key=lambda each: (-each.score, str(each.place.row_id), each.place.start))


def best_of_each_row(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The first of each row: nobody wants the same comment twice."""
    seen: set[object] = set()
    kept: list[Candidate] = []
    for each in ranked:
        key = _row(each.place)
        if key not in seen:
            seen.add(key)
            kept.append(each)
    return kept


def _row(place: Place) -> tuple[str, object, str]:
    return place.kind, place.row_id, place.part
