"""A socket never outlives its token: it is asked for a new one in time, and ended when none comes."""

import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from socketio.exceptions import ConnectionRefusedError as Refuse

from nexus.auth.errors import TokenExpired, TokenInvalid
from nexus.auth.tokens import Principal
from nexus.gateway.admissions import ASK_AGAIN_SECONDS, REFRESH_BEFORE_SECONDS, Admissions

TENANT, AGENT = UUID(int=1), UUID(int=2)
TTL_SECONDS = 900.0


class Recorder:
    """Stands for the sockets of a process: keeps what each is told."""

    draining = False

    def __init__(self) -> None:
        self.told: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.ended: list[str] = []
        self.handlers: dict[str, Any] = {}

    def on(self, namespace: str, event: str, handle: Any) -> None:
        self.handlers[event] = handle

    def enter(self, sid: str, namespace: str) -> None: ...

    def leave(self, sid: str) -> None: ...

    async def emit(self, sid: str, event: str, payload: dict[str, Any]) -> None:
        assert event == "auth.refresh"
        self.told[sid].append(payload)

    async def disconnect(self, sid: str) -> None:
        self.ended.append(sid)


class Fallible:
    """Stands for `Standing`; everybody in `revoked` has fallen."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()

    async def check(self, principal: Principal) -> None:
        if principal.jti in self.revoked:
            raise TokenInvalid("revoked")

    async def fallen(self, principals: Any) -> set[str]:
        return {one.jti for one in principals} & self.revoked


class Door:
    """Admissions, with tokens that are their own `jti`, and a clock that a test sets."""

    def __init__(self) -> None:
        self.sockets, self.standing = Recorder(), Fallible()
        self.admissions = Admissions(
            self.sockets,  # type: ignore[arg-type]
            "/agents",
            self._judge,
            lambda one, other: one.agent_id == other.agent_id,
            self.standing,  # type: ignore[arg-type]
        )

    async def _judge(self, token: str) -> tuple[Principal, float]:
        if token == "old":
            raise TokenExpired("old")
        agent = UUID(int=9) if token == "somebody else's" else AGENT
        principal = Principal("agt_x", TENANT, frozenset({"agent"}), agent, datetime.now(UTC), token)
        return principal, TTL_SECONDS

    async def let_in(self, sid: str, token: str = "first") -> float:
        """Until when it may stay."""
        await self.admissions.let_in(sid, {}, {"token": token})
        return time.monotonic() + TTL_SECONDS

    async def refresh(self, sid: str, token: str) -> dict[str, Any]:
        return await self.sockets.handlers["auth.refresh"](sid, {"token": token})


@pytest.fixture
def door() -> Door:
    return Door()


async def test_a_socket_is_asked_for_a_new_token_before_the_end_and_again_until_it_comes(door: Door) -> None:
    end = await door.let_in("s")
    await door.admissions.sweep(end - REFRESH_BEFORE_SECONDS - 1)
    assert door.sockets.told["s"] == []
    for second in range(0, 20):
        await door.admissions.sweep(end - REFRESH_BEFORE_SECONDS + 1 + second)
    assert len(door.sockets.told["s"]) == 20 / ASK_AGAIN_SECONDS
    assert 60 < door.sockets.told["s"][0]["expires_in"] <= REFRESH_BEFORE_SECONDS


async def test_a_socket_ends_with_its_token_to_the_sweep(door: Door) -> None:
    end = await door.let_in("s")
    await door.admissions.sweep(end - 1)
    assert door.sockets.ended == []
    await door.admissions.sweep(end + 1)
    assert door.sockets.ended == ["s"]


async def test_with_each_new_token_it_stays_for_that_tokens_life(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    end = await door.let_in("s")
    for number in range(3):
        monkeypatch.setattr(time, "monotonic", lambda now=end - 30: now)
        assert await door.refresh("s", f"token {number}") == {"ok": True}
        await door.admissions.sweep(end + 1)
        assert door.sockets.ended == []
        end = end - 30 + TTL_SECONDS
    await door.admissions.sweep(end + 0.1)
    assert door.sockets.ended == ["s"]


@pytest.mark.parametrize("token", ["old", "revoked", "somebody else's"])
async def test_a_bad_token_prolongs_nothing_and_ends_nothing(door: Door, token: str) -> None:
    end = await door.let_in("s")
    door.standing.revoked = {"revoked"}
    assert (await door.refresh("s", token))["code"] == "invalid"
    await door.admissions.sweep(end - 1)
    assert door.sockets.ended == []
    await door.admissions.sweep(end + 1)
    assert door.sockets.ended == ["s"]


async def test_who_has_fallen_is_ended_and_not_let_in(door: Door) -> None:
    await door.let_in("stays")
    await door.let_in("goes", "second")
    door.standing.revoked = {"second"}
    await door.admissions.end_fallen()
    assert door.sockets.ended == ["goes"]
    with pytest.raises(Refuse):
        await door.let_in("again", "second")


async def test_the_token_that_a_socket_has_now_is_the_one_that_counts(door: Door) -> None:
    await door.let_in("s")
    assert await door.refresh("s", "second") == {"ok": True}
    door.standing.revoked = {"first"}
    await door.admissions.end_fallen()
    assert door.sockets.ended == []
    door.standing.revoked = {"second"}
    await door.admissions.end_fallen()
    assert door.sockets.ended == ["s"]
