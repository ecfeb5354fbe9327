"""What the tests share: a GitHub on this machine, both MCP servers, and settings that name nothing else."""

import os
import shutil
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from fake_github import FakeGitHub, running_github

from oblivion_reference_agent.masking import Masker
from oblivion_reference_agent.settings import Settings, read_settings
from oblivion_reference_agent.tracing import Tracing

TOKEN = "ghp_AgentOwnToken000000000000000000001"
MCP_TEST_SERVER = f"{sys.executable} {Path(__file__).parent / 'mcp_server.py'}"

MakeSettings = Callable[..., Settings]


def official_server() -> str | None:
    """The command of GitHub's own MCP server, where there is one."""
    if command := os.environ.get("OBLIVION_GITHUB_MCP_CMD"):
        return command
    found = shutil.which("github-mcp-server")
    return f"{found} stdio --read-only --toolsets repos,issues,pull_requests" if found else None


@pytest.fixture
def github() -> Generator[FakeGitHub]:
    with running_github(TOKEN) as fake:
        yield fake


@pytest.fixture(params=["test server", "official server"])
def mcp_command(request: pytest.FixtureRequest) -> str:
    if request.param == "test server":
        return MCP_TEST_SERVER
    command = official_server()
    if command is None:
        pytest.skip("github-mcp-server is neither on PATH nor in OBLIVION_GITHUB_MCP_CMD")
    return command


@pytest.fixture
def environ(github: FakeGitHub, tmp_path: Path) -> dict[str, str]:
    return {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_HOST": github.url,
        "OBLIVION_GITHUB_MCP_CMD": MCP_TEST_SERVER,
        "OBLIVION_CHECKPOINTS": str(tmp_path / "checkpoints.sqlite"),
    }


@pytest.fixture
def make_settings(environ: dict[str, str]) -> MakeSettings:
    def make(**changes: str) -> Settings:
        return read_settings(environ | changes)

    return make


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


def no_tracing(settings: Settings) -> Tracing:
    return Tracing(settings, Masker(settings.secrets))


@pytest.fixture(autouse=True)
def no_secrets_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("LANGFUSE_", "OTEL_", "OPENAI_", "LANGSMITH_", "LANGCHAIN_", "GITHUB_", "AGENT_")):
            monkeypatch.delenv(name)
