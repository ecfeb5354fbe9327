"""The ClickUp integration against a ClickUp: the sandbox's."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from nexus.integrations.clickup.integration import ClickUpIntegration
from nexus.pipeline.errors import Deferred, Rejected, Retryable, Unsure
from nexus.pipeline.facts import AddComment, CommentPosted, Echo, EditComment, Person, PostReply
from nexus.pipeline.ports import Connected, Drop, Incoming, Outgoing, RawRequest
from oblivion_sandbox import FaultRule, running_sandbox, seed
from oblivion_sandbox.clickup.comments import CommentBody

LINK = "https://example.slack.com/archives/C0A1B2C3D/p1763801000000100?thread_ts=1763800999.000100&cid=C0A1B2C3D"
pytestmark = pytest.mark.asyncio(loop_scope="module")
SAM = Person("U0SAM00002", "Sam Okafor")


class ClickUp:
    """A running sandbox, the integration connected to it as the bot, and a person who uses it."""

    def __init__(self, running, integration, connection, dana):
        self.running, self.integration, self.connection, self.dana = running, integration, connection, dana
        self.tracker = integration.open(connection)

    async def as_dana(self, verb, path, **body):
        response = await self.dana.request(verb, path, json=body or None)
        assert response.is_success, response.text
        return response.json()

    async def task(self, **keys):
        made = await self.as_dana("POST", f"/list/{seed.CLICKUP_LIST_INBOX}/task", **({"name": "CSV"} | keys))
        return made["id"]

    def fault(self, match, fault, **keys):
        rule = FaultRule(vendor="clickup", match=match, fault=fault, **keys)
        self.running.sandbox.core.faults.add(rule)

    def limit(self, per_minute):
        core = self.running.sandbox.core
        core.settings = core.settings.model_copy(update={"clickup_requests_per_minute": per_minute})

    def comments(self):
        return [comment.text for comment in self.running.sandbox.clickup.state.comments.values()]

    def calls(self, method):
        return self.running.sandbox.core.recorder.find_calls("clickup", method, 0)


@asynccontextmanager
async def connected_to(running):
    integration = ClickUpIntegration()
    credentials = {"token": seed.CLICKUP_TOKEN_BOT, "api_url": running.clickup_api_url}
    probe = await integration.probe(credentials)
    connection = Connected(UUID(int=1), UUID(int=2), "clickup", probe.workspace_id, credentials, probe.facts)
    headers = {"Authorization": seed.CLICKUP_TOKEN_DANA}
    async with httpx.AsyncClient(base_url=running.clickup_api_url, headers=headers, trust_env=False) as dana:
        yield ClickUp(running, integration, connection, dana)
    await integration.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running():
    async with running_sandbox() as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="module")
async def clickup(running):
    await running.sandbox.reset()
    async with connected_to(running) as connected:
        yield connected


def outgoing(intent, **keys):
    made = Outgoing(UUID(int=3), intent, None, None, "", None, None, LINK)
    return replace(made, **keys)


def comment(task_id, text="use v2"):
    return AddComment(task_id, "C0A1B2C3D", "1763801000.000100", SAM, text)


def edit(task_id, text="use v3", deleted=False):
    return EditComment(task_id, "C0A1B2C3D", "1763801000.000100", SAM, text, deleted)


async def test_a_probe_learns_who_we_are(clickup):
    assert clickup.connection.workspace_id == seed.CLICKUP_TEAM_ID
    assert clickup.connection.facts == {"user_id": str(seed.CLICKUP_USER_BOT), "username": "Oblivion"}


async def test_a_probe_with_a_wrong_token_says_what_to_do(clickup):
    wrong = {"token": "pk_1_WRONG", "api_url": clickup.running.clickup_api_url}
    with pytest.raises(Rejected, match="refused the token"):
        await clickup.integration.probe(wrong)


async def test_lists_are_found_with_and_without_folders(clickup):
    assert sorted((one.id, one.name, one.group) for one in await clickup.tracker.lists()) == [
        (seed.CLICKUP_LIST_INBOX, "Inbox", "Product"),
        (seed.CLICKUP_LIST_WEBSITE, "Website", "Product"),
        (seed.CLICKUP_LIST_RELIABILITY, "Reliability", "Product / Platform"),
    ]
    assert clickup.calls("GET /folder/*") == []  # The folder has brought its lists along.
    assert await clickup.tracker.list_name(seed.CLICKUP_LIST_INBOX) == "Inbox"
    assert await clickup.tracker.list_name("999") is None


async def test_a_task_is_fetched_as_it_is(clickup):
    task_id = await clickup.task(
        name="CSV export",
        markdown_description="@AI_Squad build the **export**",
        tags=["ai_squad"],
        priority=2,
        assignees=[seed.CLICKUP_USER_SAM],
    )
    item = await clickup.tracker.fetch_item(task_id)
    assert (item.id, item.list_id, item.list_name) == (task_id, seed.CLICKUP_LIST_INBOX, "Inbox")
    assert (item.title, item.description.strip()) == ("CSV export", "@AI_Squad build the **export**")
    assert (item.status, item.closed, item.priority) == ("to do", False, "high")
    assert item.creator == Person(str(seed.CLICKUP_USER_DANA), "Dana Reyes")
    assert (item.assignees, item.tags) == (("Sam Okafor",), ("ai_squad",))
    assert item.url.endswith(task_id)
    assert abs(item.updated_ms / 1000 - datetime.now(UTC).timestamp()) < 60


async def test_a_closed_task_is_closed(clickup):
    task_id = await clickup.task()
    await clickup.as_dana("PUT", f"/task/{task_id}", status="complete")
    assert (await clickup.tracker.fetch_item(task_id)).closed


async def test_a_deleted_task_is_gone(clickup):
    task_id = await clickup.task()
    await clickup.as_dana("DELETE", f"/task/{task_id}")
    assert await clickup.tracker.fetch_item(task_id) is None
    with pytest.raises(Rejected, match=f"task/{task_id}"):
        await clickup.tracker.send(outgoing(comment(task_id)))


async def test_tasks_do_not_seem_gone_when_it_is_we_who_left_the_workspace(clickup):
    elsewhere = replace(clickup.connection, id=UUID(int=9), workspace_id="1")
    with pytest.raises(Rejected, match="no longer a member"):
        await clickup.integration.open(elsewhere).fetch_item("86cxgone")


async def test_a_comment_is_written_changed_and_marked_deleted(clickup):
    task_id = await clickup.task()
    receipt = await clickup.tracker.send(outgoing(comment(task_id)))
    assert clickup.comments() == [f"Sam Okafor in Slack: use v2\n{LINK}"]
    for intent, text in (
        (edit(task_id), f"Sam Okafor in Slack: use v3\n{LINK}"),
        (edit(task_id, deleted=True), f"Sam Okafor deleted this message in Slack.\n{LINK}"),
    ):
        sent = outgoing(intent, twin_id=receipt.external_id)
        assert await clickup.tracker.send(sent) == receipt
        assert await clickup.tracker.find(sent) is None
        assert clickup.comments() == [text]


async def test_a_comment_that_a_person_removed_cannot_change_but_counts_as_deleted(clickup):
    task_id = await clickup.task()
    receipt = await clickup.tracker.send(outgoing(comment(task_id)))
    await clickup.as_dana("DELETE", f"/comment/{receipt.external_id}")
    with pytest.raises(Rejected, match="deleted in ClickUp"):
        await clickup.tracker.send(outgoing(edit(task_id), twin_id=receipt.external_id))
    gone = outgoing(edit(task_id, deleted=True), twin_id=receipt.external_id)
    assert await clickup.tracker.send(gone) == receipt


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (outgoing(PostReply("C1", "hi")), "cannot do PostReply"),
        (outgoing(comment("86cx1ab2c"), permalink=None), "no permalink"),
        (outgoing(edit("86cx1ab2c")), "never written"),
    ],
)
async def test_what_clickup_cannot_do_is_rejected_before_any_call(clickup, made, said):
    with pytest.raises(Rejected, match=said):
        await clickup.tracker.send(made)
    assert clickup.calls("P*") == []


async def test_a_comment_whose_answer_was_lost_is_found(clickup):
    task_id = await clickup.task()
    wanted = outgoing(comment(task_id), attempted_at=datetime.now(UTC))
    assert await clickup.tracker.find(wanted) is None
    clickup.fault("POST /task/*/comment", "accept_then_cut", count=1)
    with pytest.raises(Unsure):
        await clickup.tracker.send(wanted)
    found = await clickup.tracker.find(wanted)
    assert found is not None
    assert list(clickup.running.sandbox.clickup.state.comments) == [found.external_id]


async def test_a_comment_that_never_arrived_is_not_found(clickup):
    task_id = await clickup.task()
    clickup.fault("POST /task/*/comment", "drop", count=1)
    with pytest.raises(Unsure):
        await clickup.tracker.send(outgoing(comment(task_id)))
    assert await clickup.tracker.find(outgoing(comment(task_id))) is None


async def test_only_our_own_comment_with_that_last_line_is_proof(clickup):
    task_id = await clickup.task()
    await clickup.as_dana("POST", f"/task/{task_id}/comment", comment_text=f"Sam in Slack: x\n{LINK}")
    quoting = outgoing(comment(task_id, f"see {LINK}"), permalink="https://example.slack.com/other")
    await clickup.tracker.send(quoting)
    assert await clickup.tracker.find(outgoing(comment(task_id))) is None


async def test_a_comment_is_found_behind_many_newer_ones_back_to_the_first_try(clickup):
    task_id = await clickup.task()
    before = datetime.now(UTC)
    receipt = await clickup.tracker.send(outgoing(comment(task_id)))
    for number in range(55):
        body = CommentBody(comment_text=f"{number}")
        clickup.running.sandbox.clickup.comments.post(seed.CLICKUP_USER_DANA, task_id, body)
    assert await clickup.tracker.find(outgoing(comment(task_id), attempted_at=before)) == receipt
    read = len(clickup.calls("GET /task/*/comment"))
    assert read == 3
    late = before.replace(year=before.year + 1)
    assert await clickup.tracker.find(outgoing(comment(task_id), attempted_at=late)) is None
    assert len(clickup.calls("GET /task/*/comment")) == read + 1


async def test_a_failing_clickup_is_unsure_for_writes_and_retryable_for_reads(clickup):
    task_id = await clickup.task()
    clickup.fault("*", "5xx", token="bot")
    with pytest.raises(Unsure):
        await clickup.tracker.send(outgoing(comment(task_id)))
    with pytest.raises(Retryable):
        await clickup.tracker.fetch_item(task_id)


async def test_the_rate_limit_is_kept_without_asking_clickup(clickup):
    task_id = await clickup.task()
    clickup.limit(4)  # The probe has used two.
    await clickup.tracker.fetch_item(task_id)
    await clickup.tracker.fetch_item(task_id)
    asked = len(clickup.calls("*"))
    with pytest.raises(Deferred) as caught:
        await clickup.tracker.send(outgoing(comment(task_id)))
    assert 1 <= caught.value.after_seconds <= 60
    assert len(clickup.calls("*")) == asked
    assert clickup.comments() == []


async def test_a_refused_write_has_not_happened(clickup):
    task_id = await clickup.task()
    clickup.fault("POST /task/*/comment", "429", count=1, seconds=20)
    with pytest.raises(Deferred) as caught:
        await clickup.tracker.send(outgoing(comment(task_id)))
    assert 18 <= caught.value.after_seconds <= 21
    assert clickup.comments() == []


async def test_a_clickup_that_is_not_there_is_retryable_even_for_writes(clickup, unused_tcp_port):
    credentials = {"token": seed.CLICKUP_TOKEN_BOT, "api_url": f"http://127.0.0.1:{unused_tcp_port}"}
    absent = replace(clickup.connection, id=UUID(int=9), credentials=credentials)
    with pytest.raises(Retryable, match="cannot be reached"):
        await clickup.integration.open(absent).send(outgoing(comment("86cx1ab2c")))


@pytest_asyncio.fixture(loop_scope="module")
async def hub():
    """An HTTP server for webhooks: its address, and the requests that came in."""
    came: asyncio.Queue[RawRequest] = asyncio.Queue()

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line]
        headers = {name.lower(): value for name, value in lines}
        came.put_nowait(RawRequest(await reader.readexactly(int(headers["content-length"])), headers, ""))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", came


async def test_webhooks_are_subscribed_once_signed_and_read(clickup, hub):
    url, came = hub
    (hook,) = await clickup.integration.subscribe(clickup.connection, url)
    assert await clickup.integration.subscribe(clickup.connection, url + "/") == [hook]
    task_id = await clickup.task(markdown_description="@AI_Squad hi", tags=["ai_squad"])
    await clickup.as_dana("POST", f"/task/{task_id}/comment", comment_text="Please hurry")
    await clickup.tracker.send(outgoing(comment(task_id)))
    source, now = clickup.integration.source, datetime.now(UTC)
    facts, keys = [], set()
    async with asyncio.timeout(5):
        while not any(isinstance(fact, Echo) for fact in facts):
            request = await came.get()
            assert source.key_of(request) == hook.key
            assert source.verify(request, hook.secret, now)
            assert not source.verify(request, hook.secret[::-1], now)
            read = source.read(request)
            assert not isinstance(read, Drop)
            assert isinstance(read, Incoming)
            assert read.stream_key == f"clickup:task:{task_id}"
            assert read.dedup_key not in keys
            keys.add(read.dedup_key)
            facts += source.facts(request.body, "application/json", clickup.connection)
    comments = [fact for fact in facts if isinstance(fact, CommentPosted)]
    assert [(fact.author.name, fact.text) for fact in comments] == [("Dana Reyes", "Please hurry")]


async def test_a_suspended_webhook_works_again_with_the_same_secret(clickup, hub):
    url, _ = hub
    hooks = clickup.running.sandbox.clickup.state.webhooks
    (first,) = await clickup.integration.subscribe(clickup.connection, url)
    hooks[first.key].health = "suspended"
    assert await clickup.integration.subscribe(clickup.connection, url) == [first]
    assert hooks[first.key].health == "active"
    assert list(hooks) == [first.key]


async def test_a_webhook_that_vanished_is_made_again(clickup, hub):
    url, _ = hub
    hooks = clickup.running.sandbox.clickup.state.webhooks
    (first,) = await clickup.integration.subscribe(clickup.connection, url)
    hooks.clear()
    (second,) = await clickup.integration.subscribe(clickup.connection, url)
    assert second.key != first.key
    assert list(hooks) == [second.key]


async def test_a_registration_whose_answer_was_lost_is_not_made_twice(clickup, hub):
    url, _ = hub
    clickup.fault("POST /team/*/webhook", "accept_then_cut", count=1)
    with pytest.raises(Retryable):
        await clickup.integration.subscribe(clickup.connection, url)
    (hook,) = await clickup.integration.subscribe(clickup.connection, url)
    assert list(clickup.running.sandbox.clickup.state.webhooks) == [hook.key]
