"""Both kinds of index keep tenants apart, and cannot be asked without one."""

import inspect
from collections.abc import AsyncGenerator, Callable
from uuid import UUID, uuid4

import pytest

from nexus.kit.embedded import free_port
from nexus.search.embedded import EmbeddedIndex
from nexus.search.errors import SearchUnavailable
from nexus.search.lexical import encode_document, encode_query
from nexus.search.server import ServerIndex, connect
from nexus.search.store import Candidate, Collection, HistoryStore, Index, Place, Point

COLLECTION = Collection("tiny", 3)
OURS, THEIRS = uuid4(), uuid4()


@pytest.fixture
async def index(index_of: Callable[[Collection], Index]) -> AsyncGenerator[Index]:
    opened = index_of(COLLECTION)
    assert await opened.exists() is False
    await opened.create()
    yield opened
    await opened.aclose()


def point(row_id: UUID, said: str, start: int = 0, dense: list[float] | None = None) -> Point:
    return Point(Place("message", row_id, "text", start, start + len(said)), dense or [1, 0, 0], encode_document(said))


async def asked(index: Index, tenant_id: UUID, query: str) -> tuple[list[Candidate], list[Candidate]]:
    found = await index.candidates(tenant_id, [1, 0, 0], encode_query(query), 50)
    return found.dense, found.lexical


async def test_equal_texts_of_two_tenants_are_found_by_their_own_only(index: Index) -> None:
    mine, others = [uuid4() for _ in range(3)], [uuid4() for _ in range(30)]
    for row_id in mine:
        await index.put(OURS, [point(row_id, "the export loses a row")])
    await index.put(THEIRS, [point(row_id, "the export loses a row") for row_id in others])
    for tenant_id, rows in ((OURS, mine), (THEIRS, others)):
        for found in await asked(index, tenant_id, "export row"):
            assert {each.place.row_id for each in found} == set(rows)
    for found in await asked(index, uuid4(), "export row"):
        assert found == []


async def test_equal_row_ids_of_two_tenants_are_different_points(index: Index) -> None:
    row_id = uuid4()
    await index.put(OURS, [point(row_id, "export")])
    await index.put(THEIRS, [point(row_id, "import")])
    assert [len(found) for found in await asked(index, OURS, "export")] == [1, 1]
    await index.remove(THEIRS, [row_id])
    assert [len(found) for found in await asked(index, OURS, "export")] == [1, 1]
    await index.put(THEIRS, [point(row_id, "import")])
    await index.forget(THEIRS)
    assert (await index.count(OURS), await index.count(THEIRS)) == (1, 0)


async def test_the_same_place_twice_is_one_point_and_a_removed_row_takes_all_its_places_with_it(index: Index) -> None:
    row_id = uuid4()
    for _ in range(2):
        await index.put(OURS, [point(row_id, "first piece"), point(row_id, "second piece", start=800)])
    assert await index.count(OURS) == 2
    await index.remove(OURS, [row_id])
    assert await index.count(OURS) == 0


async def test_places_come_back_as_they_were_put_in_and_the_nearest_first(index: Index) -> None:
    near, far = uuid4(), uuid4()
    await index.put(OURS, [point(far, "blue sky", dense=[0, 1, 0]), point(near, "ERR-1037", dense=[0.9, 0.1, 0])])
    dense, lexical = await asked(index, OURS, "what was ERR-1037")
    assert [each.place.row_id for each in dense] == [near, far]
    assert [each.place for each in lexical] == [Place("message", near, "text", 0, 8)]


async def test_words_of_others_do_not_show_in_the_scores(tmp_path) -> None:
    index = EmbeddedIndex(tmp_path, COLLECTION)
    await index.exists()
    await index.create()
    await index.put(OURS, [point(uuid4(), "rare"), point(uuid4(), "common"), point(uuid4(), "common")])
    _, before = await asked(index, OURS, "rare")
    await index.put(THEIRS, [point(uuid4(), "rare") for _ in range(50)])
    _, after = await asked(index, OURS, "rare")
    await index.aclose()
    assert [each.score for each in before] == [each.score for each in after]


@pytest.mark.parametrize("kind", [HistoryStore, EmbeddedIndex, ServerIndex])
def test_nothing_can_be_asked_without_a_tenant(kind: type) -> None:
    life = {"exists", "create", "aclose"}
    methods = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")} - life
    assert methods == {"put", "remove", "forget", "candidates", "count"}
    for name in methods:
        first = list(inspect.signature(getattr(kind, name)).parameters.values())[1]
        assert (first.name, first.annotation, first.default) == ("tenant_id", UUID, inspect.Parameter.empty), name


def test_another_model_or_another_dimension_is_another_collection() -> None:
    names = {Collection(model, size).name for model in ("MiniLM", "text-embedding-3-small") for size in (384, 1536)}
    assert len(names) == 4


async def test_a_server_that_is_away_is_a_sentence_without_its_address() -> None:
    index = ServerIndex(connect(f"http://127.0.0.1:{free_port()}", "hunter2"), COLLECTION)
    for ask in (index.exists(), index.create(), index.count(OURS), asked(index, OURS, "x")):
        with pytest.raises(SearchUnavailable, match="OBLIVION_QDRANT_URL") as error:
            await ask
        assert "hunter2" not in str(error.value)
    await index.aclose()
