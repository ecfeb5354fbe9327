"""Who did what: every act of a person or a program that changed something."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import select, tuple_

from nexus.http.access import CanReadAdmin
from nexus.http.inputs import Line
from nexus.http.paging import Paging
from nexus.http.parts import Parts
from nexus.store.tables import AuditEntry
from oblivion_protocol.resources import Page

router = APIRouter(prefix="/v1/audit", tags=["people"])


class AuditResource(BaseModel):
    """One act."""

    id: str
    at: datetime
    actor: str = Field(description="The e-mail of a person, a client id, or what else acted, such as `command line`.")
    action: str = Field(description="Such as `mapping.link`.")
    object: str
    data: dict[str, Any]


@router.get("")
async def list_audit(
    principal: CanReadAdmin,
    parts: Parts,
    paging: Paging,
    actor: Annotated[Line | None, Query(description="Acts of this one only")] = None,
    action: Annotated[
        Line | None, Query(description="Acts of this kind only; `member` stands for `member.add` and all such")
    ] = None,
) -> Page[AuditResource]:
    """Newest first."""
    query = select(AuditEntry).order_by(AuditEntry.created_at.desc(), AuditEntry.id.desc()).limit(paging.limit + 1)
    if actor is not None:
        query = query.where(AuditEntry.actor == actor)
    if action is not None:
        within = AuditEntry.action.startswith(f"{action}.", autoescape=True)
        query = query.where((AuditEntry.action == action) | within)
    if paging.after is not None:
        query = query.where(tuple_(AuditEntry.created_at, AuditEntry.id) < paging.after)
    async with parts.db.tenant(principal.tenant_id) as session:
        rows = list(await session.scalars(query))
    shown, next_cursor = paging.page(rows, lambda row: (row.created_at, row.id))
    return Page(items=[_resource(row) for row in shown], next_cursor=next_cursor)


def _resource(row: AuditEntry) -> AuditResource:
    return AuditResource(
        id=str(row.id), at=row.created_at, actor=row.actor, action=row.action, object=row.object, data=row.data
    )
