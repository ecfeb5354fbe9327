"""The index in a folder has one owner, and is thrown away when it is broken."""

import shutil
from pathlib import Path
from uuid import uuid4

import pytest

from nexus.search.embedded import EmbeddedIndex
from nexus.search.errors import SearchUnavailable
from nexus.search.lexical import encode_document
from nexus.search.store import Collection, Place, Point

TENANT = uuid4()
POINT = Point(Place("message", uuid4(), "text", 0, 5), [1, 0, 0], encode_document("hello"))


def index_in(directory: Path, model: str = "tiny") -> EmbeddedIndex:
    return EmbeddedIndex(directory, Collection(model, 3))


async def filled(directory: Path) -> EmbeddedIndex:
    index = index_in(directory)
    assert not await index.exists()
    await index.create()
    await index.put(TENANT, [POINT])
    return index


async def test_a_second_process_is_told_what_to_do_and_takes_over_when_the_first_is_gone(tmp_path: Path) -> None:
    first, second = await filled(tmp_path), index_in(tmp_path)
    with pytest.raises(SearchUnavailable, match="OBLIVION_QDRANT_URL"):
        await second.exists()
    with pytest.raises(SearchUnavailable):
        await second.count(TENANT)
    await first.aclose()
    assert await second.exists()
    assert await second.count(TENANT) == 1
    await second.aclose()


async def test_what_was_put_is_there_after_a_crash(tmp_path: Path) -> None:
    crashed = await filled(tmp_path)
    survivor = EmbeddedIndex(tmp_path / "copy", Collection("tiny", 3))
    (tmp_path / "copy").mkdir()
    name = Collection("tiny", 3).name
    shutil.copytree(tmp_path / name, tmp_path / "copy" / name)  # as it lies on the disk, without anybody closing it
    assert await survivor.exists()
    assert await survivor.count(TENANT) == 1
    await survivor.aclose()
    await crashed.aclose()


async def test_a_broken_index_is_removed_so_that_it_can_be_filled_anew(tmp_path: Path) -> None:
    await (await filled(tmp_path)).aclose()
    for file in (tmp_path / Collection("tiny", 3).name).rglob("*"):
        if file.is_file():
            file.write_bytes(b"garbage")
    index = index_in(tmp_path)
    assert not await index.exists()
    await index.create()
    assert await index.count(TENANT) == 0
    await index.aclose()


async def test_a_deleted_folder_is_noticed_by_the_process_that_has_it_open(tmp_path: Path) -> None:
    index = await filled(tmp_path)
    shutil.rmtree(tmp_path / Collection("tiny", 3).name)
    assert not await index.exists()
    await index.create()
    await index.put(TENANT, [POINT])
    assert await index.count(TENANT) == 1
    await index.aclose()


async def test_an_index_of_another_model_makes_room(tmp_path: Path) -> None:
    await (await filled(tmp_path)).aclose()
    other = index_in(tmp_path, "another")
    assert not await other.exists()
    await other.create()
    assert await other.count(TENANT) == 0
    assert _folders(tmp_path) == [Collection("another", 3).name]
    await other.aclose()


async def test_a_place_where_nothing_can_be_written_is_a_sentence_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SearchUnavailable, match="fails"):
        await index_in(tmp_path / "file").exists()


def _folders(directory: Path) -> list[str]:
    return [each.name for each in directory.iterdir() if each.is_dir()]
