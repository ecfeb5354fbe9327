"""Webhooks that came in and effects that go out; above all those that failed for good, and their replay."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints, model_validator

from nexus.auth.audit import record
from nexus.auth.errors import NotFound
from nexus.http.access import CanOperate, CanReadAdmin
from nexus.http.delivery_detail import find_detail
from nexus.http.delivery_groups import read_groups
from nexus.http.delivery_rows import DeliveryFilter, DeliveryState, Origin, find_delivery, read_deliveries
from nexus.http.inputs import Input, SearchText, VendorName
from nexus.http.paging import Paging, whole
from nexus.http.parts import Parts
from nexus.http.problems import Refused
from nexus.http.replay import MAX_REPLAYS, Dead, replay
from oblivion_protocol.operating import DeliveryDetail, DeliveryGroup, Replayed, ReplayResult
from oblivion_protocol.resources import DeliveryResource, Page

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])

Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class ReplayRequest(Input):
    """Either some ids, or all that are dead, or all that died of one cause."""

    ids: Annotated[tuple[UUID, ...], Field(max_length=MAX_REPLAYS)] = ()
    all: bool = False
    fingerprint: Fingerprint | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> "ReplayRequest":
        if bool(self.ids) + self.all + (self.fingerprint is not None) != 1:
            raise ValueError("give either ids, or all: true, or a fingerprint")
        return self


@router.get("")
async def list_deliveries(
    principal: CanReadAdmin,
    parts: Parts,
    paging: Paging,
    state: DeliveryState | None = None,
    origin: Origin | None = None,
    sink: VendorName | None = None,
    fingerprint: Fingerprint | None = None,
    q: Annotated[SearchText | None, Query(description="Part of the reason or the title, or an id")] = None,
) -> Page[DeliveryResource]:
    """Newest first; `state=dead` lists what needs a person."""
    wanted = DeliveryFilter(state=state, origin=origin, sink=sink, fingerprint=fingerprint, text=q)
    async with parts.db.tenant(principal.tenant_id) as session:
        rows = await read_deliveries(session, wanted, before=paging.after, limit=paging.limit + 1)
    shown, next_cursor = paging.page(rows, lambda row: (row.created_at, UUID(row.id)))
    return Page(items=list(shown), next_cursor=next_cursor)


@router.get("/groups")
async def list_delivery_groups(
    principal: CanReadAdmin, parts: Parts, state: DeliveryState = "dead"
) -> Page[DeliveryGroup]:
    """Deliveries by what they have in common: one line for each cause, the biggest first, at most 200."""
    async with parts.db.tenant(principal.tenant_id) as session:
        return whole(await read_groups(session, state))


@router.get("/{delivery_id}")
async def get_delivery(delivery_id: UUID, principal: CanReadAdmin, parts: Parts) -> DeliveryDetail:
    """One delivery with what it carries, secrets masked, and what became of each try."""
    async with parts.db.tenant(principal.tenant_id) as session:
        found = await find_detail(session, delivery_id)
    if found is None:
        raise NotFound("No delivery with this id.")
    return found


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
        dead = await Dead.of(session, body.fingerprint)
        wanted = list(dict.fromkeys(body.ids)) or await dead.ids(session, MAX_REPLAYS)
        replayed = await replay(session, wanted, parts.clock.now())
        for row_id in wanted:
            if row_id in replayed:
                record(session, principal.tenant_id, principal.actor, "delivery.replay", str(row_id))
                items.append(Replayed(id=str(row_id), outcome="replayed"))
            else:
                known = await find_delivery(session, row_id)
                items.append(Replayed(id=str(row_id), outcome="not_dead" if known else "not_found"))
        remaining = await dead.count(session)
    return ReplayResult(items=items, remaining=remaining)
