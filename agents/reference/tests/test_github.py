"""The agent's own token is used, no other, and for reading alone until people said yes."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import MCP_TEST_SERVER, TOKEN, MakeSettings, no_tracing
from fake_context import FakeContext, assigned
from fake_github import FakeGitHub

from oblivion import Context, Fatal, Retryable
from oblivion_reference_agent.agent import Worker
from oblivion_reference_agent.github import GitHub
from oblivion_reference_agent.model import OfflineModel
from oblivion_reference_agent.settings import Settings
from oblivion_reference_agent.tools import READ_TOOLS, ToolFailed, open_read_tools

STRANGER = "ghp_SomebodyElsesToken0000000000000002"
HANDED_DOWN = {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"}


async def work(settings: Settings, ctx: FakeContext, **task: Any) -> str:
    return await Worker(settings, no_tracing(settings), OfflineModel()).handle(assigned(**task), cast("Context", ctx))


async def test_it_reads_with_its_own_token_and_no_other(
    make_settings: MakeSettings, github: FakeGitHub, mcp_command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_PERSONAL_ACCESS_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, STRANGER)
    github.tokens.add(STRANGER)
    result = await work(make_settings(OBLIVION_GITHUB_MCP_CMD=mcp_command), FakeContext(), type="read_repository")
    assert "Exports orders as CSV." in result
    assert "Export is slow" in result or "list_issues: []" in result
    assert github.authorizations == {f"Bearer {TOKEN}"}
    assert {one.method for one in github.seen if not one.path.endswith("/graphql")} <= {"GET", "HEAD"}


async def test_the_server_gets_the_token_and_nothing_else_of_ours(
    make_settings: MakeSettings, github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AGENT_SECRET", "OPENAI_API_KEY", "LANGFUSE_SECRET_KEY", "DATABASE_URL"):
        monkeypatch.setenv(name, "not-for-children")
    told = tmp_path / "environment.json"
    settings = make_settings(OBLIVION_GITHUB_MCP_CMD=f"{MCP_TEST_SERVER} --tell {told}")
    await work(settings, FakeContext(), type="read_repository")
    environment = json.loads(told.read_text())
    assert {name: value for name, value in environment.items() if name not in HANDED_DOWN | {"LC_CTYPE"}} == {
        "GITHUB_PERSONAL_ACCESS_TOKEN": TOKEN,
        "GITHUB_READ_ONLY": "1",
        "GITHUB_HOST": github.url,
    }


async def test_no_tool_that_writes_is_offered(make_settings: MakeSettings, mcp_command: str) -> None:
    settings = make_settings(OBLIVION_GITHUB_MCP_CMD=mcp_command)
    async with GitHub(settings) as github, open_read_tools(settings, github) as tools:
        names = {spec["function"]["name"] for spec in tools.specs}
    assert names >= {"get_file_contents", "list_issues"}
    assert names <= READ_TOOLS


DESTRUCTIVE = (
    "actions_run_trigger", "add_issue_comment", "create_branch", "create_or_update_file", "create_pull_request",
    "create_repository", "delete_file", "fork_repository", "issue_write", "merge_pull_request", "push_files",
    "pull_request_review_write", "update_pull_request", "update_pull_request_branch",
)  # fmt: skip
"""What GitHub's own server can do when it may write: https://github.com/github/github-mcp-server."""


async def test_no_tool_that_changes_something_is_called_whatever_the_model_and_the_server_say(
    make_settings: MakeSettings, github: FakeGitHub
) -> None:
    assert not READ_TOOLS & {*DESTRUCTIVE}
    settings = make_settings(OBLIVION_GITHUB_MCP_CMD=f"{MCP_TEST_SERVER} --lies")
    async with GitHub(settings) as client, open_read_tools(settings, client) as tools:
        assert {spec["function"]["name"] for spec in tools.specs} <= READ_TOOLS
        for name in DESTRUCTIVE:
            with pytest.raises(ToolFailed, match=f"There is no tool '{name}'"):
                await tools.call(name, {"owner": "acme", "repo": "shop", "title": "gone"})
    assert not github.posted()


async def test_a_server_that_offers_to_write_is_refused(make_settings: MakeSettings, github: FakeGitHub) -> None:
    settings = make_settings(OBLIVION_GITHUB_MCP_CMD=f"{MCP_TEST_SERVER} --writes")
    with pytest.raises(Fatal, match=r"offers tools that write \(issue_write"):
        await work(settings, FakeContext())
    assert not github.issues


async def test_a_wrong_token_fails_the_task_with_what_to_do(make_settings: MakeSettings, github: FakeGitHub) -> None:
    ctx = FakeContext()
    with pytest.raises(Fatal, match=r"401 Bad credentials.*new token.*GITHUB_TOKEN.*restart the agent") as failure:
        await work(make_settings(GITHUB_TOKEN=STRANGER), ctx)
    assert STRANGER not in str(failure.value)
    assert ctx.ticks[0] == ("Start", "pending")
    assert not ctx.actions


async def test_a_token_that_is_refused_while_reading_fails_the_task_too(
    make_settings: MakeSettings, github: FakeGitHub, mcp_command: str
) -> None:
    settings = make_settings(OBLIVION_GITHUB_MCP_CMD=mcp_command)
    async with GitHub(settings) as client:
        with pytest.raises(Fatal, match="401 Bad credentials"):
            async with open_read_tools(settings, client) as tools:
                github.tokens.clear()
                await tools.call("get_file_contents", {"owner": "acme", "repo": "shop", "path": "README.md"})


async def test_a_missing_file_is_the_models_to_handle(make_settings: MakeSettings, mcp_command: str) -> None:
    settings = make_settings(OBLIVION_GITHUB_MCP_CMD=mcp_command)
    async with GitHub(settings) as client, open_read_tools(settings, client) as tools:
        with pytest.raises(ToolFailed):
            await tools.call("get_file_contents", {"owner": "acme", "repo": "other", "path": "README.md"})


async def test_a_repository_that_is_not_the_agents_is_not_asked_for(
    make_settings: MakeSettings, github: FakeGitHub
) -> None:
    settings = make_settings(GITHUB_REPOSITORIES="acme/website")
    async with GitHub(settings) as client, open_read_tools(settings, client) as tools:
        with pytest.raises(ToolFailed, match="may not touch acme/shop"):
            await tools.call("get_file_contents", {"owner": "acme", "repo": "shop", "path": "README.md"})
    assert not github.seen


async def test_a_server_that_dies_sends_the_task_back_and_its_words_to_the_log(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Retryable, match="MCP server stopped"):
        await work(make_settings(OBLIVION_GITHUB_MCP_CMD=f"{MCP_TEST_SERVER} --die"), FakeContext())
    assert "no licence for" in caplog.text


async def test_a_server_that_is_not_installed_says_what_to_do(make_settings: MakeSettings) -> None:
    with pytest.raises(Fatal, match=r"not installed here.*OBLIVION_GITHUB_MCP_CMD"):
        await work(make_settings(OBLIVION_GITHUB_MCP_CMD="no-such-server stdio"), FakeContext())


async def test_without_a_token_it_works_without_github(make_settings: MakeSettings, github: FakeGitHub) -> None:
    ctx = FakeContext()
    result = await work(make_settings(GITHUB_TOKEN=""), ctx)
    assert "acme/shop is named, but I have no tool to read it" in result
    assert "No GITHUB_TOKEN is set: I work without GitHub" in ctx.notes
    assert not github.seen
