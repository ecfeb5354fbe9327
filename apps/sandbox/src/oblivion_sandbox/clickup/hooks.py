"""Webhooks: registration, signing, retries and health.

Sources: https://developer.clickup.com/docs/webhooks, /webhooksignature, /webhookhealth.
"""

import asyncio
import hashlib
import hmac
import uuid
from typing import Literal

from pydantic import BaseModel

from oblivion_sandbox import seed
from oblivion_sandbox.clickup.errors import ClickUpError, invalid_input
from oblivion_sandbox.clickup.history import event_body
from oblivion_sandbox.clickup.state import ALL_EVENTS, LISTS, ClickUpState, Webhook
from oblivion_sandbox.core import Core
from oblivion_sandbox.jsontypes import JsonObject, encode
from oblivion_sandbox.net import Reach
from oblivion_sandbox.outgoing import Parcel

SUSPEND_AT_FAIL_COUNT = 100
SUSPENDING_STATUSES = (401, 410)


class NewWebhook(BaseModel):
    """Body of POST /team/{id}/webhook."""

    endpoint: str
    events: list[str] | Literal["*"]
    space_id: int | None = None
    folder_id: int | None = None
    list_id: int | None = None
    task_id: str | None = None


class WebhookPatch(BaseModel):
    """Body of PUT /webhook/{id}: all three are required."""

    endpoint: str
    events: list[str] | Literal["*"]
    status: Literal["active", "inactive"]


def signature(secret: str, body: bytes) -> str:
    """`X-Signature`: lower-case hex HMAC-SHA256 over the raw body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _checked_events(events: list[str] | Literal["*"]) -> list[str]:
    if events == "*":
        return list(ALL_EVENTS)
    unknown = [event for event in events if event not in ALL_EVENTS]
    if unknown or not events:
        raise invalid_input(f"Webhook event invalid: {', '.join(unknown)}", "WEBHOOK_002")
    return events


def _checked_endpoint(endpoint: str, reach: Reach) -> str:
    if not reach.may_call(endpoint):
        raise invalid_input(f"The sandbox calls http(s) endpoints on {reach.whom} only", "SANDBOX_001")
    return endpoint


class Hooks:
    """The registered webhooks and what is sent to them."""

    def __init__(self, core: Core, state: ClickUpState) -> None:
        self._core = core
        self._state = state

    def register(self, user_id: int, wanted: NewWebhook) -> Webhook:
        """Raises OAUTH_171 when this endpoint already listens to this location."""
        hook = Webhook(
            id=str(uuid.uuid4()),
            user_id=user_id,
            endpoint=_checked_endpoint(wanted.endpoint, self._core.reach),
            events=_checked_events(wanted.events),
            task_id=wanted.task_id,
            list_id=None if wanted.list_id is None else str(wanted.list_id),
            folder_id=None if wanted.folder_id is None else str(wanted.folder_id),
            space_id=None if wanted.space_id is None else str(wanted.space_id),
            secret=self._core.ids.token(64),
        )
        for other in self._state.webhooks.values():
            if (other.endpoint, other.location()) == (hook.endpoint, hook.location()):
                raise ClickUpError(400, "Webhook configuration already exists", "OAUTH_171")
        self._state.webhooks[hook.id] = hook
        self._core.changed()
        return hook

    def of_user(self, user_id: int) -> list[Webhook]:
        """Only what this user created: others' webhooks are not shown."""
        return [hook for hook in self._state.webhooks.values() if hook.user_id == user_id]

    def update(self, user_id: int, webhook_id: str, patch: WebhookPatch) -> Webhook:
        """`status: active` ends a suspension."""
        hook = self._owned(user_id, webhook_id)
        hook.endpoint = _checked_endpoint(patch.endpoint, self._core.reach)
        hook.events = _checked_events(patch.events)
        hook.health = "active" if patch.status == "active" else "suspended"
        hook.fail_count = 0
        self._core.changed()
        return hook

    def delete(self, user_id: int, webhook_id: str) -> None:
        """Ends deliveries, those under way too."""
        del self._state.webhooks[self._owned(user_id, webhook_id).id]
        self._core.changed()

    def emit(self, event: str, task_id: str, list_id: str, items: list[JsonObject]) -> None:
        """Send an event about a task to every webhook that listens there."""
        for hook in self._state.webhooks.values():
            if hook.health != "suspended" and event in hook.events and _hears(hook, task_id, list_id):
                self._send(hook, event, task_id, items)

    def _owned(self, user_id: int, webhook_id: str) -> Webhook:
        hook = self._state.webhooks.get(webhook_id)
        if hook is None or hook.user_id != user_id:
            raise ClickUpError(404, "Webhook not found", "OAUTH_169")
        return hook

    def _send(self, hook: Webhook, event: str, task_id: str, items: list[JsonObject]) -> None:
        body = encode(event_body(event, task_id, hook.id, items))

        async def deliver() -> None:
            await self._attempt(hook, parcel)

        ids = ",".join(str(item["id"]) for item in items)
        parcel = Parcel("clickup", event, ids, hook.endpoint, body, deliver, hook.id)
        self._core.outgoing.submit(f"clickup:{hook.id}", parcel)

    async def _attempt(self, hook: Webhook, parcel: Parcel) -> None:
        settings = self._core.settings
        for attempt in range(1, settings.clickup_retries + 2):
            if hook.health == "suspended" or hook.id not in self._state.webhooks:
                return
            headers = {"Content-Type": "application/json", "X-Signature": signature(hook.secret, parcel.body)}
            answer = await self._core.outgoing.post(parcel.url, parcel.body, headers, settings.clickup_timeout_seconds)
            self._core.outgoing.record(parcel, attempt, answer)
            if answer.outcome == "ok":
                hook.health, hook.fail_count = "active", 0
                self._core.changed()
                return
            hook.health = "suspended" if answer.status in SUSPENDING_STATUSES else "failing"
            self._core.changed()
            if hook.health == "suspended":
                return
            if attempt <= settings.clickup_retries:
                await asyncio.sleep(settings.clickup_retry_base_seconds * 2 ** (attempt - 1))
        hook.fail_count += 1
        if hook.fail_count >= SUSPEND_AT_FAIL_COUNT:
            hook.health = "suspended"
        self._core.changed()


def _hears(hook: Webhook, task_id: str, list_id: str) -> bool:
    return (
        hook.task_id in (None, task_id)
        and hook.list_id in (None, list_id)
        and hook.folder_id in (None, LISTS[list_id].folder_id)
        and hook.space_id in (None, seed.CLICKUP_SPACE_ID)
    )
