"""Whatever goes wrong has one shape (RFC 9457), a request id, and no secret in it."""

import httpx
import pytest
from structlog.testing import capture_logs

from nexus.auth.errors import AlreadyExists
from nexus.http.parts import HttpParts
from nexus.pipeline.errors import Rejected, Retryable, Unsure
from nexus.store.database import Database

LINK = {"list_id": "L", "channel_id": "C"}


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(body) == {"type", "title", "status", "code", "detail", "request_id"}
    assert body["type"] == "about:blank" and body["title"] and body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]


async def test_an_unknown_address_is_a_problem(api):
    assert_problem(await api.get("/nowhere"), 404, "not_found")
    assert_problem(await api.get("/v1/tasks/"), 404, "not_found")


async def test_a_wrong_method_is_a_problem_that_names_the_right_ones(api):
    answer = await api.put("/v1/mappings")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("sent", "about"),
    [
        ({"json": {"name": "no spaces please"}}, "body.name"),
        ({"json": {"name": "x", "extra": 1}}, "body.extra"),
        ({"json": {"name": "x", "skills": ["a b"]}}, "body.skills.0"),
        ({"json": {"name": "x", "aliases": ["two words"]}}, "alias"),
        ({"json": []}, "body"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, "body"),
        ({"content": b"[" * 100_000, "headers": {"Content-Type": "application/json"}}, "body"),
        ({"content": b"name=x", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, "body"),
    ],
)
async def test_a_body_that_is_not_right_is_told_where(api, acme, sent, about):
    headers = acme.headers | sent.pop("headers", {})
    answer = await api.post("/v1/agents", headers=headers, **sent)
    assert_problem(answer, 400, "invalid")
    assert about in answer.json()["detail"]


async def test_a_refused_body_is_never_repeated(api, acme):
    secret = {"token": {"nested": "xoxb-canary-1"}, "other": ["xoxb-canary-2"]}
    answer = await api.post("/v1/connections", json={"vendor": "slack", "credentials": secret}, headers=acme.headers)
    assert_problem(answer, 400, "invalid")
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Rejected("Invite the bot first."), 422, "rejected"),
        (Retryable("Slack is busy.", after_seconds=7), 503, "unavailable"),
        (Unsure("No answer."), 502, "unsure"),
        (AlreadyExists("Linked already."), 409, "already_exists"),
    ],
)
async def test_each_outcome_of_the_parts_has_its_status(api, acme, vendors, error, status, code):
    vendors.broken = error
    answer = await api.post("/v1/mappings", json=LINK, headers=acme.headers)
    assert_problem(answer, status, code)
    assert answer.json()["detail"] == str(error)
    assert answer.headers.get("retry-after") == ("7" if status == 503 else None)


async def test_a_bug_is_500_and_not_a_word_of_what_it_was(api, acme, vendors):
    vendors.broken = RuntimeError("password=canary")
    with capture_logs() as logs:
        answer = await api.post("/v1/mappings", json=LINK, headers=acme.headers)
    assert_problem(answer, 500, "internal")
    assert "canary" not in answer.text and "Runtime" not in answer.text
    (noted,) = logs
    assert (noted["event"], noted["path"], noted["log_level"]) == ("request.failed", "/v1/mappings", "error")
    assert noted["exc_info"] is vendors.broken


async def test_without_a_database_it_is_503_and_says_when_to_come_back(serve, make_parts, acme):
    away = make_parts(Database("postgresql://nobody@127.0.0.1:1/none"))
    answer = await serve(away).get("/v1/tasks", headers=acme.headers)
    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_a_body_over_a_mebibyte_is_413(api, acme):
    async def chunks():
        for _ in range(1100):
            yield b"x" * 1024

    headers = acme.headers | {"Content-Type": "application/json"}
    assert_problem(await api.post("/v1/agents", content=chunks(), headers=headers), 413, "too_large")
    announced = headers | {"Content-Length": "9" * 30}
    assert_problem(await api.post("/v1/agents", content=b"{}", headers=announced), 413, "too_large")


async def test_a_request_id_is_taken_over_and_returned(api):
    assert (await api.get("/livez", headers={"X-Request-Id": "abc-1.2_3"})).headers["x-request-id"] == "abc-1.2_3"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\tb", "<script>", "ä"])
async def test_a_request_id_that_could_do_harm_is_replaced(api, given: str):
    answer = await api.get("/livez", headers={"X-Request-Id": given.encode()})
    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 32


async def test_no_two_requests_share_an_id(api):
    assert len({(await api.get("/livez")).headers["x-request-id"] for _ in range(5)}) == 5


async def test_no_page_of_another_origin_may_call_it_unless_listed(serve, make_parts, database, parts: HttpParts):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    closed = await serve(parts).options("/v1/tasks", headers=asked)
    assert "access-control-allow-origin" not in closed.headers
    opened = serve(make_parts(database, cors_origins=("https://observer.example",)))
    assert "access-control-allow-origin" not in (await opened.options("/v1/tasks", headers=asked)).headers
    allowed = await opened.options("/v1/tasks", headers=asked | {"Origin": "https://observer.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://observer.example"


async def test_the_description_is_complete(api):
    document = (await api.get("/openapi.json")).json()
    operations = [op for path in document["paths"].values() for op in path.values()]
    ids = [op["operationId"] for op in operations]
    assert len(ids) == len(set(ids)) and {"list_tasks", "issue_token", "replay_deliveries"} <= set(ids)
    assert all(op["tags"] for op in operations)
    assert document["info"]["title"] == "Nexus" and document["info"]["version"] == "1.2.3"
    assert "HTTPValidationError" not in document["components"]["schemas"]
    failed = document["paths"]["/v1/tasks"]["get"]["responses"]["default"]["content"]
    assert failed["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
