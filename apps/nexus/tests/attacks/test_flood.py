"""One agent floods its threads through three processes of Nexus, and Redis is killed midway."""

import asyncio
import random
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attacks.conftest import Figures
from cluster import running_cluster
from support.waiting import eventually

from nexus.bootstrap import open_nexus
from oblivion import Agent, Context, TaskAssigned

MESSAGES, PER_MINUTE, PROCESSES = 1_000, 1_000, 3
LIMIT = 10
REDIS_AWAY_SECONDS = 2.0


async def test_a_flood_is_muted_by_its_eleventh_message_and_not_a_word_of_it_is_lost(
    postgres_directory: Path, size: Callable[[int], int], dice: random.Random, figures: Figures
) -> None:
    each = -(-size(MESSAGES) // PROCESSES)
    said: list[tuple[str, bool]] = []
    async with running_cluster(PROCESSES, 1, directory=postgres_directory, seed=dice.randrange(1, 10**6)) as cluster:
        async with open_nexus(cluster.settings) as nexus:
            made = await nexus.directory.create(cluster.tenant_id, "flood", ("fix_bug",), ("AI_Squad",))

        async def chatter(task: TaskAssigned, ctx: Context) -> str:
            began, mark = time.monotonic(), secrets.token_hex(2)
            for number in range(each):
                await asyncio.sleep(max(0.0, began + number * PROCESSES * 60 / PER_MINUTE - time.monotonic()))
                words = f"<{mark}-{number}>"
                said.append((words, await ctx.say(words)))
            return f"<{mark}-end>"

        credentials = {"client_id": made.client_id, "client_secret": made.client_secret}
        agents = [Agent("flood", uri=url, **credentials) for url in cluster.gateway_urls]
        for agent in agents:
            agent.on_task("fix_bug")(chatter)
        serving = [asyncio.create_task(agent.serve()) for agent in agents]
        try:
            conversations = await cluster.conversations(PROCESSES)
            await eventually(lambda: len(said) >= PROCESSES * each // 2, "half of the flood", seconds=120)
            cluster.valkey.stop(immediate=True)
            await asyncio.sleep(REDIS_AWAY_SECONDS)  # the fault itself
            cluster.valkey.start()
            await eventually(lambda: len(said) >= PROCESSES * each, "all of the flood", seconds=120)

            async def all_over() -> bool:
                (row,) = await cluster.rows("SELECT count(*) AS n FROM tasks WHERE state = 'completed'")
                return row.n == PROCESSES

            await eventually(all_over, "the tasks are over", seconds=60)
            await cluster.settled(60)
            out = sum(shown for _, shown in said)
            before = [words for thread in await threads(cluster, conversations) for words in thread]
            assert sorted(before) == sorted(words for words, shown in said if shown)
            (mute,) = await cluster.rows("SELECT held, automatic FROM mutes")
            (acts,) = await cluster.rows("SELECT count(*) AS n FROM audit_log WHERE action = 'agent.mute'")
            async with await cluster.admin() as admin:
                (await admin.post("/v1/agents/flood/unmute")).raise_for_status()

            async def let_go() -> bool:
                (row,) = await cluster.rows("SELECT count(*) AS n FROM held_posts WHERE state = 'held'")
                return row.n == 0

            await eventually(let_go, "what was held is let go", seconds=60)
            await cluster.settled(120)
            after = await threads(cluster, conversations)
            (posts,) = await cluster.rows("SELECT count(*) AS n FROM deliveries WHERE kind = 'reply'")
        finally:
            for agent in agents:
                agent.stop()
            await asyncio.gather(*serving, return_exceptions=True)
    flat = [words for thread in after for words in thread]
    expected = {words for words, _ in said}
    missing, doubled = expected - set(flat), len(flat) - len(set(flat))
    inversions = sum(numbers(thread) != sorted(numbers(thread)) for thread in after)
    figures.keep(
        "Flood of one agent on three processes, Redis killed midway",
        messages=len(said),
        processes=PROCESSES,
        posted_before_the_mute=out,
        held=mute.held,
        posts_in_all=posts.n,
        lost=len(missing),
        doubled=doubled,
        inversions=inversions,
    )
    assert out == LIMIT, "PostgreSQL counts, so Redis makes no difference"
    assert (mute.held, mute.automatic, acts.n) == (len(said) - LIMIT + PROCESSES, True, 1), "the results wait, too"
    assert (missing, doubled, inversions) == (set(), 0, 0)
    assert len(flat) == len(said) + PROCESSES


async def threads(cluster: Any, conversations: list[Any]) -> list[list[str]]:
    """The agent's words in each thread, in their order there."""
    found: list[list[str]] = []
    async with cluster.slack() as slack:
        for _, channel, root_ts in conversations:
            words: list[str] = []
            cursor = ""
            while True:
                where = {"channel": channel, "ts": root_ts, "limit": 200} | ({"cursor": cursor} if cursor else {})
                page = (await slack.get("/conversations.replies", params=where)).json()
                for message in page["messages"]:
                    drawn = str([block for block in message["blocks"] if block["type"] == "section"])
                    if "muted" not in drawn and "speak again" not in drawn:
                        words += re.findall(r"&lt;([0-9a-f]{4}-(?:\d+|end))&gt;", drawn)
                cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
                if not cursor:
                    break
            found.append([f"<{one}>" for one in words])
    return found


def numbers(thread: list[str]) -> list[int]:
    return [10**6 if "end" in words else int(words.strip("<>").split("-")[1]) for words in thread]
