"""Who serves a request: the webhook door, the gateway's sockets, the MCP door, or the API."""

from typing import Any, Protocol

from nexus.http.webhooks import PREFIX, WebhookDoor


class Door(Protocol):
    """An ASGI application that knows which paths are its own."""

    def serves(self, path: str) -> bool:
        """Whether this path is."""
        ...

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves one request."""
        ...


class Front:
    """ASGI application that sends each request to one of four, by the beginning of its path."""

    def __init__(self, door: WebhookDoor, sockets: Any, mcp: Door, api: Any) -> None:
        self._door = door
        self._sockets = sockets
        self._mcp = mcp
        self._api = api

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serves one request, or one socket."""
        path: str = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(PREFIX):
            await self._door(scope, receive, send)
        elif path.startswith("/socket.io/"):
            await self._sockets(scope, receive, send)
        elif scope["type"] == "http" and self._mcp.serves(path):
            await self._mcp(scope, receive, send)
        else:
            await self._api(scope, receive, send)
