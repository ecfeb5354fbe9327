"""Credentials of programs: of agents, of administrators' programs, and of the dashboard."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from nexus.auth.clients import ClientKind, kind_of
from nexus.http.access import CanReadAdmin, CanWriteAdmin
from nexus.http.inputs import Input, Line, Rotation
from nexus.http.oauth import NO_STORE
from nexus.http.paging import Paging
from nexus.http.parts import Parts
from nexus.http.problems import Refused
from nexus.store.tables import ApiKey
from oblivion_protocol.resources import Page

router = APIRouter(prefix="/v1/keys", tags=["keys"])

ClientId = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,200}$")]


class NewKey(Input):
    """A client for a program. An agent gets its own from `POST /v1/agents`, the dashboard from the command line."""

    name: Line
    scopes: Annotated[
        tuple[Literal["admin:read", "admin:operate", "admin:write"], ...],
        Field(min_length=1, max_length=3, description="A stronger scope includes the weaker ones."),
    ]


class KeyResource(BaseModel):
    """A client, without its secret."""

    client_id: str
    name: str
    scopes: list[str]
    kind: ClientKind
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute; null: never.")
    revoked_at: datetime | None


class CreatedKeyResource(KeyResource):
    """A new client; the secret is shown here and never again."""

    client_secret: str


class RotatedKeyResource(BaseModel):
    """A new secret, shown here and never again; the previous one keeps working for `overlap_seconds`."""

    client_id: str
    client_secret: str
    overlap_seconds: int


@router.get("")
async def list_keys(principal: CanReadAdmin, parts: Parts, paging: Paging) -> Page[KeyResource]:
    """Every client, oldest first; also those that are revoked."""
    rows = await parts.clients.listed(principal.tenant_id, after=paging.after, limit=paging.limit + 1)
    shown, next_cursor = paging.page(rows, lambda row: (row.created_at, row.id))
    return Page(items=[_resource(row) for row in shown], next_cursor=next_cursor)


@router.post("", status_code=201)
async def create_key(body: NewKey, principal: CanWriteAdmin, parts: Parts, response: Response) -> CreatedKeyResource:
    """Makes a client for a program that administers Oblivion."""
    client_id, secret = await parts.clients.create(principal.tenant_id, body.name, body.scopes, actor=principal.actor)
    key = await parts.clients.find(principal.tenant_id, client_id)
    response.headers.update(NO_STORE)
    return CreatedKeyResource(**_resource(key).model_dump(), client_secret=secret)


@router.post("/{client_id}/rotate")
async def rotate_key(
    client_id: ClientId, principal: CanWriteAdmin, parts: Parts, response: Response, body: Rotation | None = None
) -> RotatedKeyResource:
    """Makes a new secret; the previous one keeps working for `overlap_seconds`."""
    if kind_of(await parts.clients.find(principal.tenant_id, client_id)) == "observer":
        # With this secret an admin could act, and be written down, as anybody else.
        raise Refused(
            409,
            "The secret of the dashboard is shown on the command line only: make another client with `oblivion "
            "observer create`, give it to Observer, then revoke this one.",
            code="observer_key",
        )
    overlap_seconds = (body or Rotation()).overlap_seconds
    secret = await parts.clients.rotate(principal.tenant_id, client_id, overlap_seconds, actor=principal.actor)
    response.headers.update(NO_STORE)
    return RotatedKeyResource(client_id=client_id, client_secret=secret, overlap_seconds=overlap_seconds)


@router.delete("/{client_id}", status_code=204)
async def revoke_key(client_id: ClientId, principal: CanWriteAdmin, parts: Parts) -> None:
    """Ends a client: its secrets and its tokens stop working at once."""
    key = await parts.clients.find(principal.tenant_id, client_id)
    if kind_of(key) == "agent" and key.revoked_at is None:
        raise Refused(409, f"This is the key of the agent {key.name}: revoke the agent.", code="agent_key")
    await parts.clients.revoke(principal.tenant_id, client_id, actor=principal.actor)


def _resource(row: ApiKey) -> KeyResource:
    return KeyResource(
        client_id=row.client_id,
        name=row.name,
        scopes=row.scopes,
        kind=kind_of(row),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
