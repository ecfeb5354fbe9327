"""Deliveries by their cause: one group for all whose reasons say the same."""

from collections import defaultdict
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.http.delivery_rows import DeliveryState
from nexus.pipeline.fingerprint import fingerprint, normalised
from nexus.store.tables import Delivery, InboxEvent
from oblivion_protocol.operating import DeliveryGroup

MAX_GROUPS = 200

_TABLES = ((InboxEvent, InboxEvent.source, literal("webhook")), (Delivery, Delivery.sink, Delivery.kind))


async def read_groups(session: AsyncSession, state: DeliveryState) -> list[DeliveryGroup]:
    """The groups of both tables, the biggest first, at most `MAX_GROUPS`."""
    alike: defaultdict[str, list[Any]] = defaultdict(list)
    for table, sink, kind in _TABLES:
        at = func.coalesce(table.settled_at, table.created_at)
        query = select(
            table.reason,
            sink.label("sink"),
            kind.label("kind"),
            func.count().label("count"),
            func.min(at).label("first"),
            func.max(at).label("last"),
            func.array_agg(aggregate_order_by(table.id, at.desc()))[1].label("sample"),
        ).where(table.state == state)
        for row in await session.execute(query.group_by("reason", "sink", "kind")):
            alike[fingerprint(row.reason)].append(row)
    groups = [_group(key, rows) for key, rows in alike.items()]
    return sorted(groups, key=lambda one: (-one.count, one.fingerprint))[:MAX_GROUPS]


def _group(key: str, rows: list[Any]) -> DeliveryGroup:
    newest = max(rows, key=lambda row: row.last)
    return DeliveryGroup(
        fingerprint=key,
        reason=normalised(newest.reason),
        sample_id=str(newest.sample),
        sinks=sorted({row.sink for row in rows}),
        kinds=sorted({row.kind for row in rows}),
        count=sum(row[3] for row in rows),  # `count` is a method of rows
        first_seen_at=min(row.first for row in rows),
        last_seen_at=newest.last,
    )
