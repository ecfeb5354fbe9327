"""Who is calling."""

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import select

from nexus.auth.roles import Role, role_of
from nexus.http.access import CanReadAdmin
from nexus.http.parts import Parts
from nexus.store.tables import Tenant

router = APIRouter(prefix="/v1/me", tags=["people"])


class OwnTenant(BaseModel):
    """The customer organisation that the caller belongs to."""

    id: str
    name: str


class MeResource(BaseModel):
    """The caller, and what they may do."""

    actor: str = Field(description="What the audit log calls them: the e-mail of a person, else a client id.")
    role: Role = Field(description="By the scopes of the token.")
    email: str | None = Field(description="Null for a program that acts for itself.")
    tenant: OwnTenant
    scopes: list[str]


@router.get("")
async def get_me(principal: CanReadAdmin, parts: Parts) -> MeResource:
    """Who the token says that you are."""
    async with parts.db.tenant(principal.tenant_id) as session:
        tenant = (await session.scalars(select(Tenant))).one()
    role = role_of(principal.scopes)
    assert role is not None, "whoever may read has a role"
    return MeResource(
        actor=principal.actor,
        role=role,
        email=principal.person,
        tenant=OwnTenant(id=str(tenant.id), name=tenant.name),
        scopes=sorted(principal.scopes),
    )
