"""Connections to vendor workspaces; credentials go in and never come out."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import select, tuple_

from nexus.http.access import CanReadAdmin, CanWriteAdmin
from nexus.http.inputs import Credential, Input, VendorName
from nexus.http.paging import Paging
from nexus.http.parts import Parts
from nexus.store.tables import Connection
from oblivion_protocol.resources import Page

router = APIRouter(prefix="/v1/connections", tags=["connections"])


class NewConnection(Input):
    """Credentials of a vendor workspace; which ones, the vendor's integration says."""

    vendor: VendorName
    credentials: Annotated[dict[str, Credential], Field(min_length=1, max_length=20)]


class ConnectionResource(BaseModel):
    """A connection without anything secret. `broken_reason` says what to do when access is gone."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    id: Annotated[str, BeforeValidator(str)]
    vendor: str
    workspace_id: str
    name: str
    broken_reason: str | None = None
    created_at: datetime


@router.get("")
async def list_connections(principal: CanReadAdmin, parts: Parts, paging: Paging) -> Page[ConnectionResource]:
    """Every connection, oldest first."""
    columns = (
        Connection.id,
        Connection.vendor,
        Connection.workspace_id,
        Connection.name,
        Connection.broken_reason,
        Connection.created_at,
    )
    query = select(*columns).order_by(Connection.created_at, Connection.id).limit(paging.limit + 1)
    if paging.after is not None:
        query = query.where(tuple_(Connection.created_at, Connection.id) > paging.after)
    async with parts.db.tenant(principal.tenant_id) as session:
        rows = (await session.execute(query)).all()
    shown, next_cursor = paging.page(rows, lambda row: (row.created_at, row.id))
    return Page(items=[ConnectionResource.model_validate(row) for row in shown], next_cursor=next_cursor)


@router.post("", status_code=201)
async def create_connection(body: NewConnection, principal: CanWriteAdmin, parts: Parts) -> ConnectionResource:
    """Tries the credentials at the vendor, keeps them sealed and subscribes to its webhooks."""
    made = await parts.connector.connect(principal.tenant_id, body.vendor, body.credentials, principal.actor)
    return ConnectionResource.model_validate(made)
