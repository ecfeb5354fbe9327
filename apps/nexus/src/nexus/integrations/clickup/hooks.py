"""Registers our webhook and keeps it alive (https://developer.clickup.com/docs/webhookhealth)."""

from collections.abc import Mapping

from nexus.integrations.clickup.answers import Hook
from nexus.integrations.clickup.client import ClickUpClient
from nexus.integrations.clickup.outcomes import HookExists
from nexus.kit.logging import get_logger
from nexus.pipeline.errors import Rejected
from nexus.pipeline.ports import HookSecret, Watch

SUBSCRIBED_EVENTS = (
    "taskCreated", "taskUpdated", "taskDeleted", "taskPriorityUpdated", "taskStatusUpdated",
    "taskAssigneeUpdated", "taskTagUpdated", "taskMoved", "taskCommentPosted", "taskCommentUpdated",
)  # fmt: skip
"""What a card shows or routing looks at; each event costs a request to read the task."""

log = get_logger(__name__)


ACTIVE = "active"
MISSING = "missing"
ELSEWHERE = "elsewhere"
"""The webhook that we know of sends to another address than ours."""


async def look_at_hook(client: ClickUpClient, team_id: str, endpoint: str, known: Mapping[str, str]) -> Watch:
    """What became of our webhook, repaired if need be; does not take it away from another address."""
    listed = await client.webhooks(team_id)
    astray = [hook.endpoint for hook in listed if hook.id in known and hook.endpoint != endpoint]
    if astray and not _ours(listed, endpoint):
        words = (
            f"ClickUp sends events to {astray[0]}, but this Oblivion is at {endpoint}. Set OBLIVION_PUBLIC_URL of "
            "every process to where ClickUp reaches it; if Oblivion has moved, connect ClickUp again"
        )
        return Watch(ELSEWHERE, sound=False, problem=words)
    return await _ensure(client, team_id, endpoint, known, listed)


async def why_access_is_lost(client: ClickUpClient, team_id: str) -> str | None:
    """Why nothing works any more, for people; None when it is not the token or its user that is at fault.

    ClickUp answers 401 for all sorts of things, so it is asked about the token alone.
    """
    try:
        await client.user()
    except Rejected as refused:
        return refused.reason
    if all(team.id != team_id for team in await client.teams()):
        return "Oblivion's ClickUp user is no longer a member of the workspace: invite it again"
    return None


async def ensure_hook(client: ClickUpClient, team_id: str, endpoint: str, known: Mapping[str, str]) -> Watch:
    """Reuses our webhook, repairs it or makes a new one. `known` has the secrets of earlier ones by id.

    Two webhooks with one address would send everything twice under different ids, so all but one go.
    """
    return await _ensure(client, team_id, endpoint, known, await client.webhooks(team_id))


async def remove_hooks(client: ClickUpClient, team_id: str, endpoint: str, known: Mapping[str, str]) -> None:
    """Deletes every webhook of ours: those that we know of, and those that point at us."""
    for hook in await client.webhooks(team_id):
        if hook.id in known or (hook.endpoint == endpoint and hook.whole_workspace):
            await client.delete_webhook(hook.id)
            log.info("clickup.webhook_deleted", webhook_id=hook.id, why="disconnected")


async def _ensure(
    client: ClickUpClient, team_id: str, endpoint: str, known: Mapping[str, str], listed: tuple[Hook, ...]
) -> Watch:
    ours = _ours(listed, endpoint)
    if not ours:
        try:
            created = await _created(client, team_id, endpoint)
        except HookExists:
            ours = _ours(await client.webhooks(team_id), endpoint)
        else:
            return Watch(MISSING, sound=False, hooks=(created,), repaired=True)
    if not ours:
        raise Rejected(
            "ClickUp has a webhook for this address but does not list it: another ClickUp user made it. "
            "Connect with the token of that user, or delete the webhook with it"
        )
    keep, *rest = sorted(ours, key=lambda hook: _secret(hook, known) is None)
    for hook in rest:
        await client.delete_webhook(hook.id)
        log.info("clickup.webhook_deleted", webhook_id=hook.id, why="double")
    status, fail_count = (ACTIVE, 0) if keep.health is None else (keep.health.status or ACTIVE, keep.health.fail_count)
    secret = _secret(keep, known)
    if secret is None:
        await client.delete_webhook(keep.id)
        log.info("clickup.webhook_deleted", webhook_id=keep.id, why="secret unknown")
        created = await _created(client, team_id, endpoint)
        return Watch(status, sound=False, hooks=(created,), fail_count=fail_count, repaired=True)
    missing = [event for event in SUBSCRIBED_EVENTS if not {event, "*"} & set(keep.events)]
    sound = status == ACTIVE and fail_count == 0 and not missing
    if not sound:
        await client.update_webhook(keep.id, endpoint, SUBSCRIBED_EVENTS)
        log.info("clickup.webhook_repaired", webhook_id=keep.id, was=status, fail_count=fail_count, missing=missing)
    hooks = (HookSecret(keep.id, secret),)
    return Watch(status, sound=sound, hooks=hooks, fail_count=fail_count, repaired=not sound)


async def _created(client: ClickUpClient, team_id: str, endpoint: str) -> HookSecret:
    hook = await client.create_webhook(team_id, endpoint, SUBSCRIBED_EVENTS)
    secret = _secret(hook, {})
    if secret is None:
        raise Rejected("ClickUp made a webhook without a secret, so its events could not be trusted")
    log.info("clickup.webhook_created", webhook_id=hook.id)
    return HookSecret(hook.id, secret)


def _ours(hooks: tuple[Hook, ...], endpoint: str) -> list[Hook]:
    return [hook for hook in hooks if hook.endpoint == endpoint and hook.whole_workspace]


def _secret(hook: Hook, known: Mapping[str, str]) -> str | None:
    shown = "" if hook.secret is None else hook.secret.get_secret_value()
    return shown or known.get(hook.id) or None
