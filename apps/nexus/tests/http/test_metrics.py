"""The gauges of what PostgreSQL holds: all tenants in one number, cheap, bounded, and absent rather than old."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import text
from support.servers import TEMPLATE, statement, url_of

from nexus.feed.state import read_state
from nexus.http.gauges import FRESH_SECONDS, LOOK_SECONDS, StateMetrics
from nexus.http.metrics import IngestMetrics, VendorMetrics
from nexus.kit.embedded import EmbeddedPostgres
from nexus.store.database import Database

DONE, OPEN = 10_000, 7
TENANTS = 2

# For each tenant a history of what is done, and a little of each kind that is not.
HISTORY = """
    WITH number AS (SELECT n, n > CAST(:done AS int) AS late, n - CAST(:done AS int) AS place
                    FROM generate_series(1, CAST(:done AS int) + CAST(:open AS int)) n),
    tenant AS (INSERT INTO tenants (id, name) SELECT gen_random_uuid(), 'tenant ' || n
               FROM generate_series(1, CAST(:tenants AS int)) n RETURNING id),
    connection AS (INSERT INTO connections (id, tenant_id, vendor, workspace_id, name, sealed)
                   SELECT gen_random_uuid(), id, 'slack', 'w', 'w', '' FROM tenant RETURNING id, tenant_id),
    link AS (INSERT INTO project_mappings (id, tenant_id, tracker, tracker_connection_id, list_id, list_name, chat,
                                           chat_connection_id, channel_id, channel_name)
             SELECT gen_random_uuid(), tenant_id, 'clickup', id, 'l', 'l', 'slack', id, 'c', 'c' FROM connection
             RETURNING id AS link_id, tenant_id, tracker_connection_id),
    agent AS (INSERT INTO agents (id, tenant_id, name, muted_at)
              SELECT gen_random_uuid(), id, 'agent', now() FROM tenant RETURNING id, tenant_id),
    there AS (INSERT INTO agent_sessions (id, tenant_id, agent_id, instance, gateway, sid, skills, capacity, version,
                                          connected_at, last_seen_at)
              SELECT gen_random_uuid(), tenant_id, id, instance, 'gw', 's', '{}', 1, '', now(), now()
              FROM agent, unnest(ARRAY['one', 'two']) instance),
    conversation AS (
        INSERT INTO task_mappings (id, tenant_id, tracker, tracker_connection_id, item_id, list_id, title, url,
                                   snapshot, alias, project_mapping_id)
        SELECT gen_random_uuid(), tenant_id, 'clickup', tracker_connection_id, n::text, 'l', 't', 'u', '{}', 'a',
               link_id
        FROM link, number RETURNING id, tenant_id, tracker_connection_id, item_id::int AS n),
    task AS (
        INSERT INTO tasks (id, tenant_id, conversation_id, alias, type, title, instructions, expires_at, state,
                           finished_at)
        SELECT gen_random_uuid(), tenant_id, id, 'a', 't', 't', 'i', now(),
               CASE WHEN late THEN 'working' ELSE 'completed' END, CASE WHEN late THEN NULL ELSE now() END
        FROM conversation JOIN number USING (n)),
    event AS (
        INSERT INTO inbox (id, tenant_id, connection_id, source, dedup_key, stream_key, occurred_at, content_type,
                           body, state, created_at)
        SELECT gen_random_uuid(), tenant_id, id, 'slack', n::text::bytea, n::text, now(), 'j', '{}',
               CASE WHEN place > 2 THEN 'pending' WHEN late THEN 'dead' ELSE 'done' END, now() - interval '1 minute'
        FROM connection, number)
    INSERT INTO deliveries (id, tenant_id, sink, connection_id, conversation_id, kind, effect_key, stream_key,
                            order_key, payload, state, created_at)
    SELECT gen_random_uuid(), tenant_id, 'slack', tracker_connection_id, id, 'reply', n::text, n::text, 1, '{}',
           CASE WHEN place > 3 THEN 'pending' WHEN late THEN 'dead' ELSE 'done' END, now() - interval '3 minutes'
    FROM conversation JOIN number USING (n)
"""


@pytest.fixture
async def alone(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A database of one's own: these figures are of all tenants."""
    name = f"metrics_{uuid4().hex[:8]}"
    await statement(postgres.url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    db = Database(url_of(postgres, name), pool_size=2)
    yield db
    await db.aclose()
    await statement(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


async def fill(db: Database, *, done: int) -> None:
    async with db.engine.begin() as connection:
        await connection.execute(text(HISTORY), {"tenants": TENANTS, "done": done, "open": OPEN})
    async with db.engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text("ANALYZE"))


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of something that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        yield f"postgresql://nobody:canary@127.0.0.1:{listener.getsockname()[1]}/none"


async def test_all_tenants_are_one_number_and_ages_are_of_the_oldest(alone: Database) -> None:
    await fill(alone, done=20)
    registry = CollectorRegistry()
    await StateMetrics(registry, alone).refresh()

    def value(name: str, **labels: str) -> float:
        found = registry.get_sample_value(f"oblivion_{name}", labels)
        assert found is not None, name
        return found

    events, deliveries = (OPEN - 2) * TENANTS, (OPEN - 3) * TENANTS
    assert value("inbox_pending") == events
    assert value("deliveries_pending") == deliveries
    assert value("dead_letters") == (2 + 3) * TENANTS
    assert value("unanswered_messages") == events + deliveries + (2 + 3) * TENANTS
    assert 60 <= value("inbox_oldest_seconds") < 120
    assert 180 <= value("deliveries_oldest_seconds") < 240
    assert value("tasks", state="working") == OPEN * TENANTS
    assert value("tasks", state="submitted") == 0
    assert registry.get_sample_value("oblivion_tasks", {"state": "completed"}) is None
    assert (value("agents_online"), value("agents_muted"), value("workers")) == (TENANTS, TENANTS, 0)


async def test_look_costs_what_is_open_and_not_what_is_done(alone: Database) -> None:
    await fill(alone, done=DONE)
    async with alone.system() as session:
        await read_state(session, LOOK_SECONDS)
        read = await session.execute(
            text("""
                SELECT relname, seq_scan, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS rows
                FROM pg_stat_xact_user_tables WHERE relname IN ('inbox', 'deliveries', 'tasks', 'task_mappings')
            """)
        )
        tables = {row.relname: row for row in read}
    assert len(tables) == 4
    for name, row in tables.items():
        assert row.seq_scan == 0, f"{name} is read from end to end"
        assert row.rows <= DONE / 10, f"{row.rows} rows of {name} are read"


async def test_one_look_serves_scrapes_for_some_seconds(alone: Database) -> None:
    registry, now = CollectorRegistry(), [100.0]
    metrics = StateMetrics(registry, alone, lambda: now[0])
    await asyncio.gather(*(metrics.refresh() for _ in range(5)))
    assert registry.get_sample_value("oblivion_inbox_pending") == 0
    await fill(alone, done=1)
    now[0] += FRESH_SECONDS - 0.1
    await metrics.refresh()
    assert registry.get_sample_value("oblivion_inbox_pending") == 0
    now[0] += 0.2
    await metrics.refresh()
    assert registry.get_sample_value("oblivion_inbox_pending") == (OPEN - 2) * TENANTS


async def test_database_that_says_nothing_delays_a_scrape_by_its_bound_and_has_no_gauges(
    serve, make_parts, silent_server: str
) -> None:
    parts = make_parts(Database(silent_server))
    api = serve(parts)
    began = time.monotonic()
    answers = await asyncio.gather(*(api.get("/metrics") for _ in range(3)))
    assert time.monotonic() - began < 3
    for answer in answers:
        assert answer.status_code == 200
        assert "oblivion_state_read_failures_total 1.0" in answer.text
        assert "oblivion_inbox_pending" not in answer.text and "canary" not in answer.text
        assert "oblivion_webhooks_total" in answer.text
    began = time.monotonic()
    assert "oblivion_state_read_failures_total 1.0" in (await api.get("/metrics")).text
    assert time.monotonic() - began < 1


async def test_gauges_go_with_the_database_and_come_back_with_it(alone: Database) -> None:
    registry, now = CollectorRegistry(), [0.0]
    metrics = StateMetrics(registry, alone, lambda: now[0])
    await metrics.refresh()
    assert "oblivion_inbox_pending 0.0" in generate_latest(registry).decode()
    async with alone.engine.connect() as other:
        await other.execute(text("BEGIN"))
        await other.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        now[0] += FRESH_SECONDS + 1
        began = time.monotonic()
        await metrics.refresh()
        assert time.monotonic() - began < LOOK_SECONDS + 1
        assert "oblivion_inbox_pending" not in generate_latest(registry).decode()
        await other.rollback()
    now[0] += FRESH_SECONDS + 1
    await metrics.refresh()
    assert "oblivion_inbox_pending 0.0" in generate_latest(registry).decode()
    assert registry.get_sample_value("oblivion_state_read_failures_total") == 1


def test_label_is_one_of_those_that_are_known_whatever_comes_in() -> None:
    registry = CollectorRegistry()
    IngestMetrics(registry, ["slack"]).received("canary", "too_large", 0.0)
    vendors = VendorMetrics(registry)
    for status in ("200", "429", "refused", "none", "999", "canary"):
        vendors.answered("slack", status)
    exported = generate_latest(registry).decode()
    assert "canary" not in exported and "999" not in exported
    assert registry.get_sample_value("oblivion_webhooks_total", {"source": "unknown", "outcome": "too_large"}) == 1
    about = {"vendor": "slack", "status": "other"}
    assert registry.get_sample_value("oblivion_vendor_requests_total", about) == 2
