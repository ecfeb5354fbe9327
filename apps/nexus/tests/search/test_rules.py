"""Pure rules: where texts are cut, how two rankings become one; and how well that finds things."""

from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.search.embed import PackagedEmbedder
from nexus.search.embedded import EmbeddedIndex
from nexus.search.evaluation.measure import RANKINGS, answers, figures, load_set
from nexus.search.fusion import WORD_WEIGHT, best_of_each_row, fuse
from nexus.search.passages import MAX_PASSAGES, PASSAGE_CHARS, spans
from nexus.search.store import Candidate, Candidates, Collection, Part, Place

A, B, C = (uuid4() for _ in range(3))


def place(row_id: UUID, start: int = 0, part: Part = "text") -> Place:
    return Place("message", row_id, part, start, start + 1)


def ranked(*scores: tuple[UUID, float]) -> list[Candidate]:
    return [Candidate(place(row_id), score) for row_id, score in scores]


@given(st.text(alphabet="ab \n", max_size=4_000))
def test_passages_cover_the_text_without_gaps_or_overlaps(text: str) -> None:
    found = list(spans(text))
    assert all(0 < end - start <= PASSAGE_CHARS for start, end in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    assert "".join("".join(text[start:end] for start, end in found).split()) == "".join(text.split())


def test_no_text_is_more_than_so_many_passages() -> None:
    assert len(list(spans("word " * 100_000))) == MAX_PASSAGES
    assert list(spans(" \n ")) == []


def test_words_are_not_cut_in_two() -> None:
    text = "wonderful " * 200
    assert all(text[start:end].split().count("wonderful") == len(text[start:end].split()) for start, end in spans(text))


def test_what_both_measures_like_comes_before_what_one_likes() -> None:
    fused = fuse(Candidates(ranked((A, 0.6), (B, 0.6)), ranked((B, 9.0))))
    assert [each.place.row_id for each in fused] == [B, A]


def test_scores_lie_between_nothing_and_one_and_a_perfect_match_has_one() -> None:
    fused = fuse(Candidates(ranked((A, 1.0), (B, -0.4)), ranked((A, 12.0), (C, 3.0))))
    assert fused[0] == Candidate(place(A), 1.0)
    assert all(0 <= each.score <= 1 for each in fused)


def test_a_rare_word_alone_beats_only_what_means_little() -> None:
    assert fuse(Candidates(ranked((A, WORD_WEIGHT - 0.01)), ranked((B, 5.0))))[0].place.row_id == B
    assert fuse(Candidates(ranked((A, WORD_WEIGHT + 0.01)), ranked((B, 5.0))))[0].place.row_id == A


def test_nothing_found_is_nothing() -> None:
    assert fuse(Candidates([], [])) == []


def test_only_the_best_passage_of_a_row_is_kept() -> None:
    kept = best_of_each_row([Candidate(place(A, 5), 0.9), Candidate(place(B), 0.8), Candidate(place(A, 0), 0.7)])
    assert [(each.place.row_id, each.place.start) for each in kept] == [(A, 5), (B, 0)]


def test_the_set_has_what_it_promises_and_its_halves_share_no_query() -> None:
    evaluation = load_set()
    assert len(evaluation.documents) >= 150
    assert len(evaluation.queries) >= 60
    assert {query.document for query in evaluation.queries} <= {document.id for document in evaluation.documents}
    halves = [{query.query for query in evaluation.queries if query.half == half} for half in ("tuning", "held_out")]
    assert halves[0].isdisjoint(halves[1])
    assert abs(len(halves[0]) - len(halves[1])) <= 2


@pytest.mark.timeout(120)
async def test_together_they_find_more_of_the_held_out_half_than_either_alone(tmp_path: Path) -> None:
    embedder = PackagedEmbedder()
    index = EmbeddedIndex(tmp_path, Collection(embedder.model, await embedder.dimension()))
    assert not await index.exists()
    await index.create()
    answered = [each for each in await answers(index, embedder, load_set()) if each.query.half == "held_out"]
    await index.aclose()
    measured = {name: figures(answered, ranking) for name, ranking in RANKINGS.items()}
    assert measured["fused"].mrr > max(measured["dense"].mrr, measured["BM25"].mrr)
    assert measured["fused"].hit_at_5 >= 0.95
    identifiers = [each for each in answered if each.query.kind == "identifier"]
    assert figures(identifiers, RANKINGS["fused"]).hit_at_1 == 1.0


async def test_a_text_has_the_same_vector_whatever_it_is_embedded_with(embedder: PackagedEmbedder) -> None:
    (alone,) = await embedder.embed(["The export loses a row"])
    (beside, _) = await embedder.embed(["The export loses a row", "word " * 500])
    assert alone == beside
    assert len(alone) == await embedder.dimension()
    assert sum(number * number for number in alone) == pytest.approx(1.0)
