"""Who serves a request: the webhook door, the gateway's sockets, or the API."""

from typing import Any

from nexus.http.webhooks import PREFIX, WebhookDoor


class Front:
    """ASGI application that sends each request to one of three, by the beginning of its path."""

    def __init__(self, door: WebhookDoor, sockets: Any, api: Any) -> None:
        self._door = door
        self._sockets = sockets
        self._api = api

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serves one request, or one socket."""
        path: str = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(PREFIX):
            await self._door(scope, receive, send)
        elif path.startswith("/socket.io/"):
            await self._sockets(scope, receive, send)
        else:
            await self._api(scope, receive, send)
