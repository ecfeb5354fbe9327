"""Alive, ready, and figures."""

import contextlib

import httpx
import pytest
from prometheus_client import CollectorRegistry
from support.servers import statement

from nexus.http.app import create_health_app
from nexus.http.gauges import DoorbellMetrics
from nexus.kit.pulse import Pulses
from nexus.store.database import Database
from nexus.store.migrate import newest_revision


async def broken() -> None:
    raise ConnectionError("redis://:canary@host")


async def test_it_is_ready_and_names_each_dependency(api):
    answer = await api.get("/readyz")
    assert answer.status_code == 200
    body = answer.json()
    assert body["ready"] is True and body["version"] == "1.2.3"
    assert {name: one["state"] for name, one in body["dependencies"].items()} == {
        "postgres": "ok",
        "schema": "ok",
        "redis": "ok",
        "accepting": "ok",
    }
    assert body["dependencies"]["schema"]["detail"] == newest_revision()


async def test_without_a_database_it_is_alive_and_not_ready(serve, make_parts):
    api = serve(make_parts(Database("postgresql://nobody:canary@127.0.0.1:1/none")))
    answer = await api.get("/readyz")
    assert answer.status_code == 503 and "canary" not in answer.text
    assert answer.json()["ready"] is False
    assert answer.json()["dependencies"]["postgres"]["state"] == "down"
    assert answer.json()["dependencies"]["redis"]["state"] == "ok"
    assert (await api.get("/livez")).status_code == 200


async def test_without_redis_it_is_slower_and_still_ready(serve, make_parts, database):
    answer = await serve(make_parts(database, redis_ping=broken)).get("/readyz")
    assert answer.status_code == 200 and "canary" not in answer.text
    assert answer.json()["dependencies"]["redis"]["state"] == "degraded"


def stalled() -> Pulses:
    now = [0.0]
    pulses = Pulses(lambda: now[0])
    with contextlib.suppress(RuntimeError), pulses.loop("claims"):
        raise RuntimeError
    now[0] = 31.0
    return pulses


async def test_loop_that_stands_still_although_the_database_answers_is_a_reason_to_restart(serve, make_parts, database):
    answer = await serve(make_parts(database, pulses=stalled())).get("/livez")
    assert answer.status_code == 503
    assert answer.json()["status"] == "stuck"
    assert answer.json()["reasons"] == [
        "The loop claims has not turned for 31 s although the database answers; restart this process."
    ]


async def test_loop_that_stands_still_without_a_database_is_not(serve, make_parts):
    nowhere = Database("postgresql://nobody:canary@127.0.0.1:1/none")
    assert (await serve(make_parts(nowhere, pulses=stalled())).get("/livez")).status_code == 200


async def test_deaf_process_says_so_and_is_to_be_restarted(serve, make_parts, database):
    answer = await serve(make_parts(database, complaint=lambda: "It is deaf; restart it.")).get("/livez")
    assert answer.status_code == 503
    assert answer.json() == {"status": "stuck", "reasons": ["It is deaf; restart it."]}


async def test_process_without_an_api_answers_health_and_metrics_and_nothing_else(make_parts, database):
    app = create_health_app(make_parts(database).health)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://worker") as worker:
        assert (await worker.get("/livez")).json() == {"status": "ok", "reasons": []}
        assert (await worker.get("/readyz")).json()["ready"] is True
        assert "oblivion_webhooks_total" in (await worker.get("/metrics")).text
        assert (await worker.get("/v1/tasks")).status_code == 404
        assert (await worker.get("/docs")).status_code == 404


def test_metrics_of_the_doorbell_show_the_present_state():
    registry, state = CollectorRegistry(), {"up": True, "lost": 0}
    DoorbellMetrics(registry, lambda: state["up"], lambda: state["lost"])
    assert registry.get_sample_value("oblivion_redis_up") == 1
    state.update(up=False, lost=3)
    assert registry.get_sample_value("oblivion_redis_up") == 0
    assert registry.get_sample_value("oblivion_rings_lost_total") == 3


async def test_it_is_not_ready_while_draining(serve, make_parts, database):
    answer = await serve(make_parts(database, draining=lambda: True)).get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["dependencies"]["accepting"] == {"state": "down", "detail": "draining"}


@pytest.mark.parametrize(("found", "status"), [("0001", 503), ("9999", 200)])
async def test_an_old_schema_is_not_ready_and_a_newer_one_is(api, database_url, found, status):
    await statement(database_url, f"UPDATE alembic_version SET version_num = '{found}'")
    try:
        answer = await api.get("/readyz")
    finally:
        await statement(database_url, f"UPDATE alembic_version SET version_num = '{newest_revision()}'")
    assert answer.status_code == status
    assert ("oblivion db upgrade" in answer.text) == (status == 503)


async def test_figures_are_in_the_format_of_prometheus(api):
    answer = await api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "oblivion_webhooks_total 7.0" in answer.text
