"""How a connection is, as far as we know without asking the vendor: from what the reconciler wrote down."""

from datetime import UTC, datetime
from typing import Any

from nexus.store.tables import Connection
from oblivion_protocol.operating import Check, ConnectionResource, ConnectionState

_WORKS = "active"


def checks_of(row: Connection) -> list[Check]:
    """What was found when somebody looked last, one line for each thing that has to be right."""
    if row.broken_reason is not None:
        return [Check(name="Access", state="failed", detail=row.broken_reason)]
    checks = [Check(name="Access", state="ok", detail=f"Connected to {row.name}.")]
    health: dict[str, Any] = row.health
    if "status" in health or health.get("watch_error"):
        checks.append(_webhook(health))
    if row.read_until is not None:
        checks.append(_reading(row, health))
    if health.get("last_event_at"):
        last = datetime.fromisoformat(health["last_event_at"]).astimezone(UTC)
        checks.append(Check(name="Events", state="ok", detail=f"The last one came at {last:%Y-%m-%d %H:%M} UTC."))
    if health.get("budget"):
        checks.append(_requests(**health["budget"]))
    if health.get("fault"):
        hint = "This is a bug of ours; it is tried again within a minute."
        checks.append(Check(name="Last look", state="warning", detail=str(health["fault"]), hint=hint))
    return checks


def _webhook(health: dict[str, Any]) -> Check:
    status, failures = health.get("status", "unknown"), health.get("fail_count", 0)
    if health.get("watch_error"):
        return Check(name="Webhook", state="failed", detail=str(health["watch_error"]))
    if status == _WORKS and not failures:
        return Check(name="Webhook", state="ok", detail="Active: events reach us.")
    found = f"It was found {status}" + (f" after {failures} failures" if failures else "") + ", and was repaired."
    return Check(name="Webhook", state="warning", detail=found, hint="See to it that the vendor reaches our address.")


def _requests(remaining: int, limit: int, scarce: bool) -> Check:
    left = f"{remaining:,} of {limit:,} requests of the minute were left."
    if not scarce:
        return Check(name="Requests", state="ok", detail=left)
    hint = "What can wait does so; nothing is lost. Its plan decides how many it takes."
    return Check(name="Requests", state="warning", detail=left, hint=hint)


def _reading(row: Connection, health: dict[str, Any]) -> Check:
    if health.get("read_error"):
        hint = "It is tried again by itself."
        return Check(name="Reading back", state="warning", detail=str(health["read_error"]), hint=hint)
    if health.get("missed") or "sweep" in health:
        detail = "Events may have been missed; what changed meanwhile is being read."
        return Check(name="Reading back", state="warning", detail=detail)
    whole = f"Nothing is missing up to {row.read_until:%Y-%m-%d %H:%M} UTC."
    return Check(name="Reading back", state="ok", detail=whole)


def state_of(row: Connection) -> ConnectionState:
    """The worst of it in a word."""
    if row.broken_reason is not None:
        return "broken"
    return "ok" if all(check.state == "ok" for check in checks_of(row)) else "degraded"


def connection_resource(row: Connection) -> ConnectionResource:
    """A connection as the API shows it, without anything secret."""
    return ConnectionResource(
        id=str(row.id),
        vendor=row.vendor,
        workspace_id=row.workspace_id,
        name=row.name,
        state=state_of(row),
        broken_reason=row.broken_reason,
        checks=checks_of(row),
        checked_at=row.checked_at,
        created_at=row.created_at,
    )
