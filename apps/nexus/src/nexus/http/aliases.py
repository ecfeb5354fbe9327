"""Handles such as `@AI_Squad`, and who stands behind them."""

from fastapi import APIRouter

from nexus.http.access import CanReadAdmin, CanWriteAdmin
from nexus.http.inputs import AgentName, Alias, Input
from nexus.http.paging import whole
from nexus.http.parts import Parts
from oblivion_protocol.resources import AliasResource, Page

router = APIRouter(prefix="/v1/aliases", tags=["agents"])


class NewAlias(Input):
    """An agent to put behind a handle."""

    alias: Alias
    agent: AgentName


@router.get("")
async def list_aliases(principal: CanReadAdmin, parts: Parts) -> Page[AliasResource]:
    """Every handle, in alphabetical order."""
    return whole(await parts.directory.aliases.listed(principal.tenant_id))


@router.post("", status_code=201)
async def add_alias(body: NewAlias, principal: CanWriteAdmin, parts: Parts) -> AliasResource:
    """Puts an agent behind a handle; several agents behind one handle are a squad."""
    return await parts.directory.aliases.add(principal.tenant_id, body.alias, body.agent, actor=principal.actor)


@router.delete("/{alias}", status_code=204)
async def remove_alias(alias: Alias, principal: CanWriteAdmin, parts: Parts, agent: AgentName | None = None) -> None:
    """Takes one agent away from a handle; without `agent`, all of them."""
    await parts.directory.aliases.remove(principal.tenant_id, alias, agent, actor=principal.actor)
