"""users.*, reactions.*, auth.test and apps.connections.open."""

import re

from oblivion_sandbox import seed
from oblivion_sandbox.jsontypes import JsonObject, as_objects
from oblivion_sandbox.slack.args import Args
from oblivion_sandbox.slack.callers import Caller
from oblivion_sandbox.slack.errors import SlackError
from oblivion_sandbox.slack.service import Slack
from oblivion_sandbox.slack.state import GROUPS, SEED_TIME, USERS, User

_EMOJI = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


def user_view(user: User) -> JsonObject:
    """A user as users.info shows it; bots have another profile than people."""
    is_bot = user.id == seed.SLACK_BOT_USER
    sizes = (24, 32, 48, 72) if is_bot else (24, 32, 48, 72, 192, 512)
    images: JsonObject = {f"image_{size}": f"https://example.com/{user.name}/{size}.png" for size in sizes}
    if is_bot:
        about: JsonObject = {
            "api_app_id": seed.SLACK_APP_ID,
            "always_active": True,
            "bot_id": seed.SLACK_BOT_ID,
        }
    else:
        about = {
            "avatar_hash": "ge3b51ca72de",
            "status_text": "",
            "status_emoji": "",
            "real_name_normalized": user.real_name,
            "display_name_normalized": user.display_name,
            "email": user.email,
        }
    names = {"real_name": user.real_name, "display_name": user.display_name}
    view: JsonObject = {
        "id": user.id,
        "team_id": seed.SLACK_TEAM_ID,
        "name": user.name,
        "deleted": False,
        "color": "9f69e7",
        "real_name": user.real_name,
        "tz": "America/Los_Angeles",
        "tz_label": "Pacific Standard Time",
        "tz_offset": -28800,
        "profile": names | about | images | {"team": seed.SLACK_TEAM_ID},
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": is_bot,
        "is_app_user": False,
        "updated": SEED_TIME,
    }
    return view if is_bot else view | {"has_2fa": False}


async def user_info(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """users.info."""
    user = USERS.get(args.text("user") or "")
    if user is None:
        raise SlackError("user_not_found")
    return {"ok": True, "user": user_view(user)}


async def list_users(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """users.list: all on one page."""
    members = [user_view(user) for user in USERS.values()]
    return {"ok": True, "members": members, "cache_ts": SEED_TIME, "response_metadata": {"next_cursor": ""}}


async def list_groups(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """usergroups.list: the members only when they are asked for."""
    with_users = args.flag("include_users")
    groups: list[JsonObject] = []
    for group in GROUPS:
        view: JsonObject = {
            "id": group.id,
            "team_id": seed.SLACK_TEAM_ID,
            "is_usergroup": True,
            "name": group.name,
            "description": "",
            "handle": group.handle,
            "is_external": False,
            "date_create": SEED_TIME,
            "date_update": SEED_TIME,
            "date_delete": 0,
            "auto_type": None,
            "created_by": seed.SLACK_USER_DANA,
            "updated_by": seed.SLACK_USER_DANA,
            "deleted_by": None,
            "prefs": {"channels": [], "groups": []},
            "user_count": len(group.users),
        }
        groups.append(view | {"users": [*group.users]} if with_users else view)
    return {"ok": True, "usergroups": groups}


async def auth_test(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """auth.test: only a bot has a bot_id."""
    answer: JsonObject = {
        "ok": True,
        "url": f"{slack.core.public_base or 'https://example.slack.com'}/",
        "team": seed.SLACK_TEAM_NAME,
        "team_id": seed.SLACK_TEAM_ID,
        "is_enterprise_install": False,
    }
    if caller.kind == "app":
        return answer | {"app_name": seed.SLACK_BOT_NAME, "app_id": seed.SLACK_APP_ID}
    answer |= {"user": USERS[caller.user_id].name, "user_id": caller.user_id}
    return answer | ({"bot_id": seed.SLACK_BOT_ID} if caller.kind == "bot" else {})


async def add_reaction(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """reactions.add: the name without colons."""
    name = args.needed("name", "invalid_name")
    if not _EMOJI.fullmatch(name):
        raise SlackError("invalid_name")
    channel = slack.joined_channel(caller, args.text("channel"))
    if channel.is_archived:
        raise SlackError("is_archived")
    message = slack.message(channel, args.needed("timestamp", "no_item_specified"))
    reactions = as_objects(message.get("reactions"))
    fresh: JsonObject = {"name": name, "users": [], "count": 0}
    mine = next((each for each in reactions if each["name"] == name), fresh)
    if mine is fresh:
        message["reactions"] = [*reactions, mine]
    if caller.user_id in mine["users"]:
        raise SlackError("already_reacted")
    mine["users"].append(caller.user_id)
    mine["count"] += 1
    slack.events.reaction(channel, caller.user_id, name, message)
    slack.core.changed()
    return {"ok": True}


async def get_reactions(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """reactions.get for a message."""
    channel = slack.joined_channel(caller, args.text("channel"))
    message = slack.message(channel, args.needed("timestamp", "no_item_specified"))
    view = slack.messages.shown(channel.id, message) | {"permalink": slack.permalink(channel, message)}
    return {"ok": True, "type": "message", "channel": channel.id, "message": view}


async def open_connection(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """apps.connections.open: a WebSocket URL for one connection. Needs Socket Mode to be on for the app."""
    if not slack.state.app.socket_mode:
        raise SlackError("forbidden_team")
    base = (slack.core.api_base or "http://127.0.0.1").replace("http", "ws", 1)
    ticket = slack.sockets.ticket()
    return {"ok": True, "url": f"{base}/slack/link/?ticket={ticket}&app_id={seed.SLACK_APP_ID}"}
