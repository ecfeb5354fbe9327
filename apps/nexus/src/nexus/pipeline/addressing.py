"""Is a task addressed to a squad, and with which kind of work? Pure rules (1-product.md, Mirror 1)."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

DEFAULT_TYPE = "default"

_CODE = re.compile(
    r"(?P<fence>`{3,}|~{3,}).*?(?:(?P=fence)|\Z)|(?P<ticks>`{1,2})(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)", re.DOTALL
)
"""Fenced blocks and code spans, each ended by as many marks as began it (CommonMark §4.5 and §6.1)."""
_MARKDOWN_ESCAPE = re.compile(r"\\([_*~\-.!#])")
_NEXT_WORD = re.compile(r"[ \t]+([A-Za-z0-9][A-Za-z0-9_.-]{0,63})")
_TYPE_SHAPE = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)+", re.IGNORECASE)
"""A word that can only be meant as a type: `fix_bug`, not `please`."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """Which alias was called, spelt as it is registered, and the type of work."""

    alias: str
    type: str


def find_address(
    title: str, description: str, tags: Collection[str], *, aliases: Iterable[str], skills: Collection[str]
) -> Addressed | None:
    """The first alias called in the title, else in the description, else by tag; None when nobody is called.

    Matching ignores case, wants the whole word, and skips e-mail addresses and code. The type is the word
    after the alias if it is a known skill or looks like one, else a tag that equals a known skill, else
    `default`.
    """
    known = {skill.lower(): skill for skill in skills}
    tagged_type = next((known[tag.lower()] for tag in tags if tag.lower() in known), None)
    aliases = sorted(aliases, key=len, reverse=True)
    for text in (title, description):
        readable = _MARKDOWN_ESCAPE.sub(r"\1", _CODE.sub(" ", text))
        calls = [
            (match.start(), alias, match.end())
            for alias in aliases
            for match in [_call_of(alias).search(readable)]
            if match is not None
        ]
        if calls:
            _, alias, end = min(calls)
            return Addressed(alias, _type_after(readable, end, known) or tagged_type or DEFAULT_TYPE)
    lowered = {tag.lower().removeprefix("@") for tag in tags}
    for alias in aliases:
        if alias.lower() in lowered:
            return Addressed(alias, tagged_type or DEFAULT_TYPE)
    return None


def _call_of(alias: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.@/+-])@{re.escape(alias)}(?![\w@-])(?!\.\w)", re.IGNORECASE)


def _type_after(text: str, end: int, known: dict[str, str]) -> str | None:
    match = _NEXT_WORD.match(text, end)
    if match is None:
        return None
    word = match.group(1).rstrip(".-")
    if word.lower() in known:
        return known[word.lower()]
    return word if _TYPE_SHAPE.fullmatch(word) else None
