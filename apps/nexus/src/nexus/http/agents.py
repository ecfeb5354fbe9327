"""The roster, and the credentials of its agents."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from nexus.http.access import CanReadAdmin, CanWriteAdmin
from nexus.http.inputs import AgentName, AgentNameInPath, Alias, Input, Line, Rotation
from nexus.http.oauth import NO_STORE
from nexus.http.paging import Paging
from nexus.http.parts import Parts
from oblivion_protocol.base import Skill
from oblivion_protocol.resources import AgentResource, Page

router = APIRouter(prefix="/v1/agents", tags=["agents"])


class NewAgent(Input):
    """An agent to be."""

    name: AgentName
    skills: Annotated[tuple[Skill, ...], Field(max_length=50)] = ()
    aliases: Annotated[tuple[Alias, ...], Field(max_length=50)] = ()
    icon: Line | None = None


class CreatedAgentResource(BaseModel):
    """A new agent; the secret is shown here and never again."""

    id: str
    name: str
    client_id: str
    client_secret: str


class RotatedAgentResource(BaseModel):
    """New credentials; the secret is shown here and never again."""

    name: str
    client_id: str
    client_secret: str
    overlap_seconds: int


@router.get("")
async def list_agents(principal: CanReadAdmin, parts: Parts, paging: Paging) -> Page[AgentResource]:
    """The roster: every agent with its presence, oldest first."""
    agents = await parts.directory.roster(principal.tenant_id, after=paging.after, limit=paging.limit + 1)
    shown, next_cursor = paging.page(agents, lambda agent: (agent.created_at, UUID(agent.id)))
    return Page(items=list(shown), next_cursor=next_cursor)


@router.post("", status_code=201)
async def create_agent(
    body: NewAgent, principal: CanWriteAdmin, parts: Parts, response: Response
) -> CreatedAgentResource:
    """Registers an agent and makes its client."""
    made = await parts.directory.create(
        principal.tenant_id, body.name, body.skills, body.aliases, icon=body.icon, actor=principal.actor
    )
    response.headers.update(NO_STORE)
    return CreatedAgentResource(
        id=str(made.agent_id), name=made.name, client_id=made.client_id, client_secret=made.client_secret
    )


@router.post("/{name}/rotate")
async def rotate_agent_secret(
    name: AgentNameInPath,
    principal: CanWriteAdmin,
    parts: Parts,
    response: Response,
    body: Rotation | None = None,
) -> RotatedAgentResource:
    """Makes a new secret; the previous one keeps working for `overlap_seconds`."""
    overlap_seconds = (body or Rotation()).overlap_seconds
    rotated = await parts.directory.rotate(principal.tenant_id, name, overlap_seconds, actor=principal.actor)
    response.headers.update(NO_STORE)
    return RotatedAgentResource(
        name=rotated.name,
        client_id=rotated.client_id,
        client_secret=rotated.client_secret,
        overlap_seconds=overlap_seconds,
    )


@router.delete("/{name}", status_code=204)
async def revoke_agent(name: AgentNameInPath, principal: CanWriteAdmin, parts: Parts) -> None:
    """Ends an agent: its secrets and its tokens stop working at once. Its history stays, and its name with it."""
    await parts.directory.revoke(principal.tenant_id, name, actor=principal.actor)
