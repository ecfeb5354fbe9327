"""What the worker is told to do about each of ClickUp's answers."""

import gzip
import json

import pytest
from support.local_clickup import Answer, LocalClickUp

from nexus.integrations.clickup.answers import ReadComment
from nexus.integrations.clickup.client import ClickUpClient
from nexus.integrations.clickup.settings import Credentials
from nexus.pipeline.errors import Deferred, Rejected, Retryable, Unsure

TOKEN = "pk_81230001_VERYSECRET"


@pytest.fixture
async def clickup(clock, local: LocalClickUp):
    """A client whose every call gets the same answer; `calls` has the requests."""
    clients: list[ClickUpClient] = []

    def build(answer: Answer | None = None, token: str = TOKEN, below: str = "") -> ClickUpClient:
        local.says = lambda asked: answer or Answer(json={})
        clients.append(ClickUpClient(Credentials(token=token, api_url=local.api_url + below), clock))
        return clients[-1]

    build.calls = local.asked
    yield build
    for client in clients:
        await client.aclose()


def read(client):
    return client.task("86cx1ab2c")


def write(client):
    return client.add_comment("86cx1ab2c", "hello")


def error(status, err="Something", ecode=None, **headers):
    body = {"err": err} | ({} if ecode is None else {"ECODE": ecode})
    return Answer(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


TABLE = [
    (error(500), Retryable, Unsure),
    (error(502), Retryable, Unsure),
    (Answer(503, body=b"<html>"), Retryable, Unsure),
    (Answer(408), Retryable, Unsure),
    (Answer(200, body=b"<html>login"), Retryable, Unsure),
    (error(429), Deferred, Deferred),
    (error(401, "Token invalid", "OAUTH_025"), Rejected, Rejected),
    (error(401, "Authorization header required", "OAUTH_017"), Rejected, Rejected),
    (Answer(401, body=b""), Rejected, Rejected),
    (error(401, "Team not authorized", "OAUTH_027"), None, Rejected),
    (error(404, "Task not found", "ITEM_013"), None, Rejected),
    (Answer(404, body=b"<html>no such page"), Retryable, Retryable),
    (error(400, "Comment text is required"), Rejected, Rejected),
    (error(403), Rejected, Rejected),
    (Answer(302, headers={"location": "/api/v2/elsewhere"}), Rejected, Rejected),
]


@pytest.mark.parametrize(("answer", "on_read", "on_write"), TABLE)
async def test_the_error_table(clickup, answer, on_read, on_write):
    for call, outcome in ((read, on_read), (write, on_write)):
        client = clickup(answer)
        clickup.calls.clear()
        if outcome is None:
            assert await call(client) is None
            continue
        with pytest.raises((Retryable, Unsure, Rejected)) as caught:
            await call(client)
        assert type(caught.value) is outcome
        assert TOKEN not in caught.value.reason
        assert len(clickup.calls) == 1, "nothing is repeated, no redirect followed"


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
    headers = {"X-RateLimit-Remaining": "0", "X-RATELIMIT-RESET": reset}
    client = clickup(Answer(json={"id": "1", "list": {"id": "2"}}, headers=headers))
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
    headers = {"X-RateLimit-Remaining": "1", "x-ratelimit-reset": str(int(clock.now().timestamp()) + 30)}
    client = clickup(Answer(json={"id": "1", "list": {"id": "2"}}, headers=headers))
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
    assert Credentials(token=token).api_url == "https://api.clickup.com/api/v2"


async def test_a_comment_is_plain_text_and_notifies_nobody(clickup):
    client = clickup(Answer(json={"id": 90110164070264}))
    assert await write(client) == "90110164070264"
    (call,) = clickup.calls
    assert (call.method, call.target) == ("POST", "/api/v2/task/86cx1ab2c/comment")
    assert json.loads(call.body) == {"comment_text": "hello", "notify_all": False}
    assert call.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["post_task_comment", "post_task_comment_observed_2025"])
async def test_both_known_answers_to_a_new_comment_give_its_id(clickup, payload, name):
    assert await write(clickup(Answer(body=payload(name)))) == "90110164070264"


async def test_an_id_cannot_lead_to_another_address(clickup):
    client = clickup(error(404))
    assert await client.list("../user") is None
    assert clickup.calls[0].target == "/api/v2/list/..%2Fuser"
    assert await client.list("..") is None
    assert await client.list("") is None
    assert len(clickup.calls) == 1


async def test_what_an_id_is_made_of_arrives_as_it_is_and_is_encoded_once(clickup):
    client = clickup(error(404, "gone", "ITEM_013"))
    await client.task("a/../b?x#y%41 ü~+;=")
    last = ReadComment.model_construct(id="45 &8", date=17)
    await client.comments("1", last)
    await client.comments("1", None)
    await client.comment_replies("a..b")
    assert [call.target for call in clickup.calls] == [
        "/api/v2/task/a%2F..%2Fb%3Fx%23y%2541%20%C3%BC~%2B%3B%3D?include_markdown_description=true",
        "/api/v2/task/1/comment?start=17&start_id=45+%268",
        "/api/v2/task/1/comment",
        "/api/v2/comment/a..b/reply",
    ]


@pytest.mark.parametrize(
    ("below", "path"),
    [("/", ""), ("//", ""), ("/ü b", "/%C3%BC%20b"), ("/a%2Fb", "/a%2Fb"), ("/x/../y", "/y"), ("/z#part", "/z")],
)
async def test_calls_go_below_the_address_however_it_is_written(clickup, below, path):
    await clickup(error(404), below=below).list("1")
    assert clickup.calls[0].target == f"/api/v2{path}/list/1"


async def test_the_pages_of_a_workspace_are_asked_for_as_clickup_documents_it(clickup):
    assert await clickup(Answer(json={"tasks": []})).tasks("9", 17, 0) == ()
    wanted = "date_updated_gt=17&page=0&order_by=updated&reverse=true&include_closed=true&subtasks=true"
    assert clickup.calls[0].target == f"/api/v2/team/9/task?{wanted}"


async def test_a_text_arrives_letter_by_letter(clickup):
    text = 'é \U0001f600 " \\ \n </script> \u2028 \x7f'
    await clickup(Answer(json={"id": 1})).add_comment("1", text)
    assert json.loads(clickup.calls[0].body)["comment_text"] == text


async def test_no_cookie_comes_back(clickup):
    client = clickup(Answer(404, json={"err": "x"}, headers={"Set-Cookie": "session=1; Path=/"}))
    await read(client)
    await read(client)
    assert [call.headers.get("Cookie") for call in clickup.calls] == [None, None]


async def test_a_compressed_answer_and_long_headers_are_read(clickup):
    body = gzip.compress(json.dumps({"id": "5"}).encode())
    client = clickup(Answer(body=body, headers={"Content-Encoding": "gzip", "Content-Security-Policy": "x" * 50_000}))
    assert await write(client) == "5"
