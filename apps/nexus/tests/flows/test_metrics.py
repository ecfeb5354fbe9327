"""What `/metrics` says while people, vendors and agents do their work, and that infra/metrics.txt lists all of it."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from gateway.agent_sockets import Account, connected, register
from gateway.work import set_lease
from prometheus_client.parser import text_string_to_metric_families as parse
from sqlalchemy import text
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World

from nexus.http import gauges
from nexus.kit.credentials import KINDS
from oblivion_sandbox import FaultRule

LIST = Path(__file__).parents[4] / "infra/metrics.txt"
OURS = "oblivion_"


class Figures:
    """`/metrics`, read by a Prometheus that is never told yesterday's state."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def text(self) -> str:
        answer = await self._client.get("/metrics")
        assert answer.status_code == 200
        return answer.text

    async def of(self, name: str, **labels: str) -> float | None:
        """The sum over all samples of a name with these labels; None when there is none."""
        found = [
            sample.value
            for family in parse(await self.text())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(found) if found else None

    async def become(self, value: float, name: str, **labels: str) -> None:
        """Waits until a figure is what it should be."""

        async def is_so() -> bool:
            return await self.of(name, **labels) == value

        await eventually(is_so, f"{name} {labels} is {value}; the last was {await self.of(name, **labels)}")


@pytest.fixture
async def figures(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Figures]:
    monkeypatch.setattr(gauges, "FRESH_SECONDS", 0.0)
    await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
    async with httpx.AsyncClient(base_url=world.url, timeout=10) as client:
        yield Figures(client)


@pytest.fixture
async def squad(world: World) -> Account:
    return await register(world)


async def asked(world: World, squad: Account, title: str) -> str:
    return await world.create_task(title, f"@{squad.alias} fix_bug please")


def series(exported: str) -> dict[str, tuple[str, set[str]]]:
    """Our metrics: name as it is queried, without a histogram's suffixes → type and names of labels."""
    found: dict[str, tuple[str, set[str]]] = {}
    for family in parse(exported):
        if not family.name.startswith(OURS):
            continue
        for sample in family.samples:
            if sample.name.endswith("_created"):
                continue
            name = family.name if family.type == "histogram" else sample.name
            labels = found.setdefault(name, (family.type, set()))[1]
            labels |= set(sample.labels) - {"le"}
    return found


async def test_every_figure_moves_with_what_happens(world: World, figures: Figures, squad: Account) -> None:
    assert await figures.of("oblivion_agents_online") == 0
    await figures.become(1, "oblivion_workers")
    await figures.become(1, "oblivion_redis_up")
    assert await figures.of("oblivion_rings_lost_total") == 0
    assert await figures.of("oblivion_build_info") == 1
    most = await figures.of("oblivion_database_pool_size")
    in_use = await figures.of("oblivion_database_pool_in_use")
    assert most is not None and in_use is not None and 0 < in_use <= most

    item = await asked(world, squad, "The export loses a row")
    await world.root("The export loses a row")
    await figures.become(1, "oblivion_tasks", state="submitted")
    assert await figures.of("oblivion_webhooks_total", source="clickup", outcome="stored")
    assert await figures.of("oblivion_ingest_seconds_count")
    assert await figures.of("oblivion_task_wait_seconds_count") == 0

    async with connected(world.url, squad) as agent:
        await figures.become(1, "oblivion_agents_online")
        await figures.become(1, "oblivion_gateway_sockets", kind="agents")
        task = await agent.offered()
        assert (await agent.command("task.accept", task))["ok"]
        await figures.become(1, "oblivion_tasks", state="working")
        assert await figures.of("oblivion_task_wait_seconds_count") == 1
        assert (await agent.command("task.complete", task, result="Found it."))["ok"]
        await figures.become(0, "oblivion_tasks")
        assert await figures.of("oblivion_tasks_finished_total", state="completed") == 1
    await figures.become(0, "oblivion_gateway_sockets", kind="agents")
    await figures.become(0, "oblivion_agents_online")

    await world.settled()
    for vendor in ("slack", "clickup"):
        assert await figures.of("oblivion_vendor_requests_total", vendor=vendor, status="200"), vendor
    done = await figures.of("oblivion_deliveries_total", sink="slack", outcome="done")
    timed = await figures.of("oblivion_delivery_seconds_count", sink="slack")
    assert done and timed and timed <= done
    for waiting in ("inbox_pending", "inbox_oldest_seconds", "deliveries_pending", "deliveries_oldest_seconds"):
        assert await figures.of(OURS + waiting) == 0, waiting
    assert await figures.of("oblivion_dead_letters") == await figures.of("oblivion_unanswered_messages") == 0

    root = await world.root("The export loses a row")
    await world.reply(root["ts"], "!sync Thank you")
    await eventually(lambda: world.comments(item))
    await figures.become(1, "oblivion_deliveries_total", sink="clickup", outcome="done")


async def test_work_that_nobody_does_is_seen_waiting_and_its_age_grows(
    world: World, figures: Figures, squad: Account
) -> None:
    await world.stop_worker()
    await figures.become(0, "oblivion_workers")
    await asked(world, squad, "Waits for a worker")

    async def waits() -> bool:
        return bool(await figures.of("oblivion_inbox_pending"))

    await eventually(waits)
    async with world.nexus.db.system() as session:
        await session.execute(text("UPDATE inbox SET created_at = created_at - interval '1 minute'"))
    age = await figures.of("oblivion_inbox_oldest_seconds")
    assert age is not None and 60 <= age < 120
    assert await figures.of("oblivion_unanswered_messages")

    await world.start_worker()
    await world.settled()
    assert await figures.of("oblivion_inbox_pending") == await figures.of("oblivion_inbox_oldest_seconds") == 0


async def test_delivery_that_its_vendor_refuses_is_a_retry_then_a_dead_letter(
    world: World, figures: Figures, squad: Account
) -> None:
    for fault, more in (("5xx", {"count": 1}), ("429", {"count": 1}), ("reject_error", {"error": "is_archived"})):
        world.box.sandbox.core.faults.add(FaultRule(vendor="slack", match="chat.postMessage", fault=fault, **more))
    await asked(world, squad, "For a channel that is archived")
    await figures.become(1, "oblivion_deliveries_total", sink="slack", outcome="dead")
    assert await figures.of("oblivion_deliveries_total", sink="slack", outcome="retry")
    assert await figures.of("oblivion_dead_letters") == await figures.of("oblivion_unanswered_messages") == 1
    for status in ("429", "503", "refused"):
        assert await figures.of("oblivion_vendor_requests_total", vendor="slack", status=status), status


async def test_silenced_agent_is_counted_once_and_shown_as_long_as_it_is(
    world: World, figures: Figures, squad: Account
) -> None:
    admin = await world.admin()
    for reason in ("too loud", "still too loud"):
        answer = await admin.post(f"/v1/agents/{squad.name}/mute", json={"reason": reason})
        assert answer.is_success, answer.text
    assert await figures.of("oblivion_agent_muted_total") == 1
    assert await figures.of("oblivion_agents_muted") == 1
    answer = await admin.post(f"/v1/agents/{squad.name}/unmute")
    assert answer.is_success, answer.text
    assert await figures.of("oblivion_agent_muted_total") == 1
    assert await figures.of("oblivion_agents_muted") == 0
    await admin.aclose()


async def test_task_that_is_taken_up_again_has_been_waited_for_once(
    world: World, figures: Figures, squad: Account
) -> None:
    await asked(world, squad, "Declined, then lost, then not done")
    async with connected(world.url, squad, "one") as first, connected(world.url, squad, "two") as second:
        await eventually(lambda: first.of("task.assigned") or second.of("task.assigned"))
        declining, taking = (first, second) if first.of("task.assigned") else (second, first)
        assert (await declining.command("task.reject", await declining.offered(), reason="no time"))["ok"]
        task = await taking.offered()
        assert (await taking.command("task.accept", task))["ok"]
        await figures.become(1, "oblivion_task_wait_seconds_count")
        await set_lease(world, task, -1)
        again = await taking.offered(2)
        assert again["epoch"] > task["epoch"]
        assert (await taking.command("task.accept", again))["ok"]
        assert (await taking.command("task.fail", again, error="cannot be done"))["ok"]
    assert await figures.of("oblivion_task_wait_seconds_count") == 1
    assert await figures.of("oblivion_tasks_finished_total", state="failed") == 1


async def test_labels_hold_nothing_that_anybody_wrote(world: World, figures: Figures, squad: Account) -> None:
    item = await asked(world, squad, "A title that is nobody's business")
    await world.root("A title that is nobody's business")
    async with httpx.AsyncClient(base_url=world.url) as stranger:
        for path in ("canary", "slack/../canary", "a" * 300):
            await stranger.post(f"/webhooks/{path}", content=b"x" * (2 * 1024 * 1024))
            await stranger.post(f"/webhooks/{path}", content=b"{}")
    exported = await figures.text()
    for said in ("canary", "aaaa", "nobody", "acme", str(world.tenant_id), squad.name, squad.alias, item, LIST_ID):
        assert said not in exported
    closed: dict[str, set[str]] = {
        "source": {"clickup", "slack", "unknown"},
        "sink": {"clickup", "slack"},
        "vendor": {"clickup", "slack"},
        "kind": {"agents", "admin", *KINDS},
    }
    for family in parse(exported):
        for sample in family.samples if family.name.startswith(OURS) else ():
            for label, value in sample.labels.items():
                assert value in closed.get(label, {value}), sample
                assert len(value) <= 20, sample
    assert await figures.of("oblivion_webhooks_total", source="unknown", outcome="too_large") == 3


async def test_metrics_list_of_infra_is_what_is_exported(world: World, figures: Figures, squad: Account) -> None:
    """Dashboards and alerts are checked against this list: see infra/tests/test_observability.py."""
    await asked(world, squad, "So that every label is seen")
    await world.root("So that every label is seen")
    found = series(await figures.text())
    lines = [" ".join((name, kind, *sorted(labels))) for name, (kind, labels) in sorted(found.items())]
    if os.environ.get("OBLIVION_WRITE_METRICS"):
        LIST.write_text("\n".join(lines) + "\n", encoding="utf-8")
    listed = LIST.read_text(encoding="utf-8").splitlines() if LIST.exists() else []
    assert listed == lines, (
        "infra/metrics.txt is stale; OBLIVION_WRITE_METRICS=1 .venv/bin/pytest apps/nexus/tests/flows/test_metrics.py"
    )
