"""The example and the agent of `oblivion up` do what they show."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def environment(nexus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBLIVION_URI", nexus.uri)
    monkeypatch.setenv("AGENT_ID", "fixer-id")
    monkeypatch.setenv("AGENT_SECRET", "obl_sk_right")
    monkeypatch.setenv("DEMO_STEP_SECONDS", "0.05")


async def test_the_hello_example_says_hello(nexus, environment, serving):
    async with serving(runpy.run_path(str(EXAMPLES / "hello.py"))["agent"]):
        await nexus.offer(type="greet", title="Say hello to Dana")
        message = await nexus.frame("task.message")
        complete = await nexus.frame("task.complete")

    assert message["text"] == "Hello! I am working on: Say hello to Dana"
    assert complete["result"] == "Done: Say hello to Dana"


@pytest.mark.parametrize("task_type", ["fix_bug", "anything_else"])
async def test_the_demo_agent_ticks_its_plan_and_quotes_the_replies(
    nexus, environment, serving, task_type: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    async with serving(runpy.run_module("oblivion_sandbox.demo_agent")["agent"]):
        await nexus.offer(type=task_type)
        message = await nexus.frame("task.message")
        await nexus.update("Keep the columns, please\nand the header")
        complete = await nexus.frame("task.complete")

    assert message["text"] == "On it: CSV export"
    assert complete["result"] == (
        "Done: CSV export. I read 1 note from you.\n> Dana Reyes: Keep the columns, please and the header"
    )
    plan = nexus.named("task.plan")[-1]["steps"]
    assert [step["state"] for step in plan] == ["done", "done", "done"]
    assert "task.completed task=t1" in caplog.messages
    assert "demo.update kind=reply source=slack" in caplog.messages


async def test_the_demo_agent_without_replies_is_short(nexus, environment, serving):
    async with serving(runpy.run_module("oblivion_sandbox.demo_agent")["agent"]):
        await nexus.offer()
        assert (await nexus.frame("task.complete"))["result"] == "Done: CSV export."
