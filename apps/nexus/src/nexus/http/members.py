"""People who may use the dashboard, and what each may do there."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from nexus.auth.members import MAX_EMAIL_CHARS
from nexus.auth.roles import Role
from nexus.http.access import CanReadAdmin, CanWriteAdmin
from nexus.http.inputs import Input
from nexus.http.paging import Paging
from nexus.http.parts import Parts
from nexus.store.tables import Member
from oblivion_protocol.resources import Page

router = APIRouter(prefix="/v1/members", tags=["people"])

Email = Annotated[str, Path(max_length=MAX_EMAIL_CHARS, description="In any case; members are known in lower case.")]


class MemberRole(Input):
    """What a member may do."""

    role: Role


class MemberResource(BaseModel):
    """A person who may use the dashboard."""

    email: str
    role: Role
    created_at: datetime
    last_seen_at: datetime | None = Field(description="When the dashboard last asked for them; null: never.")


@router.get("")
async def list_members(principal: CanReadAdmin, parts: Parts, paging: Paging) -> Page[MemberResource]:
    """Every member, in the order in which they were added."""
    rows = await parts.members.listed(principal.tenant_id, after=paging.after, limit=paging.limit + 1)
    shown, next_cursor = paging.page(rows, lambda row: (row.created_at, row.id))
    return Page(items=[_resource(row) for row in shown], next_cursor=next_cursor)


@router.put("/{email}", responses={201: {"model": MemberResource, "description": "Added"}})
async def put_member(
    email: Email, body: MemberRole, principal: CanWriteAdmin, parts: Parts, response: Response
) -> MemberResource:
    """Adds a person, or gives a member another role. 409 `last_admin` when nobody else could undo it."""
    done = await parts.members.put(principal.tenant_id, email, body.role, actor=principal.actor)
    if done.before is None:
        response.status_code = 201
    return _resource(done.member)


@router.delete("/{email}", status_code=204)
async def remove_member(email: Email, principal: CanWriteAdmin, parts: Parts) -> None:
    """Ends what a person may do, within a minute. 409 `last_admin` when nobody else could undo it."""
    await parts.members.remove(principal.tenant_id, email, actor=principal.actor)


def _resource(row: Member) -> MemberResource:
    return MemberResource.model_validate(row, from_attributes=True)
