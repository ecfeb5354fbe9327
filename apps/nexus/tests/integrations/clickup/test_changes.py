"""Reading ClickUp back, and looking after our webhook there, against the sandbox's."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from support.local_clickup import Answer, Asked, LocalClickUp

from nexus.integrations.clickup import changes
from nexus.integrations.clickup.budget import RESERVED_SHARE, Budget
from nexus.integrations.clickup.integration import ClickUpIntegration
from nexus.pipeline.errors import Deferred
from nexus.pipeline.facts import CommentPosted, ItemDeleted, Person
from nexus.pipeline.ports import Connected, Incoming
from oblivion_sandbox import Running, running_sandbox, seed

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
HUB = "http://127.0.0.1:9"


class Place:
    """The integration, connected as the bot, and Dana, who works in ClickUp."""

    def __init__(self, box: Running, integration: ClickUpIntegration, connection: Connected, dana: httpx.AsyncClient):
        self.box, self.integration, self.connection, self.dana = box, integration, connection, dana
        self.history = integration.history(connection)

    @property
    def hooks(self) -> dict[str, Any]:
        return self.box.sandbox.clickup.state.webhooks

    async def task(self, name: str) -> str:
        made = await self.dana.post(f"/list/{seed.CLICKUP_LIST_INBOX}/task", json={"name": name})
        return made.json()["id"]

    async def say(self, path: str, text: str) -> str:
        made = await self.dana.post(path, json={"comment_text": text, "notify_all": False})
        assert made.is_success, made.text
        return str(made.json().get("id"))

    def calls(self, method: str) -> int:
        return len(self.box.sandbox.core.recorder.find_calls("clickup", method, 0))

    def knowing(self, secrets: dict[str, str]) -> Connected:
        return replace(self.connection, credentials={**self.connection.credentials, "hooks": secrets})


@pytest.fixture
async def place() -> AsyncGenerator[Place]:
    async with running_sandbox() as box:
        core = box.sandbox.core
        core.settings = core.settings.model_copy(update={"clickup_requests_per_minute": 0})
        integration = ClickUpIntegration()
        credentials = {"token": seed.CLICKUP_TOKEN_BOT, "api_url": box.clickup_api_url}
        probe = await integration.probe(credentials)
        connection = Connected(UUID(int=1), UUID(int=2), "clickup", probe.workspace_id, credentials, probe.facts)
        headers = {"Authorization": seed.CLICKUP_TOKEN_DANA}
        async with httpx.AsyncClient(base_url=box.clickup_api_url, headers=headers) as dana:
            yield Place(box, integration, connection, dana)
        await integration.aclose()


async def test_every_changed_task_is_found_though_some_change_while_the_pages_are_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "TASKS_PER_PAGE", 100)
    ids = [await place.task(f"task {number}") for number in range(230)]
    untouched = set(ids)
    read = place.history._client.tasks  # pyright: ignore[reportPrivateUsage]

    async def read_while_people_work(*where: Any) -> Any:
        page = await read(*where)
        moved = ids.pop(0)
        await place.dana.put(f"/task/{moved}", json={"name": "moved to the end"})
        return page

    monkeypatch.setattr(place.history._client, "tasks", read_while_people_work)
    found = await place.history.items_since(LONG_AGO)
    assert {item.id for item in found} == untouched
    times = [item.updated_ms for item in found]
    assert times == sorted(times)


async def test_only_what_changed_since_then_is_found(place: Place) -> None:
    old = await place.task("old")
    await asyncio.sleep(0.01)  # ClickUp tells times in milliseconds
    since = datetime.now(UTC)
    await asyncio.sleep(0.01)
    new = await place.task("new")
    assert [item.id for item in await place.history.items_since(since)] == [new]
    await place.dana.put(f"/task/{old}", json={"status": "complete"})
    assert [item.id for item in await place.history.items_since(since)] == [new, old], "closed ones, too"


async def test_tasks_of_one_millisecond_that_fill_pages_are_all_found(place: Place) -> None:
    ids = {await place.task(f"task {number}") for number in range(210)}
    for task in place.box.sandbox.clickup.state.tasks.values():
        task["date_updated"] = "1763801000000"
    assert {item.id for item in await place.history.items_since(LONG_AGO)} == ids


async def test_comments_of_people_and_their_replies_come_back_the_oldest_first(place: Place) -> None:
    task = await place.task("talk")
    first = await place.say(f"/task/{task}/comment", "first")
    await place.integration.open(place.connection)._client.add_comment(task, "ours")  # pyright: ignore[reportPrivateUsage]
    await place.say(f"/comment/{first}/reply", "a reply")
    for number in range(30):
        await place.say(f"/task/{task}/comment", f"number {number}")
    texts = [each.text for each in await place.history.comments(task, LONG_AGO)]
    assert texts == ["first", "a reply", *(f"number {number}" for number in range(30))]
    recent = await place.history.comments(task, datetime.now(UTC) + timedelta(hours=1))
    assert len(recent) == 25, "one page is enough"
    assert await place.history.comments("gone", LONG_AGO) == []


async def test_an_event_that_we_make_says_what_clickup_would_have_said(place: Place) -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
    posted = CommentPosted("86cx1", "458", Person("81234567", "Dana Reyes"), "hello\nthere", at)
    source, seen = place.integration.source, set[str]()
    for fact in (
        posted,
        replace(posted, edited=True, posted_at=at),
        replace(posted, edited=True, posted_at=at, text="new"),
        ItemDeleted("86cx1"),
    ):
        request = place.history.event_of(fact)
        assert source.facts(request.body, "application/json", place.connection) == [fact]
        stored, again = source.read(request), source.read(place.history.event_of(fact))
        assert isinstance(stored, Incoming)
        assert isinstance(again, Incoming)
        assert stored.dedup_key == again.dedup_key
        assert stored.stream_key == "clickup:task:86cx1"
        seen.add(stored.dedup_key)
    assert len(seen) == 4


async def test_a_sound_webhook_is_looked_at_with_one_request(place: Place) -> None:
    made = await place.integration.watch(place.connection, HUB)
    assert (made.status, made.sound, made.repaired) == ("missing", False, True)
    before = place.calls("*")
    found = await place.integration.watch(place.connection, HUB)
    assert (found.status, found.sound, found.repaired, found.hooks) == ("active", True, False, made.hooks)
    assert place.calls("*") == before + 1


@pytest.mark.parametrize(("health", "fail_count"), [("failing", 3), ("suspended", 100), ("active", 2)])
async def test_an_ailing_webhook_is_set_active_and_keeps_its_secret(place: Place, health: str, fail_count: int) -> None:
    made = await place.integration.watch(place.connection, HUB)
    (hook,) = place.hooks.values()
    hook.health, hook.fail_count = health, fail_count
    found = await place.integration.watch(place.connection, HUB)
    assert (found.status, found.fail_count, found.sound, found.repaired) == (health, fail_count, False, True)
    assert (hook.health, hook.fail_count) == ("active", 0)
    assert found.hooks == made.hooks


async def test_two_that_make_the_missing_webhook_at_once_end_with_the_same_one(place: Place) -> None:
    first, second = await asyncio.gather(*(place.integration.watch(place.connection, HUB) for _ in range(2)))
    assert first.hooks == second.hooks
    assert [hook.key for hook in first.hooks] == list(place.hooks)
    assert place.calls("POST /team/*/webhook") == 2, "one of them was told OAUTH_171"


async def test_a_webhook_of_another_user_at_our_address_is_a_case_for_a_person(place: Place) -> None:
    taken = {"endpoint": f"{HUB}/webhooks/clickup", "events": "*"}
    assert (await place.dana.post(f"/team/{seed.CLICKUP_TEAM_ID}/webhook", json=taken)).is_success
    found = await place.integration.watch(place.connection, HUB)
    assert not found.access_lost
    assert "another ClickUp user made it" in (found.problem or "")
    assert len(place.hooks) == 1


async def test_a_webhook_that_sends_elsewhere_is_left_alone(place: Place) -> None:
    made = await place.integration.watch(place.connection, HUB)
    known = place.knowing({hook.key: hook.secret for hook in made.hooks})
    found = await place.integration.watch(known, "http://127.0.0.1:10")
    assert (found.status, found.hooks, found.repaired) == ("elsewhere", (), False)
    assert HUB in (found.problem or "")
    assert list(place.hooks) == [hook.key for hook in made.hooks]


@pytest.mark.parametrize(
    ("user", "teams", "lost"),
    [
        ((200, {"user": {"id": 1}}), [{"id": "9", "name": "w"}], False),
        ((200, {"user": {"id": 1}}), [{"id": "8", "name": "other"}], True),
        ((401, {"err": "Token invalid", "ECODE": "OAUTH_025"}), [], True),
    ],
)
async def test_a_401_about_the_workspace_breaks_nothing_unless_the_token_is_dead(
    local: LocalClickUp,
    connected_to_local: Any,
    user: tuple[int, dict[str, Any]],
    teams: list[dict[str, str]],
    lost: bool,
) -> None:
    def answer(asked: Asked) -> Answer:
        match asked.path:
            case "/user":
                return Answer(user[0], json=user[1])
            case "/team":
                return Answer(json={"teams": teams})
            case _:
                return Answer(401, json={"err": "Team not authorized", "ECODE": "OAUTH_027"})

    local.says = answer
    integration = ClickUpIntegration()
    found = await integration.watch(replace(connected_to_local(), workspace_id="9"), HUB)
    assert found.access_lost is lost
    assert found.problem
    await integration.aclose()


def test_what_is_left_of_a_minute_is_kept_for_the_work_of_the_day() -> None:
    budget, now = Budget(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    reset = str(int(now.timestamp()) + 40)

    def note(remaining: float) -> None:
        headers = {"x-ratelimit-remaining": str(int(remaining)), "x-ratelimit-limit": "100", "x-ratelimit-reset": reset}
        budget.note(200, headers, now)

    note(100 * RESERVED_SHARE + 1)
    assert (budget.rest_seconds(now), budget.wait_seconds(now)) == (0.0, 0.0)
    note(100 * RESERVED_SHARE)
    assert (budget.rest_seconds(now), budget.wait_seconds(now)) == (40.0, 0.0)
    assert budget.rest_seconds(now + timedelta(seconds=41)) == 0.0


async def test_pages_are_not_read_at_the_expense_of_the_work_of_the_day(
    local: LocalClickUp, connected_to_local: Any
) -> None:
    reset = str(int(datetime.now(UTC).timestamp()) + 30)

    def answer(asked: Asked) -> Answer:
        left = {"x-ratelimit-remaining": "20", "x-ratelimit-limit": "100", "x-ratelimit-reset": reset}
        task = {"list": {"id": "1"}, "status": {"status": "to do", "type": "open"}, "name": "t"}
        tasks = [task | {"id": str(number), "date_updated": str(1763801000000 + number)} for number in range(100)]
        return Answer(json={"tasks": tasks}, headers=left)

    local.says = answer
    integration = ClickUpIntegration()
    with pytest.raises(Deferred):
        await integration.history(connected_to_local()).items_since(LONG_AGO)
    assert len(local.asked) == 1
    await integration.aclose()
