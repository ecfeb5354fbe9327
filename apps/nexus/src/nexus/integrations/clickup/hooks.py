"""Registers our webhook and keeps it alive (https://developer.clickup.com/docs/webhookhealth)."""

from collections.abc import Mapping

from nexus.integrations.clickup.answers import Hook
from nexus.integrations.clickup.client import ClickUpClient
from nexus.integrations.clickup.outcomes import HookExists
from nexus.kit.logging import get_logger
from nexus.pipeline.errors import Rejected
from nexus.pipeline.ports import HookSecret

SUBSCRIBED_EVENTS = (
    "taskCreated", "taskUpdated", "taskDeleted", "taskPriorityUpdated", "taskStatusUpdated",
    "taskAssigneeUpdated", "taskTagUpdated", "taskMoved", "taskCommentPosted", "taskCommentUpdated",
)  # fmt: skip
"""What a card shows or routing looks at; each event costs a request to read the task."""

log = get_logger(__name__)


async def ensure_hook(client: ClickUpClient, team_id: str, endpoint: str, known: Mapping[str, str]) -> HookSecret:
    """Reuses our webhook, repairs it or makes a new one. `known` has the secrets of earlier ones by id.

    Two webhooks with one address would send everything twice under different ids, so all but one go.
    """
    ours = _ours(await client.webhooks(team_id), endpoint)
    if not ours:
        try:
            return await _created(client, team_id, endpoint)
        except HookExists:
            ours = _ours(await client.webhooks(team_id), endpoint)
    if not ours:
        raise Rejected(
            "ClickUp has a webhook for this address but does not list it: another ClickUp user made it. "
            "Connect with the token of that user, or delete the webhook with it"
        )
    keep, *rest = sorted(ours, key=lambda hook: _secret(hook, known) is None)
    for hook in rest:
        await client.delete_webhook(hook.id)
        log.info("clickup.webhook_deleted", webhook_id=hook.id, why="double")
    secret = _secret(keep, known)
    if secret is None:
        await client.delete_webhook(keep.id)
        log.info("clickup.webhook_deleted", webhook_id=keep.id, why="secret unknown")
        return await _created(client, team_id, endpoint)
    status = "" if keep.health is None else keep.health.status
    missing = [event for event in SUBSCRIBED_EVENTS if not {event, "*"} & set(keep.events)]
    if status in ("failing", "suspended") or missing:
        await client.update_webhook(keep.id, endpoint, SUBSCRIBED_EVENTS)
        log.info("clickup.webhook_repaired", webhook_id=keep.id, was=status, missing=missing)
    return HookSecret(keep.id, secret)


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
