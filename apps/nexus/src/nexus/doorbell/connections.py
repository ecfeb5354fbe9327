"""Connections to Redis that fail fast, and what is said when they do."""

import contextlib
import time
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from nexus.kit.logging import get_logger

log = get_logger(__name__)

RING_TIMEOUT_SECONDS = 1.0
COMMANDS = "commands"
"""The part of a process that sends short commands: rings, canaries."""
COMPLAINT_SECONDS = 60.0
"""How often at most one part says that Redis answers it with an error."""


class RedisAway(Exception):
    """A part of this process has no connection to Redis; the text says which."""


def redis_client(url: str, *, timeout_seconds: float = RING_TIMEOUT_SECONDS) -> Redis:
    """A client that fails fast instead of making its caller wait."""
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url,
        decode_responses=True,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=RING_TIMEOUT_SECONDS,
        health_check_interval=10,
        retry=Retry(NoBackoff(), 0),
    )


def is_away(error: BaseException) -> bool:
    """Whether this says that there is no Redis to work with: gone, silent, or not the one that may be written to."""
    return isinstance(error, RedisConnectionError | RedisTimeoutError | ReadOnlyError | OSError)


async def drop_idle(client: Any) -> None:
    """Closes a client's idle connections after one has failed: the others lead to the same silence, or, when the
    address leads to another server by now, to one that may not be written to."""
    with contextlib.suppress(RedisConnectionError, RedisTimeoutError, OSError):  # to say goodbye may fail as well
        await client.connection_pool.disconnect(inuse_connections=False)


class Outage:
    """Says once that Redis is away and once that it is back, however many parts of the process notice."""

    def __init__(self) -> None:
        self._parts: set[str] = set()
        self._since: float | None = None
        self._complained_at: dict[str, float] = {}

    @property
    def parts(self) -> frozenset[str]:
        """The parts of this process that know that they have no Redis."""
        return frozenset(self._parts)

    def failed(self, part: str, error: BaseException) -> None:
        """A part could not do its work."""
        if is_away(error):
            if self._since is None:
                self._since = time.monotonic()
                log.warning("redis.lost", part=part, error=error)
            self._parts.add(part)
            return
        now = time.monotonic()
        if now - self._complained_at.get(part, -COMPLAINT_SECONDS) >= COMPLAINT_SECONDS:
            self._complained_at[part] = now
            log.error("doorbell.failed", part=part, exc_info=error)

    def over(self, part: str) -> None:
        """A part has done its work."""
        self._parts.discard(part)

    def settle(self) -> None:
        """Everything was looked at just now: the outage is over if no part says otherwise."""
        if self._since is not None and not self._parts:
            log.info("redis.back", away_seconds=round(time.monotonic() - self._since, 1))
            self._since = None
