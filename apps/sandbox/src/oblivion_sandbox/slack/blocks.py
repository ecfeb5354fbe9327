"""Block Kit, checked as strictly as Slack does it: limits from docs.slack.dev/reference/block-kit."""

import copy
from collections.abc import Iterator
from typing import Any

from oblivion_sandbox.jsontypes import JsonObject, as_list, as_object, as_objects
from oblivion_sandbox.slack.elements import Checker
from oblivion_sandbox.slack.errors import SlackError, invalid_blocks
from oblivion_sandbox.slack.mrkdwn import new_block_id

MAX_BLOCKS = 50
MAX_TOTAL_CHARS = 13_200
"""Undocumented; measured by others (slackapi/bolt-js#2509)."""
ALLOWED_KEYS: dict[str, set[str]] = {
    "section": {"text", "fields", "accessory", "expand"},
    "header": {"text"},
    "context": {"elements"},
    "actions": {"elements"},
    "divider": set(),
    "image": {"image_url", "slack_file", "alt_text", "title"},
    "markdown": {"text"},
    "rich_text": {"elements"},
    "context_actions": {"elements"},
    "table": {"rows", "column_settings"},
    "video": {
        "alt_text",
        "author_name",
        "description",
        "provider_icon_url",
        "provider_name",
        "thumbnail_url",
        "title",
        "title_url",
        "video_url",
    },
    "input": {"label", "element", "dispatch_action", "hint", "optional"},
}


def _check_section(check: Checker, block: JsonObject, at: str) -> None:
    if "text" not in block and "fields" not in block:
        check.missing("text", at)
    if "text" in block:
        check.text_object(block["text"], f"{at}/text", 3000)
    if "fields" in block:
        fields = check.array(block["fields"], f"{at}/fields", 1, 10)
        for index, field in enumerate(fields):
            check.text_object(field, f"{at}/fields/{index}", 2000)
    if "accessory" in block:
        check.element(block["accessory"], f"{at}/accessory")


def _check_elements(check: Checker, block: JsonObject, at: str, maximum: int) -> None:
    seen: set[str] = set()
    for index, element in enumerate(check.array(block.get("elements"), f"{at}/elements", 1, maximum)):
        here = f"{at}/elements/{index}"
        check.element(element, here)
        action_id = (as_object(element) or {}).get("action_id")
        if isinstance(action_id, str) and action_id in seen:
            check.error(f"action_id already exists: {action_id}", f"{here}/action_id")
        seen.add(str(action_id or here))


def _check_context(check: Checker, block: JsonObject, at: str) -> None:
    for index, element in enumerate(check.array(block.get("elements"), f"{at}/elements", 1, 10)):
        here = f"{at}/elements/{index}"
        if (as_object(element) or {}).get("type") == "image":
            check.image(element, here)
        else:
            check.text_object(element, here, 3000)


def _check_block(check: Checker, block: JsonObject, at: str) -> None:
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in ALLOWED_KEYS:
        check.error(f"unsupported type: {kind}", f"{at}/type")
        return
    for key in sorted(block.keys() - ALLOWED_KEYS[kind] - {"type", "block_id"}):
        check.error(f"invalid additional property: {key}", at)
    check.optional_string(block, "block_id", at, 255)
    match kind:
        case "section":
            _check_section(check, block, at)
        case "header":
            check.text_object(block.get("text"), f"{at}/text", 150, plain_only=True)
        case "context":
            _check_context(check, block, at)
        case "actions":
            _check_elements(check, block, at, 25)
        case "image":
            check.image({key: value for key, value in block.items() if key not in ("block_id", "title")}, at)
        case "markdown":
            check.string(block.get("text"), f"{at}/text", 12_000)
        case "rich_text" | "context_actions":
            check.array(block.get("elements"), f"{at}/elements", 1, 1000)
        case "input":
            check.error("unsupported type: input", f"{at}/type")  # modals only
        case _:
            pass


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for child in as_list(value) or list((as_object(value) or {}).values()):
        yield from _strings(child)


def _normalise(value: Any) -> None:
    document = as_object(value)
    if document is not None:
        if document.get("type") == "plain_text":
            document.setdefault("emoji", True)
        elif document.get("type") == "mrkdwn":
            document.setdefault("verbatim", False)
        elif document.get("type") == "button":
            document.setdefault("action_id", new_block_id())
    for child in as_list(value) or list((document or {}).values()):
        _normalise(child)


def read_blocks(value: object) -> list[JsonObject]:
    """Check blocks and return them as Slack stores them: with block ids and defaults filled in.

    Raises `invalid_blocks_format` for what is no array of objects, `invalid_blocks` with json-pointers for
    mistakes, `msg_blocks_too_long` when the whole is too much.
    """
    entries = as_list(value)
    if entries is None or any(as_object(entry) is None for entry in entries):
        raise SlackError("invalid_blocks_format")
    blocks = as_objects(copy.deepcopy(entries))
    check = Checker()
    check.array(blocks, "/blocks", 0, MAX_BLOCKS)
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        _check_block(check, block, f"/blocks/{index}")
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id in seen:
            check.error(f"block_id already exists: {block_id}", f"/blocks/{index}/block_id")
        seen.add(str(block_id))
        seen.discard("None")
    if check.errors:
        raise invalid_blocks(check.errors)
    if sum(map(len, _strings(blocks))) > MAX_TOTAL_CHARS:
        raise SlackError("msg_blocks_too_long")
    for block in blocks:
        if not block.get("block_id"):
            block["block_id"] = new_block_id()
        if block["type"] != "rich_text":
            _normalise(block)
    return blocks
