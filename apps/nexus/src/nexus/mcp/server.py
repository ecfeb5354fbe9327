"""The MCP protocol around the tools. The one module that imports the library, which takes a second: see `door.py`."""

import asyncio
import contextvars
from typing import Any, cast

import mcp_types as types
import orjson
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from nexus.http.boundary import MAX_BODY_BYTES
from nexus.kit.logging import get_logger
from nexus.mcp.door import CLIENT
from nexus.mcp.processes import Client
from nexus.mcp.refusals import Code, ToolRefused
from nexus.mcp.service import AgentTools
from nexus.mcp.tools import INSTRUCTIONS, TOOLS
from oblivion_protocol import MAX_MESSAGE_BYTES

log = get_logger(__name__)


class McpServer:
    """Speaks MCP over HTTP, each request by itself: any gateway process may serve any of them."""

    def __init__(self, tools: AgentTools, version: str) -> None:
        self._tools = tools
        server: Server[Any] = Server(
            "oblivion",
            version=version,
            title="Oblivion",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
        )
        self._manager = StreamableHTTPSessionManager(server, stateless=True, max_request_body_size=MAX_BODY_BYTES)
        self._listed = [
            types.Tool(
                name=name,
                description=tool.description,
                input_schema=tool.arguments.model_json_schema(),
                annotations=types.ToolAnnotations(read_only_hint=tool.reads_only, open_world_hint=False),
            )
            for name, tool in TOOLS.items()
        ]
        self._up = asyncio.Event()
        # In no request's context: it outlives the one that has started it.
        self._running = asyncio.create_task(self._run(), name="mcp", context=contextvars.Context())

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        await self._up.wait()
        await self._manager.handle_request(scope, receive, send)

    async def _run(self) -> None:
        async with self._manager.run():
            self._up.set()
            await asyncio.Event().wait()

    async def _list_tools(
        self, _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=self._listed)

    async def _call_tool(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        client: Client = context.request.scope["state"][CLIENT]  # pyright: ignore[reportOptionalMemberAccess]
        tool = TOOLS.get(params.name)
        if tool is None:
            return _refused("invalid", f"There is no tool {params.name!r}. There are: {', '.join(TOOLS)}.")
        try:
            given = _storable(params.arguments or {})
            if len(orjson.dumps(given)) > MAX_MESSAGE_BYTES:
                return _refused("invalid", f"A call may have {MAX_MESSAGE_BYTES} bytes. Say less, or link to it.")
            arguments = tool.arguments.model_validate(given)
            result = await self._tools.call(client, arguments, params.name)
        except ValidationError as error:
            return _refused("invalid", _why(error))
        except (RecursionError, orjson.JSONEncodeError):
            return _refused("invalid", "The arguments are nested too deeply.")
        except ToolRefused as refused:
            return _result(refused.told(), is_error=True)
        except Exception as error:
            log.error("mcp.failed", tool=params.name, exc_info=error)
            return _refused("unavailable", "This is a bug of ours; it is in the log of Nexus.")
        return _result(result)


def _refused(code: Code, detail: str) -> types.CallToolResult:
    return _result(ToolRefused(code, detail).told(), is_error=True)


def _result(content: dict[str, Any], *, is_error: bool = False) -> types.CallToolResult:
    """Once for programs, and once as text, which is what models are shown."""
    text = orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=content, is_error=is_error
    )


def _storable(value: Any) -> Any:
    """With a mark for each letter that PostgreSQL keeps in no text: NUL, and half of a surrogate pair."""
    match value:
        case str():
            return value.replace("\x00", "\ufffd").encode(errors="replace").decode()
        case list():
            return [_storable(each) for each in cast("list[Any]", value)]
        case dict():
            return {key: _storable(each) for key, each in cast("dict[str, Any]", value).items()}
        case _:
            return value


def _why(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[:5]
    return "; ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in found)
