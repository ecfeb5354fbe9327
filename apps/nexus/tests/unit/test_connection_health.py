"""What operators see of a connection is what the reconciler found."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from nexus.pipeline.health import checks_of, connection_resource, state_of
from nexus.store.tables import Connection

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def connection(health: dict[str, Any] | None = None, **changes: Any) -> Connection:
    given = {
        "id": UUID(int=1),
        "vendor": "clickup",
        "workspace_id": "9001",
        "name": "Acme",
        "sealed": b"",
        "facts": {},
        "broken_reason": None,
        "health": health or {},
        "checked_at": NOW,
        "read_until": NOW,
        "created_at": NOW,
    }
    return Connection(**(given | changes))


WELL = {"status": "active", "fail_count": 0, "watch_error": None, "read_error": None, "missed": False, "fault": None}


def test_a_connection_without_trouble_is_ok() -> None:
    assert [(one.name, one.state) for one in checks_of(connection(WELL))] == [
        ("Access", "ok"),
        ("Webhook", "ok"),
        ("Reading back", "ok"),
    ]
    assert state_of(connection(WELL)) == "ok"


def test_a_connection_that_nobody_has_looked_at_yet_is_not_judged() -> None:
    new = connection(read_until=None, checked_at=None)
    assert ([one.name for one in checks_of(new)], state_of(new)) == (["Access"], "ok")


@pytest.mark.parametrize(
    ("changes", "name", "state", "words"),
    [
        ({"status": "suspended", "fail_count": 100}, "Webhook", "warning", "found suspended after 100 failures"),
        ({"status": "missing"}, "Webhook", "warning", "found missing, and was repaired"),
        ({"fail_count": 2}, "Webhook", "warning", "2 failures"),
        ({"watch_error": "ClickUp sends events to elsewhere"}, "Webhook", "failed", "elsewhere"),
        ({"read_error": "no such channel"}, "Reading back", "warning", "no such channel"),
        ({"missed": True}, "Reading back", "warning", "may have been missed"),
        ({"sweep": {}}, "Reading back", "warning", "being read"),
        ({"fault": "ValueError while looking after it; see the log"}, "Last look", "warning", "ValueError"),
    ],
)
def test_trouble_stands_out_and_makes_it_degraded(changes: dict[str, Any], name: str, state: str, words: str) -> None:
    row = connection(WELL | changes)
    troubled = [one for one in checks_of(row) if one.state != "ok"]
    assert [(one.name, one.state) for one in troubled] == [(name, state)]
    assert words in troubled[0].detail
    assert state_of(row) == "degraded"


def test_lost_access_is_all_that_counts() -> None:
    row = connection(WELL | {"read_error": "x"}, broken_reason="The token was revoked. Enter a new one.")
    shown = connection_resource(row)
    assert (shown.state, [one.detail for one in shown.checks]) == (
        "broken",
        ["The token was revoked. Enter a new one."],
    )
    assert shown.checked_at == NOW
