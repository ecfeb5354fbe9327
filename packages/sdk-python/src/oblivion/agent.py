"""The agent: what it can do, and where it connects."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import TypeVar

from oblivion._door import Door, real_door
from oblivion._duration import Duration, seconds_of
from oblivion._handlers import DEFAULT_TYPE, ContextFunction, Handler, Handlers, Middleware, TaskFunction
from oblivion._service import Service
from oblivion._settings import resolve
from oblivion._threads import Threads
from oblivion.errors import ConfigurationError, CredentialsRefused
from oblivion_protocol import SearchHit

log = logging.getLogger("oblivion")

F = TypeVar("F", bound=TaskFunction)
C = TypeVar("C", bound=ContextFunction)
M = TypeVar("M", bound=Middleware)

Lifespan = Callable[["Agent"], contextlib.AbstractAsyncContextManager[object]]
"""Around all that an agent does: opens what its handlers share, and closes it after the last one."""

EXIT_REFUSED = 77
EXIT_CONFIGURATION = 78
"""The numbers of BSD's sysexits: EX_NOPERM and EX_CONFIG."""


class Agent:
    """An agent of a squad. Register handlers, then `run()`.

    `uri`, `client_id` and `client_secret` come from OBLIVION_URI, AGENT_ID and AGENT_SECRET (or the file that
    AGENT_SECRET_FILE names) unless they are given. `concurrency` is how many tasks it works on at a time. On
    SIGTERM its handlers have `drain_seconds` to finish; tasks that take longer go back into the queue. `lifespan` is
    an async context manager function of the agent; what it yields is every handler's `ctx.state`.
    """

    def __init__(
        self,
        name: str,
        *,
        concurrency: int = 1,
        uri: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        drain_seconds: float = 30.0,
        lifespan: Lifespan | None = None,
    ) -> None:
        if concurrency < 1:
            raise ConfigurationError(f"concurrency must be at least 1, not {concurrency}.")
        self.name = name
        self._concurrency = concurrency
        self._uri = uri
        self._client_id = client_id
        self._client_secret = client_secret
        self._drain_seconds = drain_seconds
        self._handlers = Handlers()
        self._lifespan = lifespan
        self.has_run = False
        """Whether `run` was called: `oblivion-agent run` calls it for a file that does not."""
        self._door: Door | None = None
        self._service: Service | None = None

    def on_task(self, task_type: str = DEFAULT_TYPE, *, timeout: Duration | None = None) -> Callable[[F], F]:
        """Registers the handler of a type of task; without a type, of `default` and of what has no other handler.

        Nexus offers a process the types that it has handlers for, and the skills that the agent is registered with.

        The handler gets `(task, ctx)` and returns the result as text. `timeout` limits the time it works, as
        seconds or a text such as "30m". A plain function runs in a thread.
        """
        if callable(task_type):
            raise ConfigurationError("Write @agent.on_task() with parentheses.")
        timeout_seconds = seconds_of(timeout)

        def register(function: F) -> F:
            self._handlers.add(task_type, Handler(function, timeout_seconds))
            return function

        return register

    def on_context(self, function: C) -> C:
        """Registers a function that gets `(update, ctx)` for what people say about each task at work."""
        self._handlers.on_context.append(function)
        return function

    def middleware(self, function: M) -> M:
        """Registers an `async def mw(task, ctx, call_next) -> str` around every handler; the first one is outermost.

        `await call_next(task, ctx)` runs the rest and returns its result, or raises its error.
        """
        self._handlers.middleware.append(function)
        return function

    def run(self) -> None:
        """Works until SIGTERM or SIGINT, then finishes what is begun. A second signal ends at once.

        Exits with 78 when a setting is missing, with 77 when Nexus refuses the credentials.
        """
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        self.has_run = True
        # One line per request would drown the agent's own.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        try:
            asyncio.run(self._serve_until_signal())
        except ConfigurationError as error:
            log.error("agent.misconfigured %s", error)
            sys.exit(EXIT_CONFIGURATION)
        except CredentialsRefused as error:
            log.error("agent.refused %s", error)
            sys.exit(EXIT_REFUSED)

    async def serve(self) -> None:
        """Works until `stop`. Raises `ConfigurationError` or `CredentialsRefused`; an outage it sits out."""
        await self.serve_through(self._way())

    async def serve_through(self, door: Door) -> None:
        """`serve`, but through another door to Nexus: this is for `oblivion.testing`.

        Until it returns, everything of the agent goes through that door.
        """
        if self._service is not None:
            raise ConfigurationError("This agent is serving already.")
        if not self._handlers.skills:
            raise ConfigurationError("The agent has no handler. Register one with @agent.on_task().")
        self._service = Service(door, self._handlers, self._concurrency)
        before, self._door = self._door, door
        try:
            lifespan = contextlib.nullcontext() if self._lifespan is None else self._lifespan(self)
            await self._service.run(self._drain_seconds, lifespan)
        finally:
            self._service, self._door = None, before

    @property
    def threads(self) -> Threads:
        """What handlers that are plain functions are doing."""
        return self._handlers.threads

    def stop(self) -> None:
        """Makes `serve` finish what is begun, and return. Call it from anywhere, any number of times."""
        if self._service is not None:
            self._service.stop()

    async def search_history(self, query: str, limit: int = 5) -> list[SearchHit]:
        """Passages of the tenant's history, best first.

        Raises `ApiError`, `Unreachable` or `CredentialsRefused`.
        """
        return await self._way().search(query, limit)

    def _way(self) -> Door:
        if self._door is None:
            settings = resolve(
                self.name,
                os.environ,
                uri=self._uri,
                client_id=self._client_id,
                client_secret=self._client_secret,
            )
            self._door = real_door(settings)
        return self._door

    async def _serve_until_signal(self) -> None:
        loop = asyncio.get_running_loop()
        serving = asyncio.create_task(self.serve())
        signals = 0

        def ask_to_stop() -> None:
            nonlocal signals
            signals += 1
            if signals == 1:
                self.stop()
            else:
                serving.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            # Windows has no such handlers; there Ctrl-C raises KeyboardInterrupt.
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, ask_to_stop)
        with contextlib.suppress(asyncio.CancelledError):
            await serving
