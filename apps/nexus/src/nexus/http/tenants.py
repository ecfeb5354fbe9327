"""The caller's own tenant; there is no way to see another."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from nexus.http.access import CanReadAdmin
from nexus.http.paging import whole
from nexus.http.parts import Parts
from nexus.store.tables import Tenant
from oblivion_protocol.resources import Page

router = APIRouter(prefix="/v1/tenants", tags=["tenants"])


class TenantResource(BaseModel):
    """A customer organisation."""

    id: str
    name: str
    created_at: datetime


@router.get("")
async def list_tenants(principal: CanReadAdmin, parts: Parts) -> Page[TenantResource]:
    """The tenant of the token: row-level security shows no other."""
    async with parts.db.tenant(principal.tenant_id) as session:
        rows = await session.scalars(select(Tenant))
        return whole([TenantResource(id=str(row.id), name=row.name, created_at=row.created_at) for row in rows])
