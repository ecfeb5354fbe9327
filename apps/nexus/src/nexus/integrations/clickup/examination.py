"""Is everything right at ClickUp: the token, the workspace, our webhook, the requests that are left."""

from collections.abc import Mapping

from nexus.integrations.clickup.answers import Hook
from nexus.integrations.clickup.client import ClickUpClient
from nexus.integrations.clickup.hooks import ACTIVE, SUBSCRIBED_EVENTS
from nexus.pipeline.errors import Rejected, Unsure
from oblivion_protocol.operating import Check


async def examine(client: ClickUpClient, team_id: str, endpoint: str, known: Mapping[str, str]) -> list[Check]:
    """Asks ClickUp, and changes nothing there. Raises Retryable or Deferred when it does not answer."""
    try:
        user = await client.user()
    except Rejected as refused:
        return [Check(name="Token", state="failed", detail=refused.reason, hint="Enter a new token.")]
    token = Check(name="Token", state="ok", detail=f"Works, as {user.username or user.id}.")
    team = next((team for team in await client.teams() if team.id == team_id), None)
    if team is None:
        detail = f"The user is not in the workspace {team_id} any more."
        return [token, Check(name="Workspace", state="failed", detail=detail, hint="Invite the user again.")]
    checks = [token, Check(name="Workspace", state="ok", detail=f"{team.name} can be read.")]
    try:
        checks.append(_webhook(await client.webhooks(team_id), endpoint, known))
    except (Rejected, Unsure) as error:
        checks.append(Check(name="Webhook", state="failed", detail=error.reason))
    rest_seconds, budget = client.rest_seconds(), client.budget()
    left = "" if budget is None else f" {budget.remaining} of {budget.limit} are left of this minute."
    spare = f"Nearly spent; full again within {rest_seconds:.0f} s." if rest_seconds > 0 else f"Enough is left.{left}"
    return [*checks, Check(name="Requests", state="warning" if rest_seconds > 0 else "ok", detail=spare)]


def _webhook(listed: tuple[Hook, ...], endpoint: str, known: Mapping[str, str]) -> Check:
    ours = [hook for hook in listed if hook.endpoint == endpoint and hook.whole_workspace]
    if not ours:
        astray = next((hook.endpoint for hook in listed if hook.id in known), None)
        if astray is not None:
            detail = f"ClickUp sends events to {astray}, but this Oblivion is at {endpoint}."
            hint = "Set OBLIVION_PUBLIC_URL to where ClickUp reaches Oblivion, or connect ClickUp again."
            return Check(name="Webhook", state="failed", detail=detail, hint=hint)
        detail = f"There is none for {endpoint}."
        return Check(name="Webhook", state="failed", detail=detail, hint="It is made anew within a minute.")
    if not any(hook.id in known for hook in ours):
        detail = "There is one for our address whose secret we do not have, so its events cannot be trusted."
        return Check(name="Webhook", state="failed", detail=detail, hint="It is made anew within a minute.")
    hook = next(hook for hook in ours if hook.id in known)
    status, failures = (ACTIVE, 0) if hook.health is None else (hook.health.status or ACTIVE, hook.health.fail_count)
    if status != ACTIVE:
        detail = f"ClickUp says that it is {status}, after {failures} failures."
        return Check(name="Webhook", state="failed", detail=detail, hint="It is activated again within a minute.")
    if failures:
        detail = f"Active, and ClickUp counts {failures} failures in a row."
        hint = f"See to it that ClickUp reaches {endpoint}; after 100 failures it stops."
        return Check(name="Webhook", state="warning", detail=detail, hint=hint)
    missing = [event for event in SUBSCRIBED_EVENTS if not {event, "*"} & set(hook.events)]
    if missing:
        detail = f"Active, but without {', '.join(missing)}."
        return Check(name="Webhook", state="warning", detail=detail, hint="They are added within a minute.")
    return Check(name="Webhook", state="ok", detail=f"Active, to {endpoint}.")
