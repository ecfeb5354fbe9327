"""Alive, ready, and figures."""

import pytest

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


async def test_it_is_not_ready_while_draining(serve, make_parts, database):
    answer = await serve(make_parts(database, draining=lambda: True)).get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["dependencies"]["accepting"] == {"state": "down", "detail": "draining"}


@pytest.mark.parametrize(("expected", "status"), [("v9999", 503), (None, 200)])
async def test_an_old_schema_is_not_ready_and_a_newer_one_is(api, monkeypatch, expected, status):
    if expected:
        monkeypatch.setattr("nexus.http.health.newest_revision", lambda: expected)
    else:
        monkeypatch.setattr("nexus.http.health.newest_revision", lambda: "older")
        monkeypatch.setattr("nexus.http.health._known_revisions", lambda: frozenset({"older"}))
    answer = await api.get("/readyz")
    assert answer.status_code == status
    assert ("oblivion db upgrade" in answer.text) == (status == 503)


async def test_figures_are_in_the_format_of_prometheus(api):
    answer = await api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "oblivion_webhooks_total 7.0" in answer.text
