"""How a connection is, as far as we know without asking the vendor: from what the reconciler wrote down."""

from nexus.store.tables import Connection
from oblivion_protocol.operating import Check, ConnectionResource, ConnectionState


def checks_of(row: Connection) -> list[Check]:
    """What was found when somebody looked last, one line for each thing that has to be right."""
    if row.broken_reason is not None:
        return [Check(name="Access", state="failed", detail=row.broken_reason)]
    return [Check(name="Access", state="ok", detail=f"Connected to {row.name}.")]


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
