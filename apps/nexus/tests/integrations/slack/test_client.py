"""Every way in which a call can fail, over a real connection, and what the worker is told."""

import asyncio
import socket

import pytest
from aiohttp import web

from nexus.integrations.slack.answers import Channels, Written
from nexus.integrations.slack.client import SlackClient
from nexus.pipeline.errors import Deferred, PipelineError, Rejected, Retryable, Unsure

TOKEN = "xoxb-very-secret"
OK = {"ok": True, "ts": "1.000001"}


class Watch:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def client(scripted):
    client = SlackClient(TOKEN, scripted.url, seconds_now=Watch())
    yield client
    await client.aclose()


async def post(client: SlackClient) -> Written:
    return await client.write("chat.postMessage", Written, channel="C1", text="hi")


async def look(client: SlackClient) -> Channels:
    return await client.read("conversations.list", Channels, limit=2)


async def failure(call) -> PipelineError:
    with pytest.raises(PipelineError) as raised:
        await call
    assert "secret" not in str(raised.value) and "xoxb" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        ("channel_not_found", Rejected, "/invite"),
        ("is_archived", Rejected, "Unarchive"),
        ("invalid_auth", Rejected, "new bot token"),
        ("not_authed", Rejected, "new bot token"),
        ("token_revoked", Rejected, "new bot token"),
        ("token_expired", Rejected, "new bot token"),
        ("account_inactive", Rejected, "deactivated"),
        ("restricted_action", Rejected, "administrator"),
        ("msg_too_long", Rejected, "too long"),
        ("msg_blocks_too_long", Rejected, "too long"),
        ("metadata_too_large", Rejected, "too large"),
        ("no_text", Rejected, "no text"),
        ("thread_not_found", Rejected, "gone"),
        ("message_not_found", Rejected, "gone"),
        ("cant_update_message", Rejected, "Another app"),
        ("brand_new_error", Rejected, "Slack refused chat.postMessage: brand_new_error"),
        ("fatal_error", Unsure, "fatal_error"),
        ("internal_error", Unsure, "internal_error"),
        ("request_timeout", Unsure, "request_timeout"),
        ("service_unavailable", Unsure, "service_unavailable"),
        ("duplicate_message_not_found", Unsure, "duplicate"),
        ("ratelimited", Deferred, "wait"),
        ("message_limit_exceeded", Deferred, "wait"),
        ("team_added_to_org", Retryable, "moment"),
    ],
)
async def test_each_error_of_slack_says_what_to_do(scripted, client, error: str, kind: type, says: str) -> None:
    scripted.answers("chat.postMessage", {"ok": False, "error": error})
    failed = await failure(post(client))
    assert type(failed) is kind or (kind is Rejected and isinstance(failed, Rejected))
    assert (says in str(failed) and error in str(failed)) or kind is Deferred
    scripted.answers("conversations.list", {"ok": False, "error": error})
    if kind is Unsure:
        assert type(await failure(look(client))) is Retryable


async def test_fixtures_of_refusals_keep_slacks_details(scripted, client, payload) -> None:
    scripted.answers("chat.postMessage", payload("error_missing_scope"))
    assert "It needs: channels:read,groups:read,mpim:read,im:read." in str(await failure(post(client)))
    scripted.answers("chat.postMessage", payload("error_invalid_blocks"))
    assert "[json-pointer:/blocks/0/text/text]" in str(await failure(post(client)))


@pytest.mark.parametrize(("header", "seconds"), [("30", 30), ("0", 1), ("99999999", 3600), ("soon", 30), (None, 30)])
async def test_429_waits_as_long_as_slack_says(scripted, client, header: str | None, seconds: float) -> None:
    async def too_fast(_: web.Request) -> web.Response:
        headers = {"Retry-After": header} if header is not None else {}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)

    scripted.answers("chat.postMessage", too_fast)
    failed = await failure(post(client))
    assert isinstance(failed, Deferred) and failed.after_seconds == seconds


async def test_during_the_wait_slack_is_not_asked_and_afterwards_it_is(scripted) -> None:
    watch = Watch()
    client = SlackClient(TOKEN, scripted.url, seconds_now=watch)

    async def too_fast(_: web.Request) -> web.Response:
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "30"})

    scripted.answers("chat.postMessage", too_fast, OK)
    await failure(post(client))
    watch.seconds += 10
    waiting = await failure(post(client))
    assert isinstance(waiting, Deferred) and waiting.after_seconds == 20
    assert len(scripted.calls) == 1
    watch.seconds += 20
    assert (await post(client)).ts == "1.000001"
    await client.aclose()


async def cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def html(_: web.Request) -> web.Response:
    return web.Response(text="<html>", content_type="text/html")


async def plain(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def broken_json(_: web.Request) -> web.Response:
    return web.Response(text='{"ok": tr', content_type="application/json")


async def a_list(_: web.Request) -> web.Response:
    return web.json_response([1])


async def empty(_: web.Request) -> web.Response:
    return web.Response(text="", content_type="application/json")


async def no_utf8(_: web.Request) -> web.Response:
    return web.Response(body=b"\xff\xff{", content_type="application/json", charset="utf-8")


async def bad_gateway(_: web.Request) -> web.Response:
    return web.Response(status=502, text="<html>", content_type="text/html")


async def plain_error(_: web.Request) -> web.Response:
    return web.Response(status=503, text="upstream connect error")


async def json_error(_: web.Request) -> web.Response:
    return web.json_response({"ok": False, "error": "channel_not_found"}, status=500)


async def half(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": "100", "Content-Type": "application/json"})
    await answer.prepare(request)
    await answer.write(b'{"ok": true')
    assert request.transport is not None
    request.transport.abort()
    return answer


NO_ANSWERS = [cut, html, plain, broken_json, a_list, empty, no_utf8, bad_gateway, plain_error, json_error, half]


def named(answer: object) -> str:
    """The same name in every process of a parallel run."""
    return getattr(answer, "__name__", str(answer))


@pytest.mark.parametrize("answer", [*NO_ANSWERS, {"ok": True}, {"ok": True, "ts": 7}], ids=named)
async def test_a_write_without_a_clear_answer_is_unsure_and_sent_once(scripted, client, answer) -> None:
    scripted.answers("chat.postMessage", answer)
    assert type(await failure(post(client))) is Unsure
    assert len(scripted.calls) == 1


@pytest.mark.parametrize("answer", [*NO_ANSWERS, {"ok": True}], ids=named)
async def test_a_read_without_a_clear_answer_is_tried_again_later(scripted, client, answer) -> None:
    scripted.answers("conversations.list", answer)
    assert type(await failure(look(client))) is Retryable


async def test_no_answer_in_time_is_unsure(scripted, client, monkeypatch: pytest.MonkeyPatch) -> None:
    import aiohttp

    monkeypatch.setattr("nexus.integrations.slack.client._TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    released = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await released.wait()
        return web.json_response(OK)

    scripted.answers("chat.postMessage", hang)
    try:
        assert type(await failure(post(client))) is Unsure
    finally:
        released.set()


async def test_a_refused_connection_was_never_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = SlackClient(TOKEN, f"http://127.0.0.1:{taken.getsockname()[1]}/api")
        assert type(await failure(post(client))) is Retryable
        await client.aclose()


async def test_what_is_none_is_left_out_and_the_token_goes_in_the_header(scripted, client) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.json_response(OK)

    scripted.answers("chat.postMessage", answer)
    await client.write("chat.postMessage", Written, channel="C1", thread_ts=None)
    assert scripted.calls == [("chat.postMessage", {"channel": "C1"})]
    assert seen == [f"Bearer {TOKEN}"]


async def test_a_public_channel_is_joined_once(scripted, client) -> None:
    scripted.answers("chat.postMessage", {"ok": False, "error": "not_in_channel"}, OK)
    scripted.answers("conversations.join", {"ok": True, "channel": {"id": "C1"}, "warning": "already_in_channel"})
    assert (await client.in_channel("C1", lambda: post(client))).ts == "1.000001"
    assert [name for name, _ in scripted.calls] == ["chat.postMessage", "conversations.join", "chat.postMessage"]


async def test_a_channel_that_cannot_be_joined_says_how_to_invite(scripted, client) -> None:
    scripted.answers("chat.postMessage", {"ok": False, "error": "not_in_channel"})
    scripted.answers("conversations.join", {"ok": False, "error": "method_not_supported_for_channel_type"})
    failed = await failure(client.in_channel("C1", lambda: post(client)))
    assert isinstance(failed, Rejected) and "/invite" in failed.reason and "not_in_channel" in failed.reason
    scripted.answers("conversations.join", {"ok": True, "channel": {"id": "C1"}})
    assert isinstance(await failure(client.in_channel("C1", lambda: post(client))), Rejected)
    scripted.answers("conversations.join", cut)
    assert type(await failure(client.in_channel("C1", lambda: post(client)))) is Retryable
