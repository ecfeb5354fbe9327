"""The outermost layer: a request id for everything, bounds on bodies, and no exception gets past it."""

import asyncio
import re

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nexus.http.headers import protecting
from nexus.http.limits import HEADERS
from nexus.http.problems import Outcome, outcome_of, problem
from nexus.kit.ids import new_id
from nexus.kit.logging import get_logger

MAX_BODY_BYTES = 1024 * 1024
BODY_TIMEOUT_SECONDS = 5.0

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = get_logger("nexus.http")


class Boundary:
    """Pure ASGI middleware. Takes over a well-formed `X-Request-Id`, makes one otherwise, and always returns it.

    `cors` says that pages of other origins may call what is inside.
    """

    def __init__(self, app: ASGIApp, *, cors: bool = False) -> None:
        self._app = app
        self._cors = cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                more = {"x-request-id": request_id, **scope["state"].get(HEADERS, {})}
                added = [(name.lower().encode(), value.encode()) for name, value in more.items()]
                headers = [*message.get("headers", ()), *added]
                headers += protecting(scope["path"], scope.get("scheme", ""), headers, cors=self._cors)
                message["headers"] = headers
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, _bounded(scope, receive), send_with_id)
            except Exception as error:
                outcome = outcome_of(error)
                _note(outcome, error, scope)
                if started:
                    raise
                await problem(outcome, request_id)(scope, receive, send_with_id)


def _note(outcome: Outcome, error: Exception, scope: Scope) -> None:
    facts = {"method": scope["method"], "path": scope["path"], "status": outcome.status}
    if outcome.code == "internal":
        _log.error("request.failed", **facts, exc_info=error)
    elif outcome.status >= 500:
        _log.warning("request.unavailable", **facts, error=type(error).__name__)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            if _REQUEST_ID.fullmatch(text):
                return text
            break
    return new_id().hex


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """`receive`, that refuses once the body is larger than we read, whatever its headers say, or takes too long."""
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    taken, complete = 0, False
    deadline: float | None = None

    async def bounded() -> Message:
        nonlocal taken, complete, deadline
        if announced.isdigit() and int(announced[:20]) > MAX_BODY_BYTES:
            raise _too_large()
        if complete:  # what comes now is the end of the connection, for which one may wait
            return await receive()
        deadline = deadline or asyncio.get_running_loop().time() + BODY_TIMEOUT_SECONDS
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, f"The body did not arrive within {BODY_TIMEOUT_SECONDS:.0f} s.") from error
        if message["type"] == "http.request":
            complete = not message.get("more_body", False)
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:
                raise _too_large()
        return message

    return bounded


def _too_large() -> HTTPException:
    # The framework's own exception: any other one, raised while it reads a body, becomes a 400.
    return HTTPException(413, f"A body may have {MAX_BODY_BYTES} bytes.")
