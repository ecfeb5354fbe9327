"""What PostgreSQL cannot keep, said by a coding agent: a refusal or a stand-in, never a failure of ours."""

import json
from typing import Any

import httpx
import pytest
from support.world import World

HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json",
           "Oblivion-Instance": "one", "MCP-Protocol-Version": "2025-06-18"}  # fmt: skip
UNSTORABLE = ('"NUL \\u0000"', '"half \\ud800"', '"raw \\u0000\\udfff"')


@pytest.mark.parametrize("said", UNSTORABLE)
async def test_text_that_no_column_can_hold_is_answered(world: World, token: str, said: str) -> None:
    item = await world.create_task("Odd", "@AI_Squad fix_bug")
    assert item
    async with httpx.AsyncClient(base_url=world.url, timeout=30) as api:

        async def call(tool: str, arguments: str) -> dict[str, Any]:
            params = f'{{"name": "{tool}", "arguments": {arguments}}}'
            body = f'{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {params}}}'
            answer = await api.post("/mcp", content=body, headers=HEADERS | {"Authorization": f"Bearer {token}"})
            assert answer.status_code in (200, 400), answer.text
            lines = [line for line in answer.text.splitlines() if line.startswith("data: ")]
            return json.loads(lines[-1].removeprefix("data: ")) if lines else answer.json()

        offered = await call("next_task", '{"wait_seconds": 20}')
        task = json.loads(offered["result"]["content"][0]["text"])["task"]
        about = f'"task_id": "{task["task_id"]}", "epoch": {task["epoch"]}'
        await call("accept", f"{{{about}}}")
        for tool, more in (
            ("post_update", f'"text": {said}'),
            ("ask_human", f'"question": {said}, "options": [{said}]'),
            ("set_plan", f'"steps": [{{"title": {said}}}]'),
        ):
            answer = await call(tool, f"{{{about}, {more}}}")
            assert "internal" not in json.dumps(answer).lower(), answer
        await call("search_history", f'{{"query": {said}}}')
        assert (await api.get("/livez")).status_code == 200
