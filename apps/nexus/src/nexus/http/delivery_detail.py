"""One inbox row or delivery with what it carries, fit to be shown: secrets masked."""

import json
import math
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from nexus.http.delivery_rows import find_delivery
from nexus.http.hops import attempts_of
from nexus.kit.masking import masked
from nexus.store.tables import Delivery, InboxEvent
from oblivion_protocol.operating import DeliveryDetail

_FORM = "application/x-www-form-urlencoded"


async def find_detail(session: AsyncSession, wanted: UUID) -> DeliveryDetail | None:
    """One row of either table; None when there is none."""
    resource = await find_delivery(session, wanted)
    if resource is None:
        return None
    row = await (
        session.get_one(InboxEvent, wanted) if resource.origin == "inbox" else session.get_one(Delivery, wanted)
    )
    return DeliveryDetail(
        **resource.model_dump(),
        payload=masked(row.payload if isinstance(row, Delivery) else body_as_json(row.body, row.content_type)),
        history=attempts_of(row.history),
        conversation_id=str(row.conversation_id) if row.conversation_id else None,
        external_id=row.external_id if isinstance(row, Delivery) else None,
        traceparent=row.traceparent,
    )


def body_as_json(body: bytes, content_type: str) -> Any:
    """The body of a webhook for people; one that is no JSON is text, whatever its bytes are."""
    text = body.decode(errors="replace")
    try:
        if content_type.lower().startswith(_FORM):
            form = {name: _inner(values) for name, values in parse_qs(text, max_num_fields=100).items()}
            return form or text
        return _parsed(text)
    except (ValueError, RecursionError):
        return text


def _parsed(text: str) -> Any:
    """JSON, also where it has numbers that it cannot have."""
    return json.loads(text, parse_constant=str, parse_float=_finite)


def _finite(digits: str) -> float | str:
    return number if math.isfinite(number := float(digits)) else digits


def _inner(values: list[str]) -> Any:
    """A form's field; Slack puts JSON into one."""
    if len(values) != 1:
        return values
    try:
        return _parsed(values[0]) if values[0].startswith(("{", "[")) else values[0]
    except (ValueError, RecursionError):
        return values[0]
