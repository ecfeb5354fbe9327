"""Which list of the tracker is linked to which channel of the chat."""

from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import select, tuple_

from nexus.auth.errors import NotFound
from nexus.http.access import CanOperate, CanReadAdmin
from nexus.http.inputs import Input, Line, VendorId
from nexus.http.paging import Paging
from nexus.http.parts import Parts
from nexus.pipeline.links import mapping_resource
from nexus.store.tables import ProjectMapping
from oblivion_protocol.resources import MappingResource, Page, SyncRule

router = APIRouter(prefix="/v1/mappings", tags=["mappings"])


class NewMapping(Input):
    """A list and a channel to link."""

    list_id: VendorId
    channel_id: VendorId
    sync_rule: SyncRule = "keyword"
    sync_keyword: Line = "!sync"


class ChangedMapping(Input):
    """What is to change about a link; what is absent stays."""

    channel_id: VendorId | None = None
    sync_rule: SyncRule | None = None
    sync_keyword: Line | None = None


@router.get("")
async def list_mappings(principal: CanReadAdmin, parts: Parts, paging: Paging) -> Page[MappingResource]:
    """Every link, oldest first."""
    query = select(ProjectMapping).order_by(ProjectMapping.created_at, ProjectMapping.id).limit(paging.limit + 1)
    if paging.after is not None:
        query = query.where(tuple_(ProjectMapping.created_at, ProjectMapping.id) > paging.after)
    async with parts.db.tenant(principal.tenant_id) as session:
        rows = list(await session.scalars(query))
    shown, next_cursor = paging.page(rows, lambda row: (row.created_at, row.id))
    return Page(items=[mapping_resource(row) for row in shown], next_cursor=next_cursor)


@router.post("", status_code=201)
async def create_mapping(body: NewMapping, principal: CanOperate, parts: Parts) -> MappingResource:
    """Links a list to a channel; conversations that waited for it are posted."""
    return await parts.linker.link(
        principal.tenant_id,
        body.list_id,
        body.channel_id,
        sync_rule=body.sync_rule,
        sync_keyword=body.sync_keyword,
        actor=principal.actor,
    )


@router.patch("/{mapping_id}")
async def change_mapping(
    mapping_id: UUID, body: ChangedMapping, principal: CanOperate, parts: Parts
) -> MappingResource:
    """Links the list to another channel, or changes its rule. New conversations only: what is posted stays."""
    return await parts.linker.move(
        principal.tenant_id,
        mapping_id,
        channel_id=body.channel_id,
        sync_rule=body.sync_rule,
        sync_keyword=body.sync_keyword,
        actor=principal.actor,
    )


@router.delete("/{mapping_id}", status_code=204)
async def delete_mapping(mapping_id: UUID, principal: CanOperate, parts: Parts) -> None:
    """Unlinks; what has been posted stays."""
    if not await parts.linker.unlink(principal.tenant_id, mapping_id, principal.actor):
        raise NotFound("No mapping with this id.")
