"""Memory from end to end: said by people in their tools, found by agents and administrators over HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World, running_world

from oblivion import Agent, Context, TaskAssigned

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def world(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[World]:
    """Everything runs, the list is linked, and the gateway keeps an index."""
    monkeypatch.setenv("OBLIVION_SEARCH_DIRECTORY", str(tmp_path / "search"))
    async with running_world(database_url, redis_url) as running:
        indexing = asyncio.create_task(running.nexus.indexer().run())
        await running.nexus.links.link(running.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
        yield running
        indexing.cancel()
        await asyncio.gather(indexing, return_exceptions=True)


async def hits(api: httpx.AsyncClient, query: str) -> list[dict[str, Any]]:
    answer = await api.get("/v1/search", params={"q": query, "limit": 5})
    if answer.status_code == 503:  # the index is being opened
        return []
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def texts(api: httpx.AsyncClient, query: str) -> list[str]:
    return [hit["text"] for hit in await hits(api, query)]


async def test_what_was_said_is_found_follows_an_edit_and_is_gone_after_its_deletion(world: World) -> None:
    await world.nexus.directory.create(world.tenant_id, "fixer", ("fix_bug",), ("AI_Squad",))
    api = await world.admin()
    api.timeout = httpx.Timeout(20)
    async with api:
        item = await world.create_task("Nightly export of invoices")
        root = await world.root("Nightly export")
        said = "The download drops the last line when the customer name has a comma"
        ts = await world.reply(root["ts"], said)
        await world.comment(item, "Postgres ran out of connections at 02:00, see ERR-1037")

        async def is_found() -> list[dict[str, Any]]:
            first = await hits(api, "a row is missing in the csv file")
            return first if first and first[0]["text"] == said else []

        found = await eventually(is_found, "it is found", 10)
        assert found[0]["title"] == "Nightly export of invoices"
        assert found[0]["source"] == "slack"
        assert found[0]["url"].startswith("http")
        assert 0 < found[0]["score"] <= 1

        async def by_identifier() -> bool:
            first = (await hits(api, "ERR-1037"))[:1]
            return bool(first) and "ERR-1037" in first[0]["text"] and first[0]["source"] == "clickup"

        await eventually(by_identifier, "the comment is found by its identifier", 10)
        shown = await api.get(f"/v1/tasks/{found[0]['task_id']}")
        assert shown.json()["title"] == "Nightly export of invoices"

        edited = "The download drops the last line when the customer name has a semicolon"
        await world.slack.chat_update(channel=CHANNEL_ID, ts=ts, text=edited)

        async def edit_is_found() -> bool:
            return (await texts(api, "row missing in csv"))[:1] == [edited]

        await eventually(edit_is_found, "the edited text is found", 10)
        await world.slack.chat_delete(channel=CHANNEL_ID, ts=ts)

        async def is_gone() -> bool:
            return edited not in await texts(api, "row missing in csv")

        await eventually(is_gone, "the deleted message is gone", 10)
        index = await world.nexus.memory.index()

        async def points() -> bool:
            (left,) = (await world.rows("SELECT count(*) FROM search_changes"))[0]
            return left == 0 and await index.count(world.tenant_id) == 2  # the title and the comment

        await eventually(points, "the index itself has forgotten it", 10)


async def test_result_of_one_task_is_history_for_the_agent_of_the_next(world: World) -> None:
    seen: list[Any] = []
    client_id, secret = await world.agent_credentials("fixer", skills=("fix_bug",))
    agent = Agent("fixer", uri=world.url, client_id=client_id, client_secret=secret)

    @agent.on_task("fix_bug")
    async def fix(task: TaskAssigned, ctx: Context) -> str:
        if "again" in task.title:
            seen.extend(await agent.search_history("what fixed the payment retries"))
        return "Set the timeout of the payment gateway to 30 seconds; retries work now"

    running = asyncio.create_task(agent.serve())
    try:
        await eventually(lambda: world.gateway.online, "the agent is online")
        await world.create_task("Payments are not retried")

        async def learned() -> bool:
            (left,) = (await world.rows("SELECT count(*) FROM search_changes"))[0]
            done = await world.rows("SELECT 1 FROM tasks WHERE state = 'completed'")
            return bool(done) and left == 0

        await eventually(learned, "the result is indexed", 15)
        await world.create_task("Payments fail again")
        await eventually(lambda: seen, "the agent found something", 15)
        result = next(hit for hit in seen if hit.source == "agent")
        assert "30 seconds" in result.text
        assert result.title == "Payments are not retried"
    finally:
        agent.stop()
        await asyncio.wait_for(running, 10)
