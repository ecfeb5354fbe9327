"""What the worker is told to do about each of ClickUp's answers."""

import json

import httpx
import pytest

from nexus.integrations.clickup.client import ClickUpClient
from nexus.integrations.clickup.settings import Credentials
from nexus.pipeline.errors import Deferred, Rejected, Retryable, Unsure

TOKEN = "pk_81230001_VERYSECRET"


@pytest.fixture
def clickup(clock):
    """A client whose every call gets the same answer; `calls` has the requests."""
    calls: list[httpx.Request] = []

    def build(answer: httpx.Response | Exception | None = None, token: str = TOKEN) -> ClickUpClient:
        def handle(request: httpx.Request) -> httpx.Response:
            calls.append(request)
            if isinstance(answer, Exception):
                raise answer
            return answer or httpx.Response(200, json={})

        build.calls = calls
        return ClickUpClient(Credentials(token=token), clock, transport=httpx.MockTransport(handle))

    return build


def read(client):
    return client.task("86cx1ab2c")


def write(client):
    return client.add_comment("86cx1ab2c", "hello")


def error(status, err="Something", ecode=None, **headers):
    body = {"err": err} | ({} if ecode is None else {"ECODE": ecode})
    return httpx.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


TABLE = [
    (httpx.ConnectError("refused"), Retryable, Retryable),
    (httpx.ConnectTimeout("slow"), Retryable, Retryable),
    (httpx.PoolTimeout("full"), Retryable, Retryable),
    (httpx.ReadTimeout("slow"), Retryable, Unsure),
    (httpx.WriteTimeout("slow"), Retryable, Unsure),
    (httpx.ReadError("reset"), Retryable, Unsure),
    (httpx.RemoteProtocolError("Server disconnected without sending a response."), Retryable, Unsure),
    (error(500), Retryable, Unsure),
    (error(502), Retryable, Unsure),
    (httpx.Response(503, text="<html>"), Retryable, Unsure),
    (httpx.Response(408), Retryable, Unsure),
    (httpx.Response(200, text="<html>login"), Retryable, Unsure),
    (error(429), Deferred, Deferred),
    (error(401, "Token invalid", "OAUTH_025"), Rejected, Rejected),
    (error(401, "Authorization header required", "OAUTH_017"), Rejected, Rejected),
    (httpx.Response(401, text=""), Rejected, Rejected),
    (error(401, "Team not authorized", "OAUTH_027"), None, Rejected),
    (error(404, "Task not found", "ITEM_013"), None, Rejected),
    (httpx.Response(404, text="<html>no such page"), Retryable, Retryable),
    (error(400, "Comment text is required"), Rejected, Rejected),
    (error(403), Rejected, Rejected),
    (httpx.Response(302, headers={"location": "https://elsewhere.example"}), Rejected, Rejected),
]


@pytest.mark.parametrize(("answer", "on_read", "on_write"), TABLE)
async def test_the_error_table(clickup, answer, on_read, on_write):
    for call, outcome in ((read, on_read), (write, on_write)):
        client = clickup(answer)
        if outcome is None:
            assert await call(client) is None
            continue
        with pytest.raises((Retryable, Unsure, Rejected)) as caught:
            await call(client)
        assert type(caught.value) is outcome
        assert TOKEN not in caught.value.reason


async def test_a_refused_token_says_what_to_do(clickup):
    with pytest.raises(Rejected, match=r"refused the token \(401 OAUTH_025\).*reconnect ClickUp"):
        await read(clickup(error(401, "Token invalid", "OAUTH_025")))


async def test_a_refused_request_quotes_clickup_but_no_token(clickup):
    with pytest.raises(Rejected) as caught:
        await write(clickup(error(400, f"Bad text, token {TOKEN}")))
    assert "Bad text" in caught.value.reason
    assert "VERYSECRET" not in caught.value.reason


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [(17, 17), (-100, 1), (10_000, 60), (0.2, 1)],
)
async def test_a_rate_limit_waits_until_the_reset_within_reason(clickup, clock, reset, seconds):
    for unit in (1, 1000):
        at = str((clock.now().timestamp() + reset) * unit)
        with pytest.raises(Deferred) as caught:
            await write(clickup(error(429, x_ratelimit_reset=at)))
        assert caught.value.after_seconds == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"x_ratelimit_reset": "soon"}, 60),
        ({"x_ratelimit_reset": "nan"}, 60),
        ({"retry_after": "7"}, 7),
    ],
)
async def test_a_rate_limit_without_a_reset_still_waits(clickup, headers, seconds):
    with pytest.raises(Deferred) as caught:
        await read(clickup(error(429, **headers)))
    assert caught.value.after_seconds == seconds


async def test_a_spent_budget_holds_back_calls_until_the_reset(clickup, clock):
    reset = str(int(clock.now().timestamp()) + 30)
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    client = clickup(httpx.Response(200, json={"id": "1", "list": {"id": "2"}}, headers=headers))
    await read(client)
    for wait in (30, 20):
        with pytest.raises(Deferred) as caught:
            await read(client)
        assert caught.value.after_seconds == wait
        clock.advance(10)
    assert len(clickup.calls) == 1
    clock.advance(10.1)
    await read(client)
    assert len(clickup.calls) == 2


async def test_a_budget_that_is_not_spent_holds_back_nothing(clickup, clock):
    headers = {"x-ratelimit-remaining": "1", "x-ratelimit-reset": str(int(clock.now().timestamp()) + 30)}
    client = clickup(httpx.Response(200, json={"id": "1", "list": {"id": "2"}}, headers=headers))
    await read(client)
    await read(client)
    assert len(clickup.calls) == 2


async def test_after_a_429_the_next_call_is_not_even_made(clickup):
    client = clickup(error(429))
    for _ in range(2):
        with pytest.raises(Deferred):
            await read(client)
    assert len(clickup.calls) == 1


@pytest.mark.parametrize(("token", "header"), [(TOKEN, TOKEN), ("81_oauth", "Bearer 81_oauth")])
async def test_a_personal_token_stands_bare_and_an_oauth_token_does_not(clickup, token, header):
    client = clickup(error(404), token=token)
    await read(client)
    assert clickup.calls[0].headers["authorization"] == header
    assert clickup.calls[0].url.host == "api.clickup.com"


async def test_a_comment_is_plain_text_and_notifies_nobody(clickup):
    client = clickup(httpx.Response(200, json={"id": 90110164070264}))
    assert await write(client) == "90110164070264"
    (call,) = clickup.calls
    assert (call.method, call.url.path) == ("POST", "/api/v2/task/86cx1ab2c/comment")
    assert json.loads(call.content) == {"comment_text": "hello", "notify_all": False}


@pytest.mark.parametrize("name", ["post_task_comment", "post_task_comment_observed_2025"])
async def test_both_known_answers_to_a_new_comment_give_its_id(clickup, payload, name):
    assert await write(clickup(httpx.Response(200, content=payload(name)))) == "90110164070264"


async def test_an_id_cannot_lead_to_another_address(clickup):
    client = clickup(error(404))
    assert await client.list("../user") is None
    assert clickup.calls[0].url.raw_path == b"/api/v2/list/..%2Fuser"
    assert await client.list("..") is None
    assert await client.list("") is None
    assert len(clickup.calls) == 1
