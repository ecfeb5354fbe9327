"""Connections to vendor workspaces; credentials go in and never come out."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import select, tuple_

from nexus.http.access import CanOperate, CanReadAdmin, CanWriteAdmin
from nexus.http.inputs import Credential, Input, VendorName
from nexus.http.paging import Paging
from nexus.http.parts import Parts
from nexus.pipeline.health import connection_resource
from nexus.store.tables import Connection
from oblivion_protocol.operating import ConnectionResource, ConnectionTest
from oblivion_protocol.resources import Page

router = APIRouter(prefix="/v1/connections", tags=["connections"])


class NewConnection(Input):
    """Credentials of a vendor workspace; which ones, the vendor's integration says."""

    vendor: VendorName
    credentials: Annotated[dict[str, Credential], Field(min_length=1, max_length=20)]


@router.get("")
async def list_connections(principal: CanReadAdmin, parts: Parts, paging: Paging) -> Page[ConnectionResource]:
    """Every connection with what was found when it was looked at last, oldest first."""
    query = select(Connection).order_by(Connection.created_at, Connection.id).limit(paging.limit + 1)
    if paging.after is not None:
        query = query.where(tuple_(Connection.created_at, Connection.id) > paging.after)
    async with parts.db.tenant(principal.tenant_id) as session:
        rows = list(await session.scalars(query))
    shown, next_cursor = paging.page(rows, lambda row: (row.created_at, row.id))
    return Page(items=[connection_resource(row) for row in shown], next_cursor=next_cursor)


@router.post("", status_code=201)
async def create_connection(body: NewConnection, principal: CanWriteAdmin, parts: Parts) -> ConnectionResource:
    """Tries the credentials at the vendor, keeps them sealed and subscribes to its webhooks."""
    return await parts.connector.connect(principal.tenant_id, body.vendor, body.credentials, principal.actor)


@router.post("/{connection_id}/test")
async def check_connection(connection_id: UUID, principal: CanOperate, parts: Parts) -> ConnectionTest:
    """Looks at the vendor, now: whether the credentials work, and whether its events reach us."""
    return await parts.connector.test(principal.tenant_id, connection_id)


@router.delete("/{connection_id}", status_code=204)
async def delete_connection(connection_id: UUID, principal: CanWriteAdmin, parts: Parts, force: bool = False) -> None:
    """Removes a connection, its credentials and our webhook at the vendor. Refused with `in_use` while lists are
    linked over it; with `force` they are unlinked, and everything that was mirrored over it is forgotten."""
    await parts.connector.disconnect(principal.tenant_id, connection_id, principal.actor, force=force)
