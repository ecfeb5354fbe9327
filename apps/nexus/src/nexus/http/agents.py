"""The roster, and the credentials of its agents."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from nexus.http.access import CanOperate, CanReadAdmin, CanWriteAdmin
from nexus.http.inputs import NO_CONTROL, AgentName, AgentNameInPath, Alias, Input, Line, Rotation
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


class Mute(Input):
    """Why an agent is muted; people and the agent read it."""

    reason: Annotated[str, Field(max_length=200, pattern=NO_CONTROL)] = ""


class AgentChange(Input):
    """What may be changed of an agent."""

    messages_per_minute: Annotated[
        int | None, Field(ge=1, le=600, description="With one message more it is muted; null for the usual.")
    ]


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


@router.patch("/{name}")
async def change_agent(
    name: AgentNameInPath, body: AgentChange, principal: CanWriteAdmin, parts: Parts
) -> AgentResource:
    """Sets how much an agent may say before it is muted."""
    await parts.directory.limit(principal.tenant_id, name, body.messages_per_minute, actor=principal.actor)
    return await parts.directory.find(principal.tenant_id, name)


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


@router.post("/{name}/mute")
async def mute_agent(
    name: AgentNameInPath, principal: CanOperate, parts: Parts, body: Mute | None = None
) -> AgentResource:
    """Has an agent offered nothing from now on, holds what it says, and tells it so; its tasks it may finish."""
    reason = (body or Mute()).reason
    await parts.muting.mute(principal.tenant_id, name, reason, principal.actor)
    return await parts.directory.find(principal.tenant_id, name)


@router.post("/{name}/unmute")
async def unmute_agent(name: AgentNameInPath, principal: CanOperate, parts: Parts) -> AgentResource:
    """Takes it back; what the agent has said meanwhile is posted."""
    await parts.muting.unmute(principal.tenant_id, name, principal.actor)
    return await parts.directory.find(principal.tenant_id, name)


@router.delete("/{name}", status_code=204)
async def revoke_agent(name: AgentNameInPath, principal: CanWriteAdmin, parts: Parts) -> None:
    """Ends an agent: its secrets and its tokens stop working at once. Its history stays, and its name with it."""
    await parts.directory.revoke(principal.tenant_id, name, actor=principal.actor)
