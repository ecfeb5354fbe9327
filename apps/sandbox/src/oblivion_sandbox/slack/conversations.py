"""conversations.*: channels and what was said in them."""

import base64
import binascii

from oblivion_sandbox import seed
from oblivion_sandbox.jsontypes import JsonObject
from oblivion_sandbox.slack.args import Args
from oblivion_sandbox.slack.callers import Caller
from oblivion_sandbox.slack.errors import SlackError
from oblivion_sandbox.slack.messages import between, is_reply, root_ts
from oblivion_sandbox.slack.service import Slack
from oblivion_sandbox.slack.state import SEED_TIME, Channel

CHANNEL_TYPES = ("public_channel", "private_channel", "mpim", "im")
NO_TOPIC: JsonObject = {"value": "", "creator": "", "last_set": 0}


def _channel_view(channel: Channel, caller: Caller) -> JsonObject:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "created": SEED_TIME,
        "is_archived": channel.is_archived,
        "is_general": False,
        "unlinked": 0,
        "name_normalized": channel.name,
        "is_shared": False,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "context_team_id": seed.SLACK_TEAM_ID,
        "updated": SEED_TIME * 1000,
        "parent_conversation": None,
        "creator": seed.SLACK_USER_DANA,
        "is_ext_shared": False,
        "shared_team_ids": [seed.SLACK_TEAM_ID],
        "pending_connected_team_ids": [],
        "is_member": caller.user_id in channel.members,
        "topic": NO_TOPIC,
        "purpose": NO_TOPIC,
        "previous_names": [],
        "num_members": len(channel.members),
    }


def _cursor(prefix: str, value: str) -> str:
    return base64.b64encode(f"{prefix}:{value}".encode()).decode()


def _read_cursor(args: Args, prefix: str) -> str | None:
    cursor = args.text("cursor")
    if not cursor:
        return None
    try:
        kind, _, value = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise SlackError("invalid_cursor") from error
    if kind != prefix or not value:
        raise SlackError("invalid_cursor")
    return value


def _read_ts(args: Args, name: str) -> str:
    value = args.text(name) or ""
    try:
        if not value or float(value) == 0:
            return ""
    except ValueError as error:
        raise SlackError(f"invalid_ts_{name}") from error
    seconds, _, micros = value.partition(".")
    return f"{int(seconds):010d}.{micros[:6].ljust(6, '0')}"


async def list_channels(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """conversations.list: a page is cut, then filtered: it may be short or empty and not the last."""
    types = (args.text("types") or "public_channel").replace(" ", "").split(",")
    if not set(types) <= set(CHANNEL_TYPES):
        raise SlackError("invalid_types")
    limit = args.number("limit", 100, 1000)
    start = _read_cursor(args, "team")
    ids = sorted(slack.state.channels)
    if start is not None and start not in ids:
        raise SlackError("invalid_cursor")
    first = ids.index(start) if start is not None else 0
    page, rest = ids[first : first + limit], ids[first + limit :]
    hide_archived = args.flag("exclude_archived")
    shown = [
        _channel_view(channel, caller)
        for channel in map(slack.state.channels.__getitem__, page)
        if ("private_channel" if channel.is_private else "public_channel") in types
        and not (channel.is_private and caller.user_id not in channel.members)
        and not (hide_archived and channel.is_archived)
    ]
    next_cursor = _cursor("team", rest[0]) if rest else ""
    return {"ok": True, "channels": shown, "response_metadata": {"next_cursor": next_cursor}}


async def channel_info(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """conversations.info: the number of members only when asked for."""
    view = _channel_view(slack.visible_channel(caller, args.text("channel")), caller)
    if not args.flag("include_num_members"):
        del view["num_members"]
    return {"ok": True, "channel": view}


async def channel_members(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """conversations.members."""
    channel = slack.visible_channel(caller, args.text("channel"))
    limit = args.number("limit", 100, 1000)
    first = int(_read_cursor(args, "member") or 0)
    members = channel.members[first : first + limit]
    last = first + limit
    next_cursor = _cursor("member", str(last)) if last < len(channel.members) else ""
    return {"ok": True, "members": members, "response_metadata": {"next_cursor": next_cursor}}


async def join_channel(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """conversations.join: public channels only; being in already is a warning, no error."""
    channel = slack.visible_channel(caller, args.text("channel"))
    if channel.is_private:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    if caller.user_id in channel.members:
        warning = "already_in_channel"
        view = _channel_view(channel, caller)
        return {"ok": True, "channel": view, "warning": warning, "response_metadata": {"warnings": [warning]}}
    channel.members.append(caller.user_id)
    message: JsonObject = {
        "type": "message",
        "subtype": "channel_join",
        "user": caller.user_id,
        "text": f"<@{caller.user_id}> has joined the channel",
        "ts": slack.core.ids.slack_ts(),
    }
    slack.messages.put(channel.id, message)
    slack.events.joined(channel, caller.user_id)
    slack.events.message(channel, message)
    slack.core.changed()
    return {"ok": True, "channel": _channel_view(channel, caller)}


async def history(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """conversations.history: roots and broadcasts, newest first; replies of threads are not in it."""
    channel = slack.joined_channel(caller, args.text("channel"))
    limit, metadata = args.number("limit", 100, 999), args.flag("include_all_metadata")
    oldest, latest = _read_ts(args, "oldest"), _read_ts(args, "latest")
    found: list[JsonObject] = []
    for ts in reversed(between(slack.messages.timeline(channel.id), oldest, latest, args.flag("inclusive"))):
        message = slack.message(channel, ts)
        if not is_reply(message) or message.get("subtype") == "thread_broadcast":
            found.append(message)
    start = _read_cursor(args, "next_ts")
    if start is not None:
        found = [message for message in found if message["ts"] <= start]
    page, rest = found[:limit], found[limit:]
    return {
        "ok": True,
        "messages": [slack.messages.shown(channel.id, message, metadata=metadata) for message in page],
        "has_more": bool(rest),
        "pin_count": 0,
        "response_metadata": {"next_cursor": _cursor("next_ts", rest[0]["ts"]) if rest else ""},
    }


async def replies(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """conversations.replies: the thread of any of its messages, oldest first, the root on every page."""
    channel = slack.joined_channel(caller, args.text("channel"))
    asked = slack.message(channel, args.needed("ts"), "thread_not_found")
    root = slack.message(channel, root_ts(asked), "thread_not_found")
    limit, metadata = args.number("limit", 1000, 1000), args.flag("include_all_metadata")
    oldest, latest = _read_ts(args, "oldest"), _read_ts(args, "latest")
    thread = between(slack.messages.replies(channel.id, str(root["ts"])), oldest, latest, args.flag("inclusive"))
    start = _read_cursor(args, "reply_ts")
    if start is not None:
        thread = [ts for ts in thread if ts >= start]
    size = max(1, limit - 1)
    page, rest = thread[:size], thread[size:]
    messages = [root, *(slack.message(channel, ts) for ts in page)]
    return {
        "ok": True,
        "messages": [slack.messages.shown(channel.id, message, metadata=metadata) for message in messages],
        "has_more": bool(rest),
        "response_metadata": {"next_cursor": _cursor("reply_ts", rest[0]) if rest else ""},
    }
