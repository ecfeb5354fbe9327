"""`/_control`: what a test or a person may do that no vendor's API allows; JSON in, JSON out."""

from collections.abc import Awaitable, Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from oblivion_sandbox import seed
from oblivion_sandbox.clickup.state import LISTS
from oblivion_sandbox.effects import clickup_effect, slack_effect
from oblivion_sandbox.faults import ActiveRule, FaultRule
from oblivion_sandbox.jsontypes import JsonObject, as_object, decode_object, encode
from oblivion_sandbox.sandbox import Sandbox
from oblivion_sandbox.settings import Settings
from oblivion_sandbox.slack.state import AppConfig

Deed = Callable[[Sandbox, Request], Awaitable[JsonObject]]


class ControlError(Exception):
    """The request cannot be done; the text says why."""


class HookChange(BaseModel):
    """Body of /_control/clickup/webhooks: what happens to every registered webhook."""

    model_config = ConfigDict(extra="forbid")

    health: Literal["active", "failing", "suspended"] | None = None
    fail_count: int = Field(default=0, ge=0)
    delete: bool = False


class ChannelChange(BaseModel):
    """Body of /_control/slack/channels: as if a person had archived a channel, or taken it up again."""

    model_config = ConfigDict(extra="forbid")

    channel: str
    archived: bool


class Press(BaseModel):
    """Body of /_control/slack/press."""

    model_config = ConfigDict(extra="forbid")

    channel: str
    ts: str
    action_id: str
    user: str = seed.SLACK_USER_DANA
    value: str | None = None


async def _body(request: Request) -> JsonObject:
    document = decode_object(await request.body() or b"{}")
    if document is None:
        raise ControlError("the body is no JSON object")
    return document


def _since(request: Request) -> int:
    value = request.query_params.get("since", "0")
    if not value.isdigit():
        raise ControlError("since is the number of an entry")
    return int(value)


async def _calls(sandbox: Sandbox, request: Request) -> JsonObject:
    query = request.query_params
    found = sandbox.core.recorder.find_calls(
        query.get("vendor"), query.get("method"), _since(request), body=query.get("body") != "0"
    )
    return {"calls": found, "last": sandbox.core.recorder.last_n}


async def _deliveries(sandbox: Sandbox, request: Request) -> JsonObject:
    query = request.query_params
    found = sandbox.core.recorder.find_deliveries(query.get("vendor"), query.get("event"), _since(request))
    return {"deliveries": found, "last": sandbox.core.recorder.last_n}


async def _slack_effects(sandbox: Sandbox, request: Request) -> JsonObject:
    found = [slack_effect(each) for each in sandbox.core.slack_messages.since(_since(request))]
    return {"effects": found, "last": sandbox.core.recorder.last_n}


async def _clickup_effects(sandbox: Sandbox, request: Request) -> JsonObject:
    found = [clickup_effect(each) for each in sandbox.core.clickup_comments.since(_since(request))]
    return {"effects": found, "last": sandbox.core.recorder.last_n}


def _rule_view(active: ActiveRule) -> JsonObject:
    return {"id": active.rule_id, "applied": active.applied} | active.rule.model_dump()


async def _add_fault(sandbox: Sandbox, request: Request) -> JsonObject:
    return _rule_view(sandbox.core.faults.add(FaultRule.model_validate(await _body(request))))


async def _list_faults(sandbox: Sandbox, request: Request) -> JsonObject:
    return {"faults": [_rule_view(active) for active in sandbox.core.faults.active]}


async def _clear_faults(sandbox: Sandbox, request: Request) -> JsonObject:
    wanted = request.query_params.get("id")
    if wanted is not None and not wanted.isdigit():
        raise ControlError("id is the number of a rule")
    return {"removed": sandbox.core.faults.remove(None if wanted is None else int(wanted))}


async def _settings(sandbox: Sandbox, request: Request) -> JsonObject:
    merged = sandbox.core.settings.model_dump() | await _body(request)
    sandbox.core.settings = Settings.model_validate(merged)
    sandbox.core.changed()
    return sandbox.core.settings.model_dump()


async def _reset(sandbox: Sandbox, request: Request) -> JsonObject:
    await sandbox.reset()
    return {"ok": True}


async def _slack_app(sandbox: Sandbox, request: Request) -> JsonObject:
    changes = await _body(request)
    app = AppConfig.model_validate(sandbox.slack.state.app.model_dump() | changes)
    for url in (app.events_url, app.interactivity_url):
        if url is not None and not sandbox.core.reach.may_call(url):
            raise ControlError(f"the sandbox calls {sandbox.core.reach.whom} only, not {url}")
    answer: JsonObject = {"verification": None}
    if changes.get("events_url"):
        checked = await sandbox.slack.events.verify(str(app.events_url))
        answer["verification"] = {"ok": checked.ok, "status": checked.status, "reason": checked.reason}
    sandbox.slack.state.app = app
    sandbox.core.changed()
    return app.model_dump() | answer


async def _import_task(sandbox: Sandbox, request: Request) -> JsonObject:
    document = await _body(request)
    task_list = (as_object(document.get("list")) or {}).get("id")
    if not isinstance(document.get("id"), str) or task_list not in LISTS:
        raise ControlError("a task document has an id and a list of the sandbox")
    sandbox.clickup.tasks.put_verbatim(document)
    return {"ok": True, "id": document["id"]}


async def _change_hooks(sandbox: Sandbox, request: Request) -> JsonObject:
    """As if enough events had failed, or a person had deleted the webhooks."""
    change = HookChange.model_validate(await _body(request))
    hooks = sandbox.clickup.state.webhooks
    ids = list(hooks)
    if change.delete:
        hooks.clear()
    elif change.health is not None:
        for hook in hooks.values():
            hook.health, hook.fail_count = change.health, change.fail_count
    else:
        raise ControlError("say which health, or delete")
    sandbox.core.changed()
    return {"ok": True, "webhooks": ids}


async def _import_message(sandbox: Sandbox, request: Request) -> JsonObject:
    document = await _body(request)
    channel = str(document.pop("channel", ""))
    if channel not in sandbox.slack.state.channels or not isinstance(document.get("ts"), str):
        raise ControlError("a message has a channel of the sandbox and a ts")
    empty: JsonObject = {"type": "message", "text": "", "blocks": []}
    sandbox.slack.messages.put(channel, empty | document)
    sandbox.core.changed()
    return {"ok": True, "channel": channel, "ts": document["ts"]}


async def _archive(sandbox: Sandbox, request: Request) -> JsonObject:
    change = ChannelChange.model_validate(await _body(request))
    channel = sandbox.slack.state.channels.get(change.channel)
    if channel is None:
        raise ControlError("there is no such channel")
    channel.is_archived = change.archived
    sandbox.core.changed()
    return {"ok": True}


async def _press(sandbox: Sandbox, request: Request) -> JsonObject:
    press = Press.model_validate(await _body(request))
    answer = await sandbox.slack.interactivity.press(press.channel, press.ts, press.action_id, press.user, press.value)
    if answer is None:
        raise ControlError("there is no such button")
    return {"ok": answer.outcome == "ok", "status": answer.status, "outcome": answer.outcome, "ms": answer.ms}


async def _disconnect(sandbox: Sandbox, request: Request) -> JsonObject:
    reason = str((await _body(request)).get("reason", "refresh_requested"))
    return {"closed": await sandbox.slack.sockets.disconnect(reason)}


async def _state(sandbox: Sandbox, request: Request) -> JsonObject:
    clickup, slack = sandbox.clickup.state, sandbox.slack.state
    hooks = [
        {"id": hook.id, "userid": hook.user_id, "endpoint": hook.endpoint}
        | {"health": {"status": hook.health, "fail_count": hook.fail_count}}
        for hook in clickup.webhooks.values()
    ]
    tasks = [
        {
            "id": task["id"],
            "name": task["name"],
            "list": task["list"]["id"],
            "status": task["status"]["status"],
        }
        for task in clickup.tasks.values()
    ]
    channels = [
        {
            "id": channel.id,
            "name": channel.name,
            "bot_is_member": seed.SLACK_BOT_USER in channel.members,
            "messages": len(slack.messages.get(channel.id, {})),
        }
        for channel in slack.channels.values()
    ]
    return {
        "version": sandbox.core.version,
        "under_way": sandbox.core.outgoing.under_way,
        "settings": sandbox.core.settings.model_dump(),
        "clickup": {
            "lists": [{"id": each.id, "name": each.name} for each in LISTS.values()],
            "tasks": tasks,
            "comments": len(clickup.comments),
            "webhooks": hooks,
        },
        "slack": {
            "app": slack.app.model_dump(),
            "channels": channels,
            "sockets": sandbox.slack.sockets.count,
        },
    }


async def _world(sandbox: Sandbox, request: Request) -> JsonObject:
    """What somebody needs to connect a hub to this sandbox, as the vendors' consoles would show it."""
    base = sandbox.core.api_base
    return {
        "clickup": {
            "api_url": f"{base}/clickup/api/v2",
            "token": seed.CLICKUP_TOKEN_BOT,
            "team_id": seed.CLICKUP_TEAM_ID,
        },
        "slack": {
            "api_url": f"{base}/slack/api/",
            "bot_token": seed.SLACK_BOT_TOKEN,
            "app_id": seed.SLACK_APP_ID,
            "signing_secret": sandbox.signing_secret,
        },
        "clickup_human_token": seed.CLICKUP_TOKEN_DANA,
        "slack_human_token": seed.SLACK_TOKEN_DANA,
        "slack_app_token": seed.SLACK_APP_TOKEN,
        "list_id": seed.CLICKUP_LIST_INBOX,
        "channel_id": seed.SLACK_CHANNEL_AI_SQUAD,
    }


DEEDS: tuple[tuple[str, str, Deed], ...] = (
    ("GET", "/calls", _calls),
    ("GET", "/deliveries", _deliveries),
    ("GET", "/state", _state),
    ("GET", "/world", _world),
    ("POST", "/faults", _add_fault),
    ("GET", "/faults", _list_faults),
    ("DELETE", "/faults", _clear_faults),
    ("POST", "/settings", _settings),
    ("POST", "/reset", _reset),
    ("GET", "/clickup/effects", _clickup_effects),
    ("POST", "/clickup/tasks", _import_task),
    ("POST", "/clickup/webhooks", _change_hooks),
    ("GET", "/slack/effects", _slack_effects),
    ("POST", "/slack/app", _slack_app),
    ("POST", "/slack/channels", _archive),
    ("POST", "/slack/messages", _import_message),
    ("POST", "/slack/press", _press),
    ("POST", "/slack/disconnect", _disconnect),
)


def control_routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All routes, to be mounted at `/_control`."""

    def route(verb: str, path: str, deed: Deed) -> Route:
        async def answer(request: Request) -> Response:
            status = 200
            try:
                body = await deed(sandbox, request)
            except ValidationError as error:
                status, body = 400, {"error": str(error)}
            except ControlError as error:
                status, body = 400, {"error": str(error)}
            return Response(encode(body), status, media_type="application/json")

        return Route(path, answer, methods=[verb])

    return [route(verb, path, deed) for verb, path, deed in DEEDS]
