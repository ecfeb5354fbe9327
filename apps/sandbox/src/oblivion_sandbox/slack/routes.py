"""The door of the Web API: token, scopes, tiers, then the method."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from oblivion_sandbox import seed
from oblivion_sandbox.jsontypes import JsonObject, decode_object, encode
from oblivion_sandbox.slack import chat, conversations, people
from oblivion_sandbox.slack.args import Args, read_args
from oblivion_sandbox.slack.callers import CALLERS, Caller
from oblivion_sandbox.slack.errors import SlackError, SlackRateLimited
from oblivion_sandbox.slack.service import Slack

Deed = Callable[[Slack, Caller, Args], Awaitable[JsonObject]]
Current = Callable[[], Slack]
"""Slack as it is now: a reset puts a new one in its place."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Web API and what it needs."""

    deed: Deed
    scopes: tuple[str, ...] = ()
    """Any one of them will do."""
    per_minute: int = 0
    """Its tier; 0 = no tier, or limited in its own way."""
    kinds: tuple[str, ...] = ("bot", "human")


READ_CHANNELS = ("channels:read", "groups:read")
READ_HISTORY = ("channels:history", "groups:history")
TIER_2, TIER_3, TIER_4 = 20, 50, 100
METHODS: dict[str, Method] = {
    "auth.test": Method(people.auth_test, kinds=("bot", "human", "app")),
    "apps.connections.open": Method(people.open_connection, ("connections:write",), kinds=("app",)),
    "assistant.threads.setStatus": Method(chat.set_status, ("chat:write",), kinds=("bot",)),
    "chat.postMessage": Method(chat.post_message, ("chat:write",)),
    "chat.postEphemeral": Method(chat.post_ephemeral, ("chat:write",), TIER_4),
    "chat.update": Method(chat.update_message, ("chat:write",), TIER_3),
    "chat.delete": Method(chat.delete_message, ("chat:write",), TIER_3),
    "chat.getPermalink": Method(chat.get_permalink),
    "conversations.list": Method(conversations.list_channels, READ_CHANNELS, TIER_2),
    "conversations.info": Method(conversations.channel_info, READ_CHANNELS, TIER_3),
    "conversations.members": Method(conversations.channel_members, READ_CHANNELS, TIER_4),
    "conversations.join": Method(conversations.join_channel, ("channels:join", "channels:write"), TIER_3),
    "conversations.history": Method(conversations.history, READ_HISTORY, TIER_3),
    "conversations.replies": Method(conversations.replies, READ_HISTORY, TIER_3),
    "users.info": Method(people.user_info, ("users:read",), TIER_4),
    "users.list": Method(people.list_users, ("users:read",), TIER_2),
    "usergroups.list": Method(people.list_groups, ("usergroups:read",), TIER_2),
    "reactions.add": Method(people.add_reaction, ("reactions:write",), TIER_3),
    "reactions.get": Method(people.get_reactions, ("reactions:read",), TIER_3),
}


def _authenticate(token: str | None, method: Method) -> Caller:
    if not token:
        raise SlackError("not_authed")
    caller = CALLERS.get(token)
    if caller is None:
        raise SlackError("invalid_auth")
    if caller.kind not in method.kinds:
        raise SlackError("not_allowed_token_type")
    if method.scopes and not set(method.scopes) & set(caller.scopes):
        raise SlackError("missing_scope", needed=",".join(method.scopes), provided=",".join(caller.scopes))
    return caller


async def _perform(slack: Slack, request: Request) -> JsonObject:
    name = str(request.path_params["method"])
    content_type = request.headers.get("content-type", "")
    args, token = read_args(content_type, await request.body(), request.url.query)
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    header = request.headers.get("authorization", "")
    caller = _authenticate(header.removeprefix("Bearer ").strip() or token, method)
    if slack.core.settings.slack_tiers and method.per_minute:
        window = slack.windows.take(f"{caller.token} {name}", method.per_minute)
        if not window.allowed:
            raise SlackRateLimited(window.reset_at - time.time())
    return await method.deed(slack, caller, args)


def slack_api_routes(current: Current) -> list[BaseRoute]:
    """The Web API, to be mounted at `/slack/api`."""

    async def call(request: Request) -> Response:
        status, headers = 200, dict[str, str]()
        try:
            body = await _perform(current(), request)
        except SlackRateLimited as error:
            status, headers, body = 429, {"Retry-After": str(error.retry_after)}, error.body()
        except SlackError as error:
            body = error.body()
        return Response(encode(body), status, headers, "application/json; charset=utf-8")

    return [Route("/{method}", call, methods=["GET", "POST"])]


def slack_link_routes(current: Current) -> list[BaseRoute]:
    """Socket Mode and response_url, to be mounted at `/slack`."""

    async def link(socket: WebSocket) -> None:
        await current().sockets.serve(socket)

    async def respond(request: Request) -> Response:
        slack = current()
        response = slack.interactivity.take_response(request.path_params["key"])
        if response is None:
            return PlainTextResponse("expired_url", 404)
        args = Args(decode_object(await request.body()) or {})
        bot = CALLERS[seed.SLACK_BOT_TOKEN]
        channel = slack.state.channels[response.channel_id]
        try:
            message = slack.message(channel, response.message_ts)
            if args.flag("delete_original"):
                chat.remove_message(slack, channel, message)
            elif args.flag("replace_original"):
                chat.edit_message(slack, channel, message, args, seed.SLACK_BOT_ID)
            elif args.text("response_type") == "in_channel":
                chat.post_in_channel(slack, bot, channel, args)
            else:
                ephemeral = {"channel": channel.id, "user": response.user_id, "text": args.text("text") or ""}
                blocks = {"blocks": args.parsed("blocks", "invalid_blocks_format")} if "blocks" in args else {}
                await chat.post_ephemeral(slack, bot, Args(ephemeral | blocks))
        except SlackError as error:
            return PlainTextResponse(error.error, 400)
        return PlainTextResponse("ok")

    return [WebSocketRoute("/link/", link), Route("/actions/{team}/{key}", respond, methods=["POST"])]
