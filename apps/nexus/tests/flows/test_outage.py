"""What happens while events do not reach us is read back, once."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World

from nexus.integrations.slack import gaps
from nexus.integrations.slack.gaps import SlackHistory
from nexus.kit.ids import new_id
from nexus.pipeline import rereading
from nexus.pipeline.ports import Threads
from nexus.pipeline.reconcile import Reconciler
from nexus.store.tables import Connection, Tenant
from oblivion_sandbox import FaultRule, seed

WATCH_SECONDS = 5.0


class Outage:
    """A world whose reconciler looks when the test says so."""

    def __init__(self, world: World, reconciler: Reconciler) -> None:
        self.world = world
        self.reconciler = reconciler

    @property
    def hooks(self) -> dict[str, Any]:
        return self.world.box.sandbox.clickup.state.webhooks

    def break_hook(self, health: str = "suspended", fail_count: int = 100) -> str:
        (hook,) = self.hooks.values()
        hook.health, hook.fail_count = health, fail_count
        return hook.id

    def fault(self, vendor: str, match: str, fault: str, **keys: Any) -> None:
        self.world.box.sandbox.core.faults.add(FaultRule(vendor=vendor, match=match, fault=fault, **keys))

    async def slack_events(self, on: bool) -> None:
        async with httpx.AsyncClient(base_url=self.world.box.url) as control:
            body = {"events_url": f"{self.world.url}/webhooks/slack" if on else None}
            assert (await control.post("/_control/slack/app", json=body)).is_success

    async def look(self, reconciler: Reconciler | None = None, *, after_seconds: float = WATCH_SECONDS + 1) -> None:
        """One look at each connection, as if so much time had passed since the last one."""
        async with self.world.nexus.db.system() as session:
            await session.execute(
                text("UPDATE connections SET checked_at = clock_timestamp() - make_interval(secs => :ago)"),
                {"ago": after_seconds},
            )
        await (reconciler or self.reconciler).run_once()

    async def sweep(self, looks: int = 1) -> None:
        """Looks that read back what there is, and the work that comes of it."""
        for _ in range(looks):
            await self.look(after_seconds=WATCH_SECONDS * 10)
            await self.world.settled()

    async def connection(self, vendor: str = "clickup") -> Any:
        query = "SELECT health, read_until, broken_reason, checked_at FROM connections WHERE vendor = :vendor"
        return (await self.world.rows(query, vendor=vendor))[0]

    async def inbox(self) -> int:
        return (await self.world.rows("SELECT count(*) FROM inbox"))[0][0]

    async def card(self, title: str) -> dict[str, Any]:
        return await self.world.root(title)

    async def replies(self, title: str) -> list[str]:
        return await self.world.said((await self.card(title))["ts"])


@pytest.fixture
async def outage(linked: World, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Outage]:
    monkeypatch.setattr(gaps, "_TURNS_AT_ONCE", 1000)
    made = Outage(linked, linked.nexus.reconciler(watch_seconds=WATCH_SECONDS))
    await made.look()
    return made


async def test_what_changed_while_the_webhook_was_suspended_arrives_once(outage: Outage) -> None:
    world = outage.world
    before = await world.create_task("Before", "@AI_Squad fix_bug")
    await outage.card("Before")
    by_webhook = await world.comment(before, "came by webhook")
    doomed = await world.create_task("Doomed", "@AI_Squad fix_bug")
    await outage.card("Doomed")
    await world.settled()
    outage.break_hook()
    await world.comment(before, "said unheard")
    answer = await world.people.put(f"/comment/{by_webhook}", json={"comment_text": "came by webhook, was edited"})
    assert answer.is_success
    await world.change_task(before, name="Before, renamed")
    during = await world.create_task("During", "@AI_Squad fix_bug")
    await world.comment(during, "said about what nobody knew of")
    await world.create_task("Nobody is called", "just a task")
    await world.people.delete(f"/task/{doomed}")
    await world.settled()
    assert await world.roots("During") == []

    await outage.look()
    (hook,) = outage.hooks.values()
    assert (hook.health, hook.fail_count) == ("active", 0)
    await world.settled()
    assert len(await world.roots()) == 3
    assert await outage.replies("Before, renamed") == ["came by webhook, was edited", "said unheard"]
    assert await outage.replies("During") == ["said about what nobody knew of"]
    assert "deleted" in str((await outage.card("Doomed"))["blocks"])
    found = await outage.connection()
    assert (found.health["status"], found.health["fail_count"]) == ("suspended", 100)
    assert found.health["repaired_at"] and found.health["last_error"] is None

    await outage.sweep()  # our own comments have changed the task: once more, and then there is nothing new
    stored = await outage.inbox()
    await outage.sweep(3)
    assert await outage.inbox() == stored, "a reading that finds nothing new stores nothing"
    assert len(await outage.replies("Before, renamed")) == 2
    assert (await outage.connection()).health["status"] == "active"
    assert (await world.rows("SELECT count(*) FROM inbox WHERE state = 'dead'"))[0][0] == 0


async def test_comment_that_is_read_while_its_event_is_under_way_is_one_reply(outage: Outage) -> None:
    world = outage.world
    item = await world.create_task("Twice", "@AI_Squad fix_bug")
    await outage.card("Twice")
    await world.settled()
    await world.stop_worker()
    await world.comment(item, "said once")
    await eventually(lambda: world.box.sandbox.core.outgoing.under_way == 0)
    for _ in range(2):
        await outage.look(after_seconds=WATCH_SECONDS * 10)
    said = await world.rows("SELECT convert_from(body, 'UTF8') FROM inbox WHERE state = 'pending'")
    assert sum("taskCommentPosted" in body for (body,) in said) == 2, "it lies in the inbox twice"
    await world.start_worker()
    await world.settled()
    assert await outage.replies("Twice") == ["said once"]


async def test_webhook_that_was_deleted_is_made_again_and_both_secrets_are_kept(outage: Outage) -> None:
    world = outage.world
    (old,) = outage.hooks
    outage.hooks.clear()
    await world.create_task("Unheard", "@AI_Squad fix_bug")
    await outage.look()
    (new,) = outage.hooks
    assert new != old
    await outage.card("Unheard")
    await world.create_task("By the new one", "@AI_Squad fix_bug")
    await outage.card("By the new one")
    await world.settled()
    keys = await world.rows("SELECT key FROM webhook_keys WHERE source = 'clickup'")
    assert {row.key for row in keys} == {old, new}
    assert (await outage.connection()).health["status"] == "missing"
    # A day later nothing of the old one can be under way any more.
    async with world.nexus.db.engine.begin() as session:
        await session.execute(
            text(
                "UPDATE connections SET health = jsonb_set(health, ARRAY['old_keys', :old], :at) "
                "WHERE vendor = 'clickup'"
            ),
            {"old": old, "at": '"2020-01-01T00:00:00+00:00"'},
        )
    await outage.look()
    keys = await world.rows("SELECT key FROM webhook_keys WHERE source = 'clickup'")
    assert {row.key for row in keys} == {new}


async def test_first_look_reads_nothing_of_the_past_and_a_fresh_one_nothing_at_all(world: World) -> None:
    world.agents["fixer"] = await world.agent_credentials("fixer")
    await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
    outage = Outage(world, world.nexus.reconciler(watch_seconds=WATCH_SECONDS))
    outage.break_hook()
    await world.create_task("Of the past", "@AI_Squad fix_bug")
    async with world.nexus.db.engine.begin() as session:
        await session.execute(text("UPDATE connections SET created_at = clock_timestamp()"))
    await outage.look()
    await outage.sweep()
    assert await outage.inbox() == 0
    async with world.nexus.db.engine.begin() as session:
        await session.execute(text("UPDATE connections SET read_until = NULL"))
    await outage.look()
    assert (await outage.connection()).read_until is not None


async def test_a_sweep_that_fails_in_the_middle_moves_nothing_and_goes_on_where_it_was(outage: Outage) -> None:
    world = outage.world
    first = await world.create_task("First", "@AI_Squad fix_bug")
    second = await world.create_task("Second", "@AI_Squad fix_bug")
    await outage.card("Second")
    await world.settled()
    outage.break_hook()
    await world.comment(first, "about the first")
    await world.comment(second, "about the second")
    until = (await outage.connection()).read_until
    outage.fault("clickup", f"/task/{second}/comment", "5xx", count=2)
    await outage.look()
    await world.settled()
    stuck = await outage.connection()
    assert stuck.read_until == until
    assert "503" in stuck.health["last_error"]
    assert await outage.replies("First") == ["about the first"]
    assert await outage.replies("Second") == []
    calls = world.box.sandbox.core.recorder
    listed = len(calls.find_calls("clickup", "GET /team/*/task", 0))
    await outage.look()
    assert (await outage.connection()).read_until == until
    await outage.look()
    await world.settled()
    after = await outage.connection()
    assert after.read_until > until
    assert after.health["last_error"] is None
    assert await outage.replies("Second") == ["about the second"]
    # The list was read once for all of this, and once again by the look that found the webhook sound.
    assert len(calls.find_calls("clickup", "GET /team/*/task", 0)) <= listed + 1


async def test_a_list_that_cannot_be_read_is_read_from_the_same_point_later(outage: Outage) -> None:
    world = outage.world
    outage.break_hook()
    await world.create_task("Late", "@AI_Squad fix_bug")
    until = (await outage.connection()).read_until
    outage.fault("clickup", "GET /team/*/task", "drop", count=1)
    await outage.look()
    assert (await outage.connection()).read_until == until
    await outage.look()
    await outage.card("Late")


async def test_used_up_budget_puts_the_rest_off(outage: Outage) -> None:
    world = outage.world
    item = await world.create_task("Budget", "@AI_Squad fix_bug")
    await outage.card("Budget")
    await world.settled()
    outage.break_hook()
    await world.comment(item, "worth waiting for")
    outage.fault("clickup", "GET /task/*/comment", "429", token="bot", seconds=1, count=1)
    await outage.look()
    waiting = await outage.connection()
    assert waiting.health["sweep"]["todo"][0] == ["comments", item]
    assert waiting.health["last_error"] is None, "to wait is no error"

    async def done() -> bool:
        await outage.look()
        return "sweep" not in (await outage.connection()).health

    await eventually(done)
    await world.settled()
    assert await outage.replies("Budget") == ["worth waiting for"]


async def test_a_minute_that_is_nearly_used_up_is_left_to_others(outage: Outage) -> None:
    world = outage.world
    core = world.box.sandbox.core
    core.settings = core.settings.model_copy(update={"clickup_requests_per_minute": 10})
    outage.break_hook()
    for _ in range(4):
        await outage.look()
    used = [call for call in core.recorder.find_calls("clickup", None, 0) if call["status"] == 429]
    assert used == []
    assert "sweep" in (await outage.connection()).health


async def test_what_was_said_in_slack_meanwhile_arrives_once(outage: Outage) -> None:
    world = outage.world
    item = await world.create_task("Talk", "@AI_Squad fix_bug")
    root = await outage.card("Talk")
    heard = await world.reply(root["ts"], "!sync heard")
    gone = await world.reply(root["ts"], "!sync gone soon")
    await eventually(lambda: _comments(world, item, 2))
    await world.settled()
    await outage.slack_events(False)
    await world.reply(root["ts"], "!sync unheard")
    aside = await world.reply(root["ts"], "!aside between us")
    await world.slack.chat_update(channel=CHANNEL_ID, ts=heard, text="!sync heard, then edited")
    await world.slack.chat_delete(channel=CHANNEL_ID, ts=gone)
    other = await world.slack.chat_postMessage(channel=CHANNEL_ID, text="a thread of people")
    await world.reply(other["ts"], "!sync not ours")
    await outage.slack_events(True)
    assert len(await world.comments(item)) == 2

    await outage.sweep()
    texts = await world.comments(item)
    assert len(texts) == 3
    assert "heard, then edited" in texts[0]
    assert "deleted this message" in texts[1]
    assert "unheard" in texts[2]
    assert aside not in str(texts)
    await outage.sweep()  # our own comments have changed the task: once more, and then there is nothing new
    stored = await outage.inbox()
    await outage.sweep(3)
    assert await outage.inbox() == stored
    assert await world.comments(item) == texts


async def _comments(world: World, item: str, count: int) -> bool:
    return len(await world.comments(item)) == count


async def test_reaction_that_nobody_heard_of_syncs_its_message(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "_TURNS_AT_ONCE", 1000)
    world.agents["fixer"] = await world.agent_credentials("fixer")
    await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, sync_rule="reaction", actor="test")
    outage = Outage(world, world.nexus.reconciler(watch_seconds=WATCH_SECONDS))
    await outage.look()
    item = await world.create_task("Reacted", "@AI_Squad fix_bug")
    root = await outage.card("Reacted")
    ts = await world.reply(root["ts"], "worth keeping")
    await world.settled()
    await outage.slack_events(False)
    await world.slack.reactions_add(channel=CHANNEL_ID, timestamp=ts, name="clipboard")
    await outage.slack_events(True)
    await outage.sweep(2)
    (comment,) = await world.comments(item)
    assert "worth keeping" in comment


async def test_a_slow_slack_is_read_page_by_page(outage: Outage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "PAGE_SIZE", 2)
    world = outage.world
    item = await world.create_task("Slow", "@AI_Squad fix_bug")
    root = await outage.card("Slow")
    await world.settled()
    await outage.slack_events(False)
    for number in range(5):
        await world.reply(root["ts"], f"!sync number {number}")
    await outage.slack_events(True)
    outage.fault("slack", "conversations.replies", "429", token="bot", seconds=1, count=1)
    outage.fault("slack", "conversations.history", "429", token="bot", seconds=1, count=1)
    await outage.look(after_seconds=WATCH_SECONDS * 10)
    assert await outage.connection("slack")
    assert "sweep" in (await outage.connection("slack")).health

    async def all_there() -> bool:
        await outage.look()
        return len(await world.comments(item)) == 5

    await eventually(all_there)
    await world.settled()
    assert [text.split(": ")[1].split("\n")[0] for text in await world.comments(item)] == [
        f"number {number}" for number in range(5)
    ]


async def test_of_several_processes_one_looks(outage: Outage) -> None:
    world = outage.world
    processes = [world.nexus.reconciler(watch_seconds=WATCH_SECONDS) for _ in range(8)]
    calls = world.box.sandbox.core.recorder
    for _ in range(5):
        since = calls.last_n
        async with world.nexus.db.system() as session:
            await session.execute(text("UPDATE connections SET checked_at = clock_timestamp() - interval '6 seconds'"))
        tended = await asyncio.gather(*(each.run_once() for each in processes))
        assert sum(tended) == 2, "each of both connections once"
        assert len(calls.find_calls("clickup", "GET /team/*/webhook", since)) == 1


async def test_refused_token_breaks_its_connection_and_no_other(outage: Outage) -> None:
    world = outage.world
    nexus = world.nexus
    wrong = {"token": "pk_1_WRONG", "api_url": world.box.clickup_api_url}
    (row,) = await world.rows("SELECT id, sealed FROM connections WHERE vendor = 'clickup'")
    await _reseal(world, row.id, nexus.sealer.seal(wrong))
    slack_before = (await outage.connection("slack")).health
    await outage.look()
    broken = await outage.connection()
    assert broken.health["status"] == "broken"
    assert "make a new API token" in broken.broken_reason
    assert (await outage.connection("slack")).broken_reason is None
    assert (await outage.connection("slack")).health["last_error"] == slack_before["last_error"]
    await world.create_task("While it was broken", "@AI_Squad fix_bug")
    await _reseal(world, row.id, row.sealed)
    await outage.look()
    well = await outage.connection()
    assert (well.broken_reason, well.health["status"], well.health["last_error"]) == (None, "active", None)


async def _reseal(world: World, connection_id: Any, sealed: bytes) -> None:
    async with world.nexus.db.engine.begin() as session:
        await session.execute(
            text("UPDATE connections SET sealed = :sealed WHERE id = :id"), {"sealed": sealed, "id": connection_id}
        )
    world.nexus.connections.forget()


async def test_the_loop_repairs_by_itself(linked: World) -> None:
    outage = Outage(linked, linked.nexus.reconciler(watch_seconds=0.2))
    running = asyncio.create_task(outage.reconciler.run())
    try:
        await eventually(lambda: _read_until(outage))
        outage.break_hook()
        await linked.create_task("By itself", "@AI_Squad fix_bug")
        await eventually(lambda: [hook.health for hook in outage.hooks.values()] == ["active"])
        await outage.card("By itself")
        assert seed.CLICKUP_TEAM_ID
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _read_until(outage: Outage) -> datetime | None:
    return (await outage.connection()).read_until


@pytest.mark.parametrize("by", ["the history", "turn"])
async def test_thread_with_something_new_is_found_in_either_way(
    outage: Outage, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setattr(rereading, "RECENT_THREADS", 0)
    if by == "turn":
        monkeypatch.setattr(SlackHistory, "threads", _no_threads)
    else:
        monkeypatch.setattr(rereading, "THREADS_CHECKED", 0)
    world = outage.world
    items = [await world.create_task(f"Thread {number}", "@AI_Squad fix_bug") for number in range(3)]
    roots = [await outage.card(f"Thread {number}") for number in range(3)]
    await world.settled()
    await outage.slack_events(False)
    for root in roots:
        await world.reply(root["ts"], "!sync unheard")
    await outage.slack_events(True)
    await outage.sweep()
    assert [len(await world.comments(item)) for item in items] == [1, 1, 1]


async def _no_threads(*_: object) -> Threads:
    return Threads({}, "")


async def test_another_tenants_workspace_gets_nothing_of_it(outage: Outage) -> None:
    world = outage.world
    nexus = world.nexus
    (row,) = await world.rows("SELECT sealed, workspace_id, facts FROM connections WHERE vendor = 'slack'")
    other_tenant, other = new_id(), new_id()
    async with nexus.db.system() as session:
        session.add(Tenant(id=other_tenant, name="another"))
        await session.flush()
        session.add(
            Connection(
                id=other, tenant_id=other_tenant, vendor="slack", workspace_id=row.workspace_id, name="same workspace",
                sealed=row.sealed, facts=row.facts, read_until=nexus.clock.now(),
            )
        )  # fmt: skip
    item = await world.create_task("Mine", "@AI_Squad fix_bug")
    root = await outage.card("Mine")
    await world.settled()
    await outage.slack_events(False)
    await world.reply(root["ts"], "!sync mine")
    await outage.slack_events(True)
    await outage.sweep()
    assert len(await world.comments(item)) == 1
    assert await world.rows("SELECT 1 FROM inbox WHERE tenant_id = :other", other=other_tenant) == []
    assert (await world.rows("SELECT read_until FROM connections WHERE id = :other", other=other))[0].read_until


async def test_comment_on_a_task_that_nobody_knew_of_waits_for_its_card(outage: Outage) -> None:
    world = outage.world
    await world.stop_worker()
    outage.break_hook()
    item = await world.create_task("Unknown", "@AI_Squad fix_bug")
    await world.comment(item, "said before anybody knew the task")
    await outage.look()
    await world.start_worker()
    assert await eventually(lambda: outage.replies("Unknown")) == ["said before anybody knew the task"]
