"""A copy of who is connected where, in Redis, for dashboards and for routing hints. Never an authority."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import Redis

from nexus.gateway.sessions import LiveSession
from nexus.kit.batching import NaturalBatcher
from nexus.kit.logging import get_logger

log = get_logger(__name__)

PREFIX = "obl:presence:"
TTL_SECONDS = 30
PAUSE_SECONDS = 5.0
"""After a failure Redis is left alone for so long: whoever waits for its answer is an agent's greeting."""
WRITE_SECONDS = 1.0
_SET_ALL = "for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1]) end"
"""One answer for many keys: to read answers costs more than all else of this."""
_AT_ONCE = 200
_DELETE_IF_EQUAL = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
"""Another connection of the same process may have taken the key over."""

_Write = Callable[[Any], object]
"""Adds its command to a pipeline."""


class Presence:
    """Keys `obl:presence:{tenant}:{agent}:{instance}` → `{gateway}/{sid}`, alive as long as the socket is.

    One command is under way at a time, so that a Redis that says nothing holds one connection and not one for
    each agent.
    """

    def __init__(self, redis: Redis, gateway: str) -> None:
        self._redis: Any = redis
        self._gateway = gateway
        self._quiet_until = 0.0
        self._writes: NaturalBatcher[_Write, None] = NaturalBatcher(self._write)

    async def show(self, sessions: Sequence[LiveSession]) -> None:
        """Renews the keys of these sessions; best effort."""

        def write(pipeline: Any) -> None:
            for start in range(0, len(sessions), _AT_ONCE):
                some = sessions[start : start + _AT_ONCE]
                keys, owners = [self._key(one) for one in some], [self._own(one) for one in some]
                pipeline.eval(_SET_ALL, len(keys), *keys, TTL_SECONDS, *owners)

        if sessions:
            await self._writes.submit(write)

    async def hide(self, session: LiveSession) -> None:
        """Removes the key of a session that is gone; best effort."""
        await self._writes.submit(
            lambda pipeline: pipeline.eval(_DELETE_IF_EQUAL, 1, self._key(session), self._own(session))
        )

    async def _write(self, writes: Sequence[_Write]) -> Sequence[None]:
        now = asyncio.get_running_loop().time
        if now() >= self._quiet_until:
            try:
                async with asyncio.timeout(WRITE_SECONDS), self._redis.pipeline(transaction=False) as pipeline:
                    for write in writes:
                        write(pipeline)
                    await pipeline.execute()
            except Exception as error:
                self._quiet_until = now() + PAUSE_SECONDS
                log.debug("presence.not_written", error=error)
        return [None] * len(writes)

    def _own(self, session: LiveSession) -> str:
        return f"{self._gateway}/{session.sid}"

    def _key(self, session: LiveSession) -> str:
        caller = session.caller
        return f"{PREFIX}{caller.tenant_id}:{caller.agent_id}:{caller.instance}"
