"""What a trial puts into a new installation: a tenant, clients, members, agents, connections to a sandbox and one link.

`oblivion up` does it on one machine, `oblivion sandbox-seed` in a cluster.
"""

import asyncio
import time
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from nexus.auth.errors import AlreadyExists
from nexus.auth.roles import Role
from nexus.bootstrap import Nexus, open_nexus
from nexus.cli.state import Credential, LocalState
from nexus.pipeline.errors import Rejected
from nexus.settings import Settings, SettingsError
from nexus.store.tables import Agent, Tenant
from oblivion_protocol import ADMIN_SCOPES, DELEGATE

TENANT = "local"
SQUAD = "AI_Squad"
DEMO_AGENT = "demo"
SPARE_AGENT = "my-agent"
ADMIN = "local-admin"
OBSERVER = "local-observer"
MEMBERS: dict[str, Role] = {
    "admin@local.test": "admin",
    "operator@local.test": "operator",
    "viewer@local.test": "viewer",
}
"""Whom the dashboard's development sign-in offers."""

ACTOR = "local trial"


async def seed_identities(nexus: Nexus, state: LocalState) -> UUID:
    """Makes sure that tenant, members, programs and both agents exist and that the secrets are known."""
    async with nexus.db.system() as session:
        tenant = await session.scalar(select(Tenant).where(Tenant.name == TENANT))
        if tenant is None:
            tenant = Tenant(name=TENANT)
            session.add(tenant)
            await session.flush()
        tenant_id = tenant.id
    if not await _works(nexus, state.admin):
        state.admin = Credential(*await nexus.clients.create(tenant_id, ADMIN, ADMIN_SCOPES, actor=ACTOR))
    if not await _works(nexus, state.observer):
        state.observer = Credential(*await nexus.clients.create(tenant_id, OBSERVER, [DELEGATE], actor=ACTOR))
    known = {member.email for member in await nexus.members.listed(tenant_id)}
    for email, role in MEMBERS.items():
        if email not in known:  # what somebody made of the others stays
            await nexus.members.put(tenant_id, email, role, actor=ACTOR)
    state.demo = await _agent(nexus, tenant_id, DEMO_AGENT, ("fix_bug", "default"), (SQUAD,), state.demo)
    # By its own name it is reached although the demo agent can do everything.
    state.spare = await _agent(nexus, tenant_id, SPARE_AGENT, (), (SQUAD, SPARE_AGENT), state.spare)
    return tenant_id


async def _works(nexus: Nexus, credential: Credential) -> bool:
    if not credential.client_id:
        return False
    return await nexus.clients.authenticate(credential.client_id, credential.client_secret) is not None


async def _agent(
    nexus: Nexus, tenant_id: UUID, name: str, skills: tuple[str, ...], aliases: tuple[str, ...], known: Credential
) -> Credential:
    if await _works(nexus, known):
        return known
    async with nexus.db.tenant(tenant_id) as session:
        exists = await session.scalar(select(Agent.id).where(Agent.name == name))
    if exists is not None:
        renewed = await nexus.directory.rotate(tenant_id, name, actor=ACTOR)
        return Credential(renewed.client_id, renewed.client_secret)
    made = await nexus.directory.create(tenant_id, name, skills, aliases, actor=ACTOR)
    return Credential(made.client_id, made.client_secret)


async def seed_link(nexus: Nexus, tenant_id: UUID, list_id: str, channel_id: str) -> None:
    """Links the sandbox's list and channel, once."""
    try:
        await nexus.links.link(tenant_id, list_id, channel_id, actor=ACTOR)
    except AlreadyExists:
        return
    except Rejected as error:
        raise Rejected(f"The sandbox's list could not be linked: {error.reason}") from error


_VERIFY_SECONDS = 15


async def connect_sandbox(settings: Settings, state: LocalState, sandbox_url: str) -> dict[str, str]:
    """Connects Nexus to the sandbox as an operator would to the real vendors, and says what a program needs of both.

    Nexus must be running: the sandbox's Slack asks whether the address is ours. Raises SettingsError when it cannot.
    """
    async with httpx.AsyncClient(base_url=sandbox_url, timeout=10) as sandbox:
        try:
            world: dict[str, Any] = (await sandbox.get("/_control/world")).raise_for_status().json()
        except httpx.HTTPError as error:
            raise SettingsError(
                f"The sandbox at {sandbox_url} does not answer: {error or type(error).__name__}"
            ) from None
        async with open_nexus(settings) as nexus:
            tenant_id = await seed_identities(nexus, state)
            for vendor in ("slack", "clickup"):
                await nexus.onboarding.connect(tenant_id, vendor, world[vendor], ACTOR)
            await _receive_events(sandbox, settings.public_url)
            await seed_link(nexus, tenant_id, world["list_id"], world["channel_id"])
    return {
        "clickup_api_url": world["clickup"]["api_url"],
        "clickup_token": world["clickup_human_token"],
        "slack_api_url": world["slack"]["api_url"],
        "slack_bot_token": world["slack"]["bot_token"],
        "slack_human_token": world["slack_human_token"],
        "clickup_list_id": world["list_id"],
        "slack_channel_id": world["channel_id"],
        "tenant_id": str(tenant_id),
    }


async def _receive_events(sandbox: httpx.AsyncClient, public_url: str) -> None:
    """Has Slack's events sent to us. Tries for some seconds: a Nexus that has just started may answer 503."""
    urls = {
        "events_url": f"{public_url}/webhooks/slack",
        "interactivity_url": f"{public_url}/webhooks/slack/interactive",
    }
    deadline = time.monotonic() + _VERIFY_SECONDS
    while True:
        answer = await sandbox.post("/_control/slack/app", json=urls)
        said: dict[str, Any] = answer.json()
        if answer.is_success and said["verification"]["ok"]:
            return
        if not answer.is_success or time.monotonic() > deadline:
            why = said.get("error") or said["verification"]["reason"]
            raise SettingsError(f"The sandbox cannot send events to {urls['events_url']}: {why}")
        await asyncio.sleep(0.5)
