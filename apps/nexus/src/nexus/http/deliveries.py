"""Webhooks that came in and effects that go out; above all those that failed for good, and their replay."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, model_validator

from nexus.auth.audit import record
from nexus.auth.errors import NotFound
from nexus.http.access import CanOperate, CanReadAdmin
from nexus.http.delivery_rows import DeliveryState, Origin, find_delivery, read_deliveries
from nexus.http.inputs import Input
from nexus.http.paging import Paging
from nexus.http.parts import Parts
from nexus.http.problems import Refused
from nexus.http.replay import MAX_REPLAYS, count_dead, dead_ids, replay
from oblivion_protocol.resources import DeliveryResource, Page

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])


class ReplayRequest(Input):
    """Either some ids or all that are dead."""

    ids: Annotated[tuple[UUID, ...], Field(max_length=MAX_REPLAYS)] = ()
    all: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> "ReplayRequest":
        if self.all == bool(self.ids):
            raise ValueError("give either ids or all: true")
        return self


class Replayed(BaseModel):
    """What became of one row."""

    id: str
    outcome: Literal["replayed", "not_dead", "not_found"]


class ReplayResult(BaseModel):
    """What became of each row, and how many are dead now."""

    items: list[Replayed]
    remaining: int


@router.get("")
async def list_deliveries(
    principal: CanReadAdmin,
    parts: Parts,
    paging: Paging,
    state: DeliveryState | None = None,
    origin: Origin | None = None,
) -> Page[DeliveryResource]:
    """Newest first; `state=dead` lists what needs a person."""
    async with parts.db.tenant(principal.tenant_id) as session:
        rows = await read_deliveries(session, state=state, origin=origin, before=paging.after, limit=paging.limit + 1)
    shown, next_cursor = paging.page(rows, lambda row: (row.created_at, UUID(row.id)))
    return Page(items=list(shown), next_cursor=next_cursor)


@router.post("/{delivery_id}/replay")
async def replay_delivery(delivery_id: UUID, principal: CanOperate, parts: Parts) -> DeliveryResource:
    """Has a dead row tried again at once, as if for the first time."""
    async with parts.db.tenant(principal.tenant_id) as session:
        replayed = await replay(session, [delivery_id], parts.clock.now())
        found = await find_delivery(session, delivery_id)
        if found is None:
            raise NotFound("No delivery with this id.")
        if not replayed:
            raise Refused(409, f"The delivery is not dead but {found.state}.", code="not_dead")
        record(session, principal.tenant_id, principal.actor, "delivery.replay", str(delivery_id))
    return found


@router.post("/replay")
async def replay_deliveries(body: ReplayRequest, principal: CanOperate, parts: Parts) -> ReplayResult:
    """Has dead rows tried again: those named, or the oldest of all. Tells how many remain dead."""
    items: list[Replayed] = []
    async with parts.db.tenant(principal.tenant_id) as session:
        wanted = await dead_ids(session, MAX_REPLAYS) if body.all else list(dict.fromkeys(body.ids))
        replayed = await replay(session, wanted, parts.clock.now())
        for row_id in wanted:
            if row_id in replayed:
                record(session, principal.tenant_id, principal.actor, "delivery.replay", str(row_id))
                items.append(Replayed(id=str(row_id), outcome="replayed"))
            else:
                known = await find_delivery(session, row_id)
                items.append(Replayed(id=str(row_id), outcome="not_dead" if known else "not_found"))
        remaining = await count_dead(session)
    return ReplayResult(items=items, remaining=remaining)
