"""A copy of who is connected where, in Redis, for dashboards and for routing hints. Never an authority."""

from collections.abc import Sequence

from redis.asyncio import Redis

from nexus.gateway.sessions import LiveSession
from nexus.kit.logging import get_logger

log = get_logger(__name__)

PREFIX = "obl:presence:"
TTL_SECONDS = 30


class Presence:
    """Keys `obl:presence:{tenant}:{agent}:{instance}` → `{gateway}/{sid}`, alive as long as the socket is."""

    def __init__(self, redis: Redis, gateway: str) -> None:
        self._redis = redis
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
            await self._redis.delete(self._key(session))
        except Exception as error:
            log.debug("presence.not_hidden", error=error)

    def _key(self, session: LiveSession) -> str:
        caller = session.caller
        return f"{PREFIX}{caller.tenant_id}:{caller.agent_id}:{caller.instance}"
