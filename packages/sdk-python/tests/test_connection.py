"""What happens when the connection does not hold."""

import asyncio
import re

import pytest

from oblivion import Agent, Context, CredentialsRefused, TaskAssigned
from oblivion_protocol import TASK_COMMANDS


@pytest.fixture
def echo(agent: Agent) -> Agent:
    """An agent that completes every task with its title."""

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        return task.title

    return agent


async def test_a_result_finished_during_a_cut_is_delivered_afterwards_under_one_event_id(nexus, agent: Agent, serving):
    finish = asyncio.Event()

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        await finish.wait()
        return "done"

    async with serving(agent):
        await nexus.offer()
        await nexus.frame("ack")
        nexus.down = True
        nexus.cut()
        asked = len(nexus.requests)
        await nexus.until(lambda: len(nexus.requests) >= asked + 2, "two attempts to come back")
        finish.set()
        nexus.down = False
        hello = await nexus.frame("hello", 2)
        complete = await nexus.frame("task.complete")

    assert hello["holding"] == [{"task_id": "t1", "epoch": 1}]
    assert hello["last_seq"] == 1
    assert hello["instance"] == nexus.named("hello")[0]["instance"]
    assert complete["result"] == "done"
    assert len(nexus.named("task.complete")) == 1


async def test_a_result_whose_answer_was_lost_is_sent_again_unchanged(nexus, echo: Agent, serving):
    async def cut_instead_of_answering(_: object) -> dict[str, object]:
        del nexus.answers["task.complete"]
        nexus.cut()
        return {"ok": True}

    nexus.answers["task.complete"] = cut_instead_of_answering
    async with serving(echo):
        await nexus.offer()
        first = await nexus.frame("task.complete")
        second = await nexus.frame("task.complete", 2)

    assert first == second


async def test_a_disconnect_by_nexus_is_followed_by_a_connection_with_a_fresh_token(nexus, echo: Agent, serving):
    async with serving(echo):
        await nexus.kick()
        await nexus.frame("hello", 2)
        await nexus.offer()
        await nexus.frame("task.complete")

    assert nexus.handshakes == ["token-1", "token-2"]


@pytest.mark.parametrize("code", ["token_expired", "unauthorized"])
async def test_a_refused_token_is_replaced(nexus, echo: Agent, serving, code: str):
    nexus.refuse_handshakes = [code]
    async with serving(echo):
        pass

    assert nexus.handshakes == ["token-1", "token-2"]


async def test_wrong_credentials_end_the_agent_with_advice(nexus):
    agent = Agent("fixer", uri=nexus.uri, client_id="fixer-id", client_secret="obl_sk_wrong")
    agent.on_task()(lambda task, ctx: "")
    with pytest.raises(CredentialsRefused, match="Check AGENT_ID and AGENT_SECRET") as refused:
        async with asyncio.timeout(5):
            await agent.serve()

    assert "obl_sk_wrong" not in str(refused.value)
    assert len(nexus.requests) == 1


async def test_an_agent_that_may_not_connect_ends(nexus, echo: Agent):
    nexus.refuse_handshakes = ["forbidden"] * 9
    with pytest.raises(CredentialsRefused, match="forbidden"):
        async with asyncio.timeout(5):
            await echo.serve()

    assert len(nexus.handshakes) == 1


async def test_an_outage_of_the_token_endpoint_is_sat_out(nexus, echo: Agent, serving):
    nexus.token_answers = [(503, {}), (500, {"error": "server_error", "error_description": "try later"})]
    async with serving(echo):
        await nexus.offer()
        await nexus.frame("task.complete")

    assert len(nexus.handshakes) == 1


async def test_a_websocket_closed_before_it_says_anything_is_tried_again(nexus, echo: Agent, serving):
    nexus.slam_websockets = 2
    async with serving(echo):
        await nexus.offer()
        await nexus.frame("task.complete")

    assert nexus.slam_websockets == 0


async def test_a_revoked_task_is_canceled_and_a_confirmed_one_goes_on(nexus, serving):
    agent = Agent("fixer", concurrency=2, uri=nexus.uri, client_id="fixer-id", client_secret="obl_sk_right")
    finish, canceled = asyncio.Event(), list[str]()

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        try:
            await finish.wait()
        except asyncio.CancelledError:
            canceled.append(task.task_id)
            finish.set()
            raise
        return task.task_id

    async with serving(agent):
        await nexus.offer("t1")
        await nexus.offer("t2")
        await nexus.frame("task.accept", 2)
        nexus.hello |= {"revoked": [{"task_id": "t1", "epoch": 1}]}
        nexus.cut()
        complete = await nexus.frame("task.complete")

    assert canceled == ["t1"]
    assert complete["result"] == "t2"


async def test_a_replay_overtaken_by_a_live_event_is_put_in_order(nexus, agent: Agent, serving):
    texts: list[str] = []

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        async for update in ctx.updates():
            texts.append(update.text)
            if len(texts) == 3:
                break
        return ""

    async with serving(agent):
        await nexus.offer(seq=1)
        await nexus.frame("ack")
        nexus.hello |= {"replayed": 3}
        nexus.cut()
        await nexus.frame("hello", 2)
        await nexus.until(lambda: nexus.sid is not None, "the new connection")
        await nexus.update("third", seq=4)
        await nexus.update("second", seq=3)
        await nexus.update("first", seq=2)
        await nexus.frame("task.complete")

    assert texts == ["first", "second", "third"]
    assert {ack["seq"] for ack in nexus.named("ack")} == {1, 4}


async def test_a_draining_nexus_is_left_and_found_again(nexus, echo: Agent, serving):
    async with serving(echo):
        await nexus.send("server.draining", reconnect_after_seconds=0.01)
        await nexus.frame("hello", 2)
        await nexus.offer()
        await nexus.frame("task.complete")


async def test_an_expiring_token_is_refreshed_on_the_open_connection(nexus, echo: Agent, serving):
    async with serving(echo):
        await nexus.send("auth.refresh", expires_in=60)
        refresh = await nexus.frame("auth.refresh")

    assert refresh == {"token": "token-2"}
    assert nexus.handshakes == ["token-1"]


async def test_what_the_sdk_does_not_know_is_acknowledged_and_ignored(nexus, echo: Agent, serving):
    async with serving(echo):
        await nexus.durable("task.praised", stars=5)
        assert await nexus.frame("ack") == {"seq": 1}
        await nexus.send("weather", sunny=True)
        await nexus.update("?", kind="a kind of the future")
        await nexus.offer(field_of_the_future={"a": 1})
        complete = await nexus.frame("task.complete")

    assert complete["result"] == "CSV export"
    assert nexus.named("ack")[-1] == {"seq": 3}


async def test_every_command_fits_the_protocol(nexus, echo: Agent, serving):
    async with serving(echo):
        await nexus.offer()
        await nexus.frame("task.complete")

    for name, frame in nexus.frames:
        if name in TASK_COMMANDS:
            assert TASK_COMMANDS[name].model_validate(frame)
            assert re.fullmatch(r"[0-9a-f-]{36}", frame["event_id"])


async def test_a_handler_that_outlasts_the_drain_time_gives_its_task_back(nexus, serving):
    agent = Agent("slow", uri=nexus.uri, client_id="fixer-id", client_secret="obl_sk_right", drain_seconds=0.1)

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        await asyncio.Event().wait()
        return ""

    async with serving(agent):
        await nexus.offer()
        await nexus.frame("task.accept")
        agent.stop()
        fail = await nexus.frame("task.fail")

    assert fail["retryable"] is True
