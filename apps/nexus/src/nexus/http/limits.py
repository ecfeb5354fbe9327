"""Rate limits of the API: by client, and by address for whoever is nobody. Never of webhooks, nor of health.

The header fields are those of draft-ietf-httpapi-ratelimit-headers-10, `RateLimit-Policy` and `RateLimit`; earlier
drafts had three others, which nobody needs who reads `Retry-After`.
"""

import math
from collections.abc import Iterable, MutableMapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from nexus.auth.tokens import Principal
from nexus.http.metrics import LimitMetrics
from nexus.http.problems import Refused
from nexus.kit.limiting import Limit, Limiter, Verdict

TOKEN = Limit("token", 60, 60)
"""Tokens of one client for one subject, asked for from one address."""
FAILURES = Limit("failures", 10, 60)
"""Wrong secrets of one client from one address."""

HEADERS = "rate_limit_headers"
"""Where the boundary finds what it adds to an answer, in the state of a request."""

Network = IPv4Network | IPv6Network
_V6_SITE = 64
"""A household has as many addresses as it likes below these bits."""


class RateLimits:
    """Who may go on, and who has to wait.

    Whoever proves who they are is counted by that alone: nobody can use up somebody else's limit.
    `requests_per_minute` is what one client may, or one person through the dashboard, or one address that no token
    speaks for.
    """

    def __init__(
        self,
        limiter: Limiter,
        meter: LimitMetrics,
        *,
        trusted_proxies: Sequence[Network] = (),
        requests_per_minute: int,
    ) -> None:
        self._limiter = limiter
        self._meter = meter
        self._trusted = tuple(trusted_proxies)
        self._client = Limit("client", requests_per_minute, 60)
        self._address = Limit("address", requests_per_minute, 60)

    async def client(self, scope: MutableMapping[str, Any], principal: Principal) -> None:
        """One request of somebody whose token is good. Raises Refused."""
        await self.request(scope, str(principal.tenant_id), principal.client_id, principal.person or "")

    async def request(self, scope: MutableMapping[str, Any], *who: str) -> None:
        """One request of somebody who is known. Raises Refused."""
        self._or_refuse(scope, await self._limiter.hit(self._client, *who))

    async def stranger(self, scope: MutableMapping[str, Any]) -> None:
        """One request that nobody's token speaks for. Raises Refused."""
        self._or_refuse(scope, await self._limiter.hit(self._address, self.address(scope)))

    async def token(self, scope: MutableMapping[str, Any], client_id: str, subject: str) -> int | None:
        """One token for a client that proved its secret; the seconds to wait when it has had too many."""
        verdict = await self._limiter.hit(TOKEN, self.address(scope), client_id, subject)
        return self._counted(scope, verdict)

    async def failed(self, scope: MutableMapping[str, Any], client_id: str) -> int | None:
        """One wrong secret; the seconds to wait when there were too many.

        Asked after a failure only: guesses of others never lock out who knows the secret.
        """
        verdict = await self._limiter.hit(FAILURES, self.address(scope), client_id)
        return self._counted(scope, verdict)

    def address(self, scope: MutableMapping[str, Any]) -> str:
        """The nearest address on the way of a request that is not a proxy of ours; of IPv6 its first 64 bits."""
        peer = (scope.get("client") or ("",))[0]
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return address_of(peer, ",".join(forwarded), self._trusted)

    def _or_refuse(self, scope: MutableMapping[str, Any], verdict: Verdict) -> None:
        wait_seconds = self._counted(scope, verdict)
        if wait_seconds is not None:
            raise Refused(
                429,
                f"Too many requests: {verdict.limit.amount} in {verdict.limit.seconds} s are allowed. "
                f"Try again in {wait_seconds} s.",
                headers={"Retry-After": str(wait_seconds)},
            )

    def _counted(self, scope: MutableMapping[str, Any], verdict: Verdict) -> int | None:
        scope.setdefault("state", {})[HEADERS] = headers_of(verdict)
        if verdict.allowed:
            return None
        self._meter.refused(verdict.limit.name)
        return max(1, math.ceil(verdict.wait_seconds))


def headers_of(verdict: Verdict) -> dict[str, str]:
    """The policy that applies here, and what is left of it."""
    limit = verdict.limit
    resets = math.ceil(verdict.wait_seconds if verdict.remaining == 0 else verdict.window_seconds)
    return {
        "RateLimit-Policy": f'"{limit.name}";q={limit.amount};w={limit.seconds}',
        "RateLimit": f'"{limit.name}";r={verdict.remaining};t={max(0, resets)}',
    }


def address_of(peer: str, forwarded: str, trusted: Iterable[Network]) -> str:
    """Who sent a request, as far as it can be believed. Pure.

    Each proxy adds the address of its own peer at the right. What stands left of the first one that is no proxy of
    ours was written by whoever sent the request.
    """
    networks, nearest = tuple(trusted), ""
    for hop in [peer, *reversed(forwarded.split(",") if forwarded else [])]:
        address = _parsed(hop)
        if address is None:
            break
        nearest = str(ip_network((address, _V6_SITE), strict=False) if address.version == 6 else address)
        if not any(address in network for network in networks):
            break
    return nearest


def _parsed(hop: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; one of IPv4 that is written as one of IPv6 is the former."""
    text = hop.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
