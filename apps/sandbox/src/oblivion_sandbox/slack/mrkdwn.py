"""Message text: escaping, and the rich_text blocks Slack makes of it."""

import re
import secrets

from oblivion_sandbox.jsontypes import JsonObject

_TOKEN = re.compile(r"<([^<>\n]+)>")


def unescape(text: str) -> str:
    """Undo Slack's escaping of exactly & < >."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def new_block_id() -> str:
    """As Slack names blocks that came without a block_id."""
    return secrets.token_urlsafe(4)[:5]


def _element(token: str) -> JsonObject:
    target, _, label = token.partition("|")
    kind, rest = target[:1], target[1:]
    if kind == "@":
        return {"type": "user", "user_id": rest}
    if kind == "#":
        return {"type": "channel", "channel_id": rest}
    if kind == "!":
        return {"type": "broadcast", "range": rest} if not rest.startswith("subteam^") else _usergroup(rest)
    return {"type": "link", "url": unescape(target)} | ({"text": unescape(label)} if label else {})


def _usergroup(token: str) -> JsonObject:
    return {"type": "usergroup", "usergroup_id": token.removeprefix("subteam^")}


def rich_text(text: str) -> list[JsonObject]:
    """The blocks of a message that was sent as text."""
    elements: list[JsonObject] = []
    end = 0
    for match in _TOKEN.finditer(text):
        if match.start() > end:
            elements.append({"type": "text", "text": unescape(text[end : match.start()])})
        elements.append(_element(match[1]))
        end = match.end()
    if end < len(text):
        elements.append({"type": "text", "text": unescape(text[end:])})
    section: JsonObject = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": new_block_id(), "elements": [section]}]
