"""A copy of who is connected where, in Redis, for dashboards and for routing hints. Never an authority."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from nexus.gateway.sessions import LiveSession
from nexus.kit.logging import get_logger

log = get_logger(__name__)

PREFIX = "obl:presence:"
TTL_SECONDS = 30
_DELETE_IF_EQUAL = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
"""Another connection of the same process may have taken the key over."""


class Presence:
    """Keys `obl:presence:{tenant}:{agent}:{instance}` → `{gateway}/{sid}`, alive as long as the socket is."""

    def __init__(self, redis: Redis, gateway: str) -> None:
        self._redis = redis
        self._hide_own: Any = redis.register_script(_DELETE_IF_EQUAL)
        self._gateway = gateway

    async def show(self, sessions: Sequence[LiveSession]) -> None:
        """Renews the keys of these sessions; best effort."""
        if not sessions:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for session in sessions:
                    pipeline.set(self._key(session), f"{self._gateway}/{session.sid}", ex=TTL_SECONDS)
                await pipeline.execute()
        except Exception as error:
            log.debug("presence.not_shown", error=error)

    async def hide(self, session: LiveSession) -> None:
        """Removes the key of a session that is gone; best effort."""
        try:
            own = f"{self._gateway}/{session.sid}"
            await self._hide_own(keys=[self._key(session)], args=[own])
        except Exception as error:
            log.debug("presence.not_hidden", error=error)

    def _key(self, session: LiveSession) -> str:
        caller = session.caller
        return f"{PREFIX}{caller.tenant_id}:{caller.agent_id}:{caller.instance}"
