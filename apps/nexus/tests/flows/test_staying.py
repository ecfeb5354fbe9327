"""An agent of the SDK stays on one connection through the lives of many tokens, and across a change of keys."""

import asyncio

import pytest
from support.waiting import eventually
from support.world import World

from nexus.auth.tokens import Tokens
from nexus.gateway import admissions, sockets
from oblivion import Agent, Context, TaskAssigned


async def _nothing(task: TaskAssigned, ctx: Context) -> str:
    return ""


async def test_a_connection_lives_on_while_its_tokens_and_keys_change(
    linked: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nexus, issued = linked.nexus, list[str]()
    monkeypatch.setattr(nexus.tokens, "_ttl_seconds", 3)
    monkeypatch.setattr(admissions, "REFRESH_BEFORE_SECONDS", 2)
    monkeypatch.setattr(sockets, "SWEEP_SECONDS", 0.2)
    issue = Tokens.issue

    async def counted(self: Tokens, *given: object) -> object:
        answer = await issue(self, *given)  # type: ignore[arg-type]
        issued.append(answer.access_token)
        return answer

    monkeypatch.setattr(Tokens, "issue", counted)
    client_id, secret = linked.agents["fixer"]
    agent = Agent("fixer", uri=linked.url, client_id=client_id, client_secret=secret)
    agent.on_task("fix_bug")(_nothing)
    serving = asyncio.create_task(agent.serve())
    try:
        await eventually(lambda: linked.gateway.online, "the agent is online")
        (before,) = await linked.rows("SELECT session_epoch, sid FROM agent_sessions WHERE closed_at IS NULL")
        for tokens in (2, 3, 4, 5):
            await nexus.keys.rotate(published_seconds=0)
            await eventually(lambda wanted=tokens: len(issued) >= wanted, f"token {tokens}")
        (after,) = await linked.rows("SELECT session_epoch, sid FROM agent_sessions WHERE closed_at IS NULL")
        assert after == before, "one connection"
        assert linked.gateway.online == 1
    finally:
        agent.stop()
        await asyncio.wait_for(serving, 10)
    assert len(set(issued)) == len(issued)
