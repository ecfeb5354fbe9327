"""GitHub for reading: an MCP server as a child process, which gets the agent's token and nothing else of ours."""

import logging
import re
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Protocol, TextIO

from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent, TextResourceContents, Tool
from mcp.types import EmbeddedResource as Embedded

from oblivion import Fatal, Retryable
from oblivion_reference_agent.github import GitHub
from oblivion_reference_agent.settings import GITHUB_DOT_COM, Settings

log = logging.getLogger("oblivion.reference")

READ_TOOLS = frozenset(
    {
        "get_commit",
        "get_file_contents",
        "issue_read",
        "list_branches",
        "list_commits",
        "list_issues",
        "list_pull_requests",
        "list_releases",
        "pull_request_read",
    }
)
"""Each names one repository by `owner` and `repo`; searches do not, so they are not among them."""

_LOOKS_REFUSED = re.compile(r"\b401\b|bad credentials|authentication failed", re.IGNORECASE)

MAX_RESULT_CHARS = 20_000
CALL_TIMEOUT_SECONDS = 60.0


class ToolFailed(Exception):
    """A tool could not do it; the text is for the model."""


class ReadTools(Protocol):
    """What the graph reads with."""

    @property
    def specs(self) -> list[dict[str, Any]]:
        """The tools, as OpenAI describes functions."""
        ...

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """A tool's answer as text. Raises `ToolFailed`."""
        ...


class NoTools:
    """For an agent without a GitHub token."""

    specs: list[dict[str, Any]] = []  # noqa: RUF012 -- never changed

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Always fails."""
        raise ToolFailed(f"There is no tool {name!r}: this agent has no GITHUB_TOKEN.")


class GitHubReadTools:
    """The tools of one running MCP server."""

    def __init__(self, client: Client, tools: list[Tool], github: GitHub) -> None:
        self._client = client
        self._github = github
        self.specs = [_spec(tool) for tool in tools]
        self._names = {tool.name for tool in tools}

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Checks the repository, then calls. Raises `ToolFailed`, or `Fatal` when the token is refused."""
        if name not in self._names:
            raise ToolFailed(f"There is no tool {name!r}.")
        try:
            self._github.must_allow(f"{arguments.get('owner', '')}/{arguments.get('repo', '')}")
        except Fatal as refused:
            raise ToolFailed(str(refused)) from refused
        try:
            result = await self._client.call_tool(name, arguments, read_timeout_seconds=CALL_TIMEOUT_SECONDS)
        except MCPError as error:
            # A server may answer 401 as an error of the protocol instead of a failed call.
            await self._refused(str(error))
            raise ToolFailed(str(error)) from error
        text = _text(result)
        if result.is_error:
            await self._refused(text)
            raise ToolFailed(text)
        return text

    async def _refused(self, text: str) -> None:
        """Raises `Fatal` if it was the token; words alone do not tell, so GitHub is asked."""
        if _LOOKS_REFUSED.search(text):
            await self._github.check_token()


@asynccontextmanager
async def open_read_tools(settings: Settings, github: GitHub) -> AsyncGenerator[GitHubReadTools]:
    """Starts the server, and ends it afterwards. Raises `Fatal` when it offers to write, `Retryable` when it dies."""
    command, *arguments = settings.github_mcp_command
    parameters = StdioServerParameters(command=command, args=arguments, env=child_environment(settings))
    # A file, not our stderr: what a child prints has not been masked.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as printed:
        try:
            async with _connected(parameters, printed) as client:
                offered = (await client.list_tools()).tools
                refuse_writes(offered)
                yield GitHubReadTools(client, [tool for tool in offered if tool.name in READ_TOOLS], github)
        except FileNotFoundError as error:
            raise Fatal(
                f"The GitHub MCP server {command!r} is not installed here. Install it, or set OBLIVION_GITHUB_MCP_CMD."
            ) from error
        except (MCPError, ConnectionError) as error:
            log.error("mcp.failed error=%s printed=%s", error, _tail(printed))
            raise Retryable("The GitHub MCP server stopped; its last words are in the agent's log.") from error


@asynccontextmanager
async def _connected(parameters: StdioServerParameters, printed: TextIO) -> AsyncGenerator[Client]:
    """The client, raising what was raised: its task groups wrap every error in groups of one."""
    try:
        async with Client(stdio_client(parameters, errlog=printed), mode="legacy", cache=None) as client:
            yield client
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]  # pyright: ignore[reportUnknownVariableType]
        raise first from None


def child_environment(settings: Settings) -> dict[str, str]:
    """What is added to the few harmless variables (PATH, HOME, USER …) that the MCP client hands down."""
    added = {"GITHUB_PERSONAL_ACCESS_TOKEN": settings.github_token, "GITHUB_READ_ONLY": "1"}
    if settings.github_host != GITHUB_DOT_COM:
        added["GITHUB_HOST"] = settings.github_host
    return added


def refuse_writes(offered: list[Tool]) -> None:
    """Raises `Fatal` unless every offered tool says that it only reads."""
    writing = [tool.name for tool in offered if tool.annotations is None or tool.annotations.read_only_hint is not True]
    if writing:
        raise Fatal(
            f"The GitHub MCP server offers tools that write ({', '.join(sorted(writing)[:5])} …). "
            "Start it with --read-only; see OBLIVION_GITHUB_MCP_CMD."
        )


def _spec(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description or "", "parameters": tool.input_schema},
    }


def _text(result: CallToolResult) -> str:
    parts: list[str] = []
    for block in result.content:
        match block:
            case TextContent():
                parts.append(block.text)
            case Embedded(resource=TextResourceContents() as resource):
                parts.append(resource.text)
            case _:
                parts.append(f"[{block.type}]")
    text = "\n".join(parts)
    return text if len(text) <= MAX_RESULT_CHARS else text[:MAX_RESULT_CHARS] + "\n[cut]"


def _tail(printed: TextIO) -> str:
    printed.seek(0)
    return " | ".join(printed.read()[-2_000:].splitlines()[-5:])
