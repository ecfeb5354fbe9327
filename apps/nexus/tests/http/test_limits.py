"""Too many requests: who has to wait, what is said, and whom it is not about."""

import httpx
import pytest
from prometheus_client import CollectorRegistry
from support.oauth import assert_refused, basic
from support.people import Dashboard

from nexus.http.limits import RateLimits
from nexus.http.metrics import LimitMetrics
from nexus.http.parts import HttpParts

ALLOWED = 5
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def parts(make_parts, database, vendors, limiter, registry: CollectorRegistry) -> HttpParts:
    limits = RateLimits(limiter, LimitMetrics(registry), requests_per_minute=ALLOWED)
    return make_parts(database, linker=vendors, catalog=vendors, connector=vendors, limits=limits)


async def statuses(api: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None) -> list[int]:
    return [(await api.get(path, headers=headers)).status_code for _ in range(ALLOWED + 1)]


async def test_a_client_that_comes_too_often_is_told_for_how_long_to_wait(api, acme, registry: CollectorRegistry):
    first = await api.get("/v1/tenants", headers=acme.headers)
    assert first.headers["ratelimit-policy"] == '"client";q=5;w=60'
    assert first.headers["ratelimit"].startswith('"client";r=4;t=')
    assert (await statuses(api, "/v1/tenants", acme.headers))[-2:] == [429, 429]
    refused = await api.get("/v1/tenants", headers=acme.headers)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "rate_limited" and refused.json()["request_id"]
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert refused.headers["ratelimit"] == f'"client";r=0;t={refused.headers["retry-after"]}'
    assert registry.get_sample_value("oblivion_rate_limited_total", {"scope": "client"}) == 3


async def test_clients_and_people_each_have_their_own_limit(api, acme, rival, dashboard: Dashboard):
    people = [await dashboard.headers(f"{name}@example.com") for name in ("ann", "vera")]
    for headers in (acme.headers, rival.headers, *people):
        assert await statuses(api, "/v1/tenants", headers) == [200] * ALLOWED + [429]


async def test_strangers_use_up_nobodys_limit_but_that_of_their_address(api, acme):
    assert await statuses(api, "/v1/tenants") == [401] * ALLOWED + [429]
    assert await statuses(api, "/v1/tenants", {"Authorization": "Bearer x"}) == [429] * (ALLOWED + 1)
    assert (await api.get("/v1/tenants", headers=acme.headers)).status_code == 200
    assert (await api.get("/.well-known/jwks.json")).status_code == 200, "what anybody may know costs nothing"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_health_is_never_limited(api, path: str):
    answers = [await api.get(path) for _ in range(3 * ALLOWED)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any("ratelimit" in answer.headers for answer in answers)


async def test_a_program_that_asks_for_a_token_each_time_is_told_to_keep_it(api, acme):
    mine = basic(acme.client_id, acme.secret)
    answers = [await api.post("/auth/token", data=GRANT, headers=mine) for _ in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {200}
    assert answers[0].headers["ratelimit-policy"] == '"token";q=60;w=60'
    assert_refused(answers[60], 429, "temporarily_unavailable")
    assert int(answers[60].headers["retry-after"]) >= 1
    assert (await api.get("/v1/tenants", headers=acme.headers)).status_code == 200


async def test_other_peoples_guesses_refuse_nobody_who_knows_the_secret(api, acme):
    wrong = [await api.post("/auth/token", data=GRANT, headers=basic(acme.client_id, "obl_sk_x")) for _ in range(30)]
    assert wrong[-1].status_code == 429
    for path, data in (("/auth/token", GRANT), ("/auth/introspect", {"token": "x"}), ("/auth/revoke", {"token": "x"})):
        answer = await api.post(path, data=data, headers=basic(acme.client_id, acme.secret))
        assert answer.status_code == 200, answer.text
