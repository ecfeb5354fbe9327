"""chat.*: posting, editing and deleting messages (https://docs.slack.dev/reference/methods/chat.postMessage)."""

import copy
import uuid

from oblivion_sandbox import seed
from oblivion_sandbox.jsontypes import JsonObject
from oblivion_sandbox.slack.args import Args, read_metadata
from oblivion_sandbox.slack.blocks import read_blocks
from oblivion_sandbox.slack.callers import Caller
from oblivion_sandbox.slack.errors import SlackError, SlackRateLimited
from oblivion_sandbox.slack.messages import BOT_PROFILE, is_reply
from oblivion_sandbox.slack.mrkdwn import rich_text
from oblivion_sandbox.slack.service import Slack
from oblivion_sandbox.slack.state import Channel

MAX_POST_CHARS = 40_000
MAX_UPDATE_CHARS = 4_000
MAX_MARKDOWN_CHARS = 12_000
KEPT_EPHEMERAL = 50


def _read_text(args: Args, maximum: int) -> str | None:
    markdown = args.text("markdown_text")
    if markdown is not None and ("text" in args or "blocks" in args):
        raise SlackError("markdown_text_conflict")
    text = args.text("text") if markdown is None else markdown
    if text is not None and len(text) > (maximum if markdown is None else MAX_MARKDOWN_CHARS):
        raise SlackError("msg_too_long")
    return text


def _read_blocks(args: Args) -> list[JsonObject] | None:
    return read_blocks(args.parsed("blocks", "invalid_blocks_format")) if "blocks" in args else None


def _read_content(args: Args) -> tuple[str, list[JsonObject]]:
    text, blocks = _read_text(args, MAX_POST_CHARS) or "", _read_blocks(args) or []
    if not text.strip() and not blocks:
        raise SlackError("no_text")
    return text, blocks or rich_text(text)


def _icons(args: Args) -> JsonObject:
    emoji, url = args.text("icon_emoji"), args.text("icon_url")
    if emoji:
        name = emoji.strip(":")
        image = f"https://a.slack-edge.com/80588/img/emoji/{name}.png"
        return {"icons": {"emoji": f":{name}:", "image_64": image}}
    if url:
        return {"icons": {"image_36": url, "image_48": url, "image_72": url}}
    return {}


def _author(caller: Caller, args: Args) -> JsonObject:
    if caller.kind == "human":
        return {"client_msg_id": str(uuid.uuid4()), "user": caller.user_id, "team": seed.SLACK_TEAM_ID}
    app: JsonObject = {"bot_id": seed.SLACK_BOT_ID, "app_id": seed.SLACK_APP_ID}
    username = args.text("username")
    if username or "icon_emoji" in args or "icon_url" in args:
        return {"subtype": "bot_message", "username": username or seed.SLACK_BOT_NAME, **_icons(args), **app}
    return {"user": seed.SLACK_BOT_USER, "team": seed.SLACK_TEAM_ID, "bot_profile": BOT_PROFILE, **app}


def _thread(slack: Slack, channel: Channel, args: Args) -> JsonObject:
    thread_ts = args.text("thread_ts")
    if not thread_ts:
        return {}
    root = slack.message(channel, thread_ts, "thread_not_found")
    if is_reply(root) or root.get("subtype") in ("channel_join", "tombstone"):
        raise SlackError("cannot_reply_to_message")
    return {"thread_ts": thread_ts, "parent_user_id": root.get("user", seed.SLACK_BOT_USER)}


def _take_post_slot(slack: Slack, caller: Caller, channel: Channel) -> None:
    settings = slack.core.settings
    if settings.slack_post_per_second:
        key = f"{caller.token} {channel.id}"
        wait = slack.buckets.wait_seconds(key, settings.slack_post_burst, settings.slack_post_per_second)
        if wait:
            raise SlackRateLimited(wait)


def _postable_channel(slack: Slack, caller: Caller, args: Args) -> Channel:
    channel = slack.visible_channel(caller, args.text("channel"))
    if channel.is_archived:
        raise SlackError("is_archived")
    return slack.joined_channel(caller, channel.id)


def post_in_channel(slack: Slack, caller: Caller, channel: Channel, args: Args) -> JsonObject:
    """Store a new message and tell the hub."""
    text, blocks = _read_content(args)
    metadata = read_metadata(args)
    thread = _thread(slack, channel, args)
    broadcast: JsonObject = {}
    if thread and args.flag("reply_broadcast"):
        root = slack.messages.find(channel.id, thread["thread_ts"]) or {}
        broadcast = {
            "subtype": "thread_broadcast",
            "root": copy.deepcopy(slack.messages.shown(channel.id, root)),
        }
    message: JsonObject = {
        "type": "message",
        "ts": slack.core.ids.slack_ts(),
        "text": text,
        **_author(caller, args),
        "blocks": blocks,
        **({"metadata": metadata} if metadata else {}),
        **thread,
        **broadcast,
    }
    slack.messages.put(channel.id, message)
    slack.state.statuses.pop(f"{channel.id}/{thread.get('thread_ts')}", None)
    slack.events.message(channel, message)
    slack.core.changed()
    return message


async def post_message(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """chat.postMessage."""
    channel = _postable_channel(slack, caller, args)
    _take_post_slot(slack, caller, channel)
    message = post_in_channel(slack, caller, channel, args)
    return {"ok": True, "channel": channel.id, "ts": message["ts"], "message": message}


async def post_ephemeral(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """chat.postEphemeral: seen by one user, in no history, no event."""
    channel = _postable_channel(slack, caller, args)
    user = args.needed("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = _read_content(args)
    ts = slack.core.ids.slack_ts()
    author = _author(caller, args)
    kept = slack.state.ephemeral.setdefault(channel.id, [])
    kept.append({"type": "message", "ts": ts, "text": text, "blocks": blocks, "to": user, **author})
    del kept[:-KEPT_EPHEMERAL]
    slack.core.changed()
    return {"ok": True, "message_ts": ts}


def _is_author(caller: Caller, message: JsonObject) -> bool:
    if caller.kind == "human":
        return message.get("user") == caller.user_id and "bot_id" not in message
    return message.get("bot_id") == seed.SLACK_BOT_ID


def edit_message(slack: Slack, channel: Channel, message: JsonObject, args: Args, editor: str) -> JsonObject:
    """Change a message and tell the hub. What is left out stays: blocks, and metadata too."""
    text, blocks = _read_text(args, MAX_UPDATE_CHARS), _read_blocks(args)
    if not text and blocks is None:
        raise SlackError("no_text")
    metadata = read_metadata(args)
    made_from_text = [block["type"] for block in message["blocks"]] == ["rich_text"]
    if blocks is None and text is not None and made_from_text:
        blocks = rich_text(text)
    edited_ts = f"{slack.core.ids.slack_ts().split('.')[0]}.000000"
    changed: JsonObject = message | {"edited": {"user": editor, "ts": edited_ts}}
    if text is not None:
        changed["text"] = text
    if blocks is not None:
        changed["blocks"] = blocks or rich_text(str(changed["text"]))
    if metadata is not None:
        changed["metadata"] = metadata
    if not changed.get("metadata"):
        changed.pop("metadata", None)
    slack.messages.put(channel.id, changed)
    slack.events.changed(channel, changed, message)
    slack.core.changed()
    return changed


async def update_message(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """chat.update: own messages only."""
    channel = slack.visible_channel(caller, args.text("channel"))
    message = slack.message(channel, args.needed("ts"))
    if not _is_author(caller, message) or message.get("subtype") in ("channel_join", "tombstone"):
        raise SlackError("cant_update_message")
    editor = seed.SLACK_BOT_ID if caller.kind == "bot" else caller.user_id
    changed = edit_message(slack, channel, message, args, editor)
    shown = ("text", "user", "bot_id", "username", "subtype", "type", "edited", "blocks", "metadata")
    view = {key: changed[key] for key in shown if key in changed}
    return {"ok": True, "channel": channel.id, "ts": changed["ts"], "text": changed["text"], "message": view}


def remove_message(slack: Slack, channel: Channel, message: JsonObject) -> None:
    """Delete a message; a root with replies stays as a tombstone, as in Slack."""
    ts = str(message["ts"])
    if slack.messages.replies(channel.id, ts):
        tombstone: JsonObject = {
            "type": "message",
            "subtype": "tombstone",
            "text": "This message was deleted.",
            "user": "USLACKBOT",
            "hidden": True,
            "ts": ts,
            "blocks": [],
        }
        slack.messages.put(channel.id, tombstone)
        slack.events.changed(channel, tombstone, message)
    else:
        slack.messages.remove(channel.id, ts)
        slack.events.deleted(channel, message)
    slack.core.changed()


async def delete_message(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """chat.delete: own messages only."""
    channel = slack.visible_channel(caller, args.text("channel"))
    message = slack.message(channel, args.needed("ts"))
    if not _is_author(caller, message):
        raise SlackError("cant_delete_message")
    remove_message(slack, channel, message)
    return {"ok": True, "channel": channel.id, "ts": message["ts"]}


async def get_permalink(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """chat.getPermalink."""
    channel = slack.visible_channel(caller, args.text("channel"))
    message = slack.message(channel, args.needed("message_ts"))
    return {"ok": True, "channel": channel.id, "permalink": slack.permalink(channel, message)}


async def set_status(slack: Slack, caller: Caller, args: Args) -> JsonObject:
    """assistant.threads.setStatus: an empty status clears it, and so does the next message of the thread."""
    channel = slack.joined_channel(caller, args.text("channel_id"))
    thread_ts = args.needed("thread_ts")
    slack.message(channel, thread_ts, "invalid_thread_ts")
    status = args.text("status") or ""
    slack.state.statuses.pop(f"{channel.id}/{thread_ts}", None)
    if status:
        slack.state.statuses[f"{channel.id}/{thread_ts}"] = status
    slack.core.changed()
    return {"ok": True}
