"""Markdown to the plain text ClickUp keeps beside it, and to the Quill delta of its webhooks."""

import json
import re

_FENCE = re.compile(r"^```[^\n]*\n(.*?)^```[ \t]*$\n?", re.MULTILINE | re.DOTALL)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"!\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),
    (re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+", re.MULTILINE), ""),
    (re.compile(r"^[ \t]{0,3}>[ \t]?", re.MULTILINE), ""),
    (re.compile(r"^([ \t]*)[-*+][ \t]+(?:\[[ xX]\][ \t]+)?", re.MULTILINE), r"\1"),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"~~(?=\S)(.+?)(?<=\S)~~"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
)


def to_plain(markdown: str) -> str:
    """The text with its marks taken away; ends in a newline, as ClickUp's does, unless empty."""
    if not markdown.strip():
        return ""
    text = _FENCE.sub(r"\1", markdown)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.rstrip("\n") + "\n"


def to_delta(plain: str, block_id: str) -> str:
    """A *string* of Quill delta JSON, as `history_items[].after` of a description change carries it."""
    ops = [{"insert": plain.rstrip("\n")}, {"insert": "\n", "attributes": {"block-id": block_id}}]
    return json.dumps({"ops": ops}, ensure_ascii=False, separators=(",", ":"))
