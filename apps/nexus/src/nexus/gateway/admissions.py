"""Sockets whose token was good, and until when it is."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from socketio.exceptions import ConnectionRefusedError as Refuse

from nexus.auth.errors import TokenExpired, TokenInvalid
from nexus.auth.standing import Standing
from nexus.auth.tokens import Principal
from nexus.gateway.sockets import Sockets, parsed_refusal, refused
from nexus.kit.logging import get_logger
from nexus.store.database import is_unavailable
from oblivion_protocol import AuthRefresh, AuthRefreshRequested

log = get_logger(__name__)

REFRESH_BEFORE_SECONDS = 90
ASK_AGAIN_SECONDS = 5.0
STANDING_SECONDS = 2.0
"""How often is looked whether what a socket came in by was revoked. A socket is closed within 5 s of that, in every
process: each asks PostgreSQL by itself, and so it makes no difference whether Redis is there."""


@dataclass(slots=True)
class Admitted:
    """Until when a socket may stay, in monotonic seconds.

    The token's own end is a time of day; a clock that is set must not end what is connected.
    """

    principal: Principal
    ends_at: float
    asked_at: float | None = None
    """When it was last asked for a fresh token."""


class Admissions:
    """Lets the sockets of one namespace in by their token, and sees to it that the token is renewed.

    `judge` turns a token into who holds it and for how many seconds it counts; it raises TokenInvalid or TokenExpired,
    or Refuse("forbidden") when the token is good for something else.
    """

    def __init__(
        self,
        sockets: Sockets,
        namespace: str,
        judge: Callable[[str], Awaitable[tuple[Principal, float]]],
        same_one: Callable[[Principal, Principal], bool],
        standing: Standing,
    ) -> None:
        self._sockets = sockets
        self._namespace = namespace
        self._judge = judge
        self._same_one = same_one
        self._standing = standing
        self._admitted: dict[str, Admitted] = {}
        sockets.on(namespace, "auth.refresh", self._refresh)

    async def let_in(self, sid: str, environ: dict[str, Any], auth: Any) -> Principal:
        """At the handshake. Raises Refuse."""
        if self._sockets.draining:
            await self._sockets.turn_away(sid, self._namespace, environ)
        try:
            given = AuthRefresh.model_validate(auth)
        except ValidationError as error:
            raise Refuse("unauthorized") from error
        try:
            admitted = await self._admit(given.token)
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("database.away", during="handshake", error=error)
            await self._sockets.turn_away(sid, self._namespace, environ)
        self._sockets.enter(sid, self._namespace)
        self._admitted[sid] = admitted
        return admitted.principal

    def of(self, sid: str) -> Principal | None:
        """Who a socket speaks for; None when it is gone."""
        admitted = self._admitted.get(sid)
        return admitted.principal if admitted is not None else None

    def forget(self, sid: str) -> None:
        """A socket is gone."""
        self._admitted.pop(sid, None)
        self._sockets.leave(sid)

    async def sweep(self, now: float) -> None:
        """Ends those whose time is over, and asks those for a fresh token whose time is nearly over."""
        for sid, admitted in list(self._admitted.items()):
            left = admitted.ends_at - now
            if left <= 0:
                log.info("socket.token_expired", sid=sid, namespace=self._namespace)
                await self._sockets.disconnect(sid)
            elif left < REFRESH_BEFORE_SECONDS and now - (admitted.asked_at or 0.0) >= ASK_AGAIN_SECONDS:
                admitted.asked_at = now
                request = AuthRefreshRequested(expires_in=int(left))
                await self._sockets.emit(sid, "auth.refresh", request.model_dump())

    async def end_fallen(self) -> None:
        """Ends those whose token, client, agent or person was revoked."""
        by_jti = {one.principal.jti: one.principal for one in self._admitted.values()}
        fallen = await self._standing.fallen(by_jti.values())
        for sid, admitted in list(self._admitted.items()):
            if admitted.principal.jti in fallen:
                log.info("socket.revoked", sid=sid, namespace=self._namespace)
                await self._sockets.disconnect(sid)

    async def _admit(self, token: str) -> Admitted:
        try:
            principal, seconds = await self._judge(token)
            await self._standing.check(principal)
        except TokenExpired as error:
            raise Refuse("token_expired") from error
        except TokenInvalid as error:
            raise Refuse("unauthorized") from error
        return Admitted(principal, time.monotonic() + seconds)

    async def _refresh(self, sid: str, data: Any) -> dict[str, Any]:
        current = self.of(sid)
        try:
            renewed = await self._admit(AuthRefresh.model_validate(data).token)
        except ValidationError as error:
            return parsed_refusal(error)
        except Refuse as error:
            return refused("invalid", str(error))
        except Exception as error:
            if not is_unavailable(error):
                raise
            return refused("rate_limited", "not possible at this moment; send it again a little later")
        if current is None or not self._same_one(renewed.principal, current):
            return refused("invalid", "the token belongs to somebody else")
        self._admitted[sid] = renewed
        return {"ok": True}
