"""What people say gets into both kinds of index, changes there, and leaves it; nothing is lost on the way."""

import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from search.recalling import Company, Recall

from nexus.search import changes
from nexus.search.embed import PackagedEmbedder
from nexus.search.embedded import EmbeddedIndex
from nexus.search.errors import EmbeddingRefused, SearchUnavailable
from nexus.search.history import History
from nexus.search.indexer import Indexer
from nexus.search.memory import Memory
from nexus.search.store import Collection, Index, Point
from nexus.store.database import Database

Found = Callable[[], Awaitable[Company]]
SAID = "The download loses a line when the name has a comma"
QUESTION = "row missing in the csv export"


async def test_the_same_words_of_two_tenants_never_cross(recall: Recall, found: Found) -> None:
    ours, theirs = await found(), await found()
    for company, title in ((ours, "Our export"), (theirs, "Their export")):
        conversation = await company.conversation(title)
        await company.say(conversation, SAID)
        await company.task(conversation, "Fields are quoted now")
    await recall.catch_up()
    for company, title in ((ours, "Our export"), (theirs, "Their export")):
        hits = await recall.history.search(company.id, QUESTION, 50)
        assert {hit.text for hit in hits} == {SAID, title, "Fields are quoted now"}
        assert {hit.title for hit in hits} <= {title, "Task"}
    stranger = await found()
    assert await recall.texts(stranger, QUESTION) == []


async def test_a_hit_says_where_it_is_from(recall: Recall, found: Found) -> None:
    company = await found()
    conversation = await company.conversation("Export")
    task = await company.task(conversation, "Quoted the fields")
    await company.say(conversation, SAID)
    await recall.catch_up()
    hits = {hit.source: hit for hit in await recall.history.search(company.id, QUESTION, 10)}
    assert set(hits) == {"slack", "clickup", "agent"}
    assert {hit.task_id for hit in hits.values()} == {str(task)}
    assert {hit.url for hit in hits.values()} == {"https://tracker/1"}
    assert all(0 < hit.score <= 1 for hit in hits.values())
    assert [hit.score for hit in hits.values()] == sorted((hit.score for hit in hits.values()), reverse=True)


async def test_an_edit_replaces_and_a_deletion_removes(recall: Recall, found: Found) -> None:
    company = await found()
    message = await company.say(await company.conversation("Export"), SAID)
    await recall.catch_up()
    await company.change("UPDATE messages SET text = 'The map does not load in Firefox' WHERE id = :id", id=message)
    await recall.catch_up()
    assert await recall.texts(company, "browser map") == ["The map does not load in Firefox", "Export"]
    await company.change("UPDATE messages SET deleted_at = now() WHERE id = :id", id=message)
    assert await recall.texts(company, "browser map") == ["Export"], "before the index has heard of it, too"
    await recall.catch_up()
    assert await (await recall.memory.index()).count(company.id) == 1


async def test_what_became_an_aside_is_not_found_any_more(recall: Recall, found: Found) -> None:
    company = await found()
    message = await company.say(await company.conversation("Export"), SAID)
    await recall.catch_up()
    await company.change("UPDATE messages SET text = '!aside ' || text WHERE id = :id", id=message)
    assert await recall.texts(company, QUESTION) == ["Export"]
    await recall.catch_up()
    assert await (await recall.memory.index()).count(company.id) == 1


async def test_a_conversation_that_is_gone_takes_everything_with_it(recall: Recall, found: Found) -> None:
    company = await found()
    conversation = await company.conversation("Export")
    await company.say(conversation, SAID)
    await company.task(conversation, "Quoted the fields")
    await recall.catch_up()
    index = await recall.memory.index()
    assert await index.count(company.id) == 3
    await company.change("DELETE FROM task_mappings WHERE id = :id", id=conversation)
    await recall.catch_up()
    assert await index.count(company.id) == 0


async def test_long_text_is_found_by_its_end_and_shown_by_the_passage(recall: Recall, found: Found) -> None:
    company = await found()
    filler = "Nothing of interest happened on that day and the team was content. " * 30
    await company.say(await company.conversation("Diary"), filler + "Then the printer at dock 3 caught fire.")
    await recall.catch_up()
    (first, *_) = await recall.history.search(company.id, "printer fire", 5)
    assert "dock 3" in first.text
    assert len(first.text) <= 800


async def test_reindexing_brings_back_what_the_index_lost_and_drops_what_it_should_not_have(
    recall: Recall, found: Found
) -> None:
    company = await found()
    message = await company.say(await company.conversation("Export"), SAID)
    await recall.catch_up()
    index = await recall.memory.index()
    await index.remove(company.id, [message])
    assert SAID not in await recall.texts(company, QUESTION)
    await changes.request_all(company.db, company.id)
    await recall.catch_up()
    assert SAID in await recall.texts(company, QUESTION)
    assert await company.waiting() == 0


async def test_rows_from_before_the_index_was_made_are_in_it(recall: Recall, found: Found) -> None:
    company = await found()
    await company.say(await company.conversation("Export"), SAID)
    await company.change("DELETE FROM search_changes")
    await recall.catch_up()
    assert SAID in await recall.texts(company, QUESTION)


async def test_changes_of_a_card_are_no_work_for_the_index(found: Found) -> None:
    company = await found()
    conversation = await company.conversation("Export")
    await company.change("DELETE FROM search_changes")
    await company.change("UPDATE task_mappings SET snapshot = '{\"status\": \"open\"}', root_ts = '1' WHERE true")
    await company.change("UPDATE tasks SET progress = 'half' WHERE conversation_id = :id", id=conversation)
    assert await company.waiting() == 0


class Failing:
    """An index whose process dies once between the index and the commit."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.failures = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def put(self, tenant_id: UUID, points: Sequence[Point]) -> None:
        await self._index.put(tenant_id, points)
        if self.failures:
            self.failures -= 1
            raise SearchUnavailable("killed")


async def test_a_crash_after_the_index_was_written_loses_and_doubles_nothing(
    database: Database, embedder: PackagedEmbedder, found: Found, tmp_path: Path
) -> None:
    company = await found()
    memory = Memory(embedder, lambda collection: Failing(EmbeddedIndex(tmp_path, collection)))  # type: ignore[arg-type]
    indexer = Indexer(database, memory)
    await indexer.prepare()
    while await indexer.run_once():  # there is nothing yet
        pass
    await company.say(await company.conversation("Export"), SAID)
    with pytest.raises(SearchUnavailable):
        while await indexer.run_once():
            pass
    assert await company.waiting() > 0
    while await indexer.run_once():
        pass
    index = await memory.index()
    assert await index.count(company.id) == 2
    assert await company.waiting() == 0
    await index.aclose()


async def test_a_tenant_is_indexed_by_one_process_at_a_time(recall: Recall, found: Found) -> None:
    company = await found()
    await recall.catch_up()
    await company.say(await company.conversation("Export"), SAID)
    async with company.db.tenant(company.id) as elsewhere:
        assert await changes.lock(elsewhere, company.id)
        assert await recall.indexer.run_once() == 0
        assert await company.waiting() == 2
    assert await recall.indexer.run_once() == 2


class Picky(PackagedEmbedder):
    """Refuses some texts, as an endpoint with a filter does."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if any("forbidden" in text for text in texts):
            raise EmbeddingRefused("400")
        return await super().embed(texts)


async def test_a_text_that_the_endpoint_refuses_keeps_no_other_from_the_index(
    database: Database, found: Found, tmp_path: Path
) -> None:
    company = await found()
    conversation = await company.conversation("Export")
    for number in range(5):
        await company.say(conversation, f"said {number}")
    await company.say(conversation, "forbidden")
    await company.say(conversation, SAID)
    memory = Memory(Picky(), lambda collection: EmbeddedIndex(tmp_path, collection))
    indexer = Indexer(database, memory)
    await indexer.prepare()
    for _ in range(40):
        try:
            if not await indexer.run_once():
                break
        except EmbeddingRefused:
            indexer.be_careful()
    history = History(database, memory)
    assert SAID in [hit.text for hit in await history.search(company.id, QUESTION, 10)]
    assert await company.waiting() == 0
    await (await memory.index()).aclose()


class OtherModel(PackagedEmbedder):
    """The same numbers under another name."""

    model = "another-model"


async def test_another_model_fills_a_collection_of_its_own(
    database: Database, embedder: PackagedEmbedder, found: Found, tmp_path: Path
) -> None:
    company = await found()
    await company.say(await company.conversation("Export"), SAID)
    names: list[str] = []

    def index_of(collection: Collection) -> Index:
        names.append(collection.name)
        return EmbeddedIndex(tmp_path, collection)

    for model in (embedder, OtherModel()):
        memory = Memory(model, index_of)
        recall = Recall(memory, Indexer(database, memory), History(database, memory))
        await recall.catch_up()
        assert SAID in await recall.texts(company, QUESTION)
        await (await memory.index()).aclose()
    assert len(set(names)) == 2


async def test_search_says_that_the_index_is_not_open_yet(database: Database, found: Found, tmp_path: Path) -> None:
    company = await found()
    memory = Memory(PackagedEmbedder(), lambda collection: EmbeddedIndex(tmp_path, collection))
    with pytest.raises(SearchUnavailable, match="being opened"):
        await History(database, memory).search(company.id, "anything", 5)


def test_nothing_heavy_is_imported_before_anybody_searches() -> None:
    heavy = {"onnxruntime", "tokenizers", "numpy", "qdrant_client", "qdrant_edge", "grpc"}
    doors = "nexus.cli.serve, nexus.gateway.server, nexus.http.app, nexus.mcp.door"
    code = f"import sys, {doors}; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
