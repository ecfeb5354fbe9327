"""What becomes of a reply in a mirrored thread: pure rules (1-product.md, Sync 2)."""

import re
from dataclasses import dataclass
from typing import Literal

SyncRule = Literal["keyword", "metadata", "reaction", "all"]

ASIDE = "!aside"
STOP = "!stop"
SYNC_REACTION = "clipboard"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`comment` is the text for the tracker, None when the reply stays in the chat."""

    kind: Literal["aside", "stop", "reply"]
    comment: str | None = None


def judge(text: str, *, rule: SyncRule, keyword: str, sync_requested: bool) -> Verdict:
    """Decides about one reply, from its readable text and whether its metadata asks for a sync."""
    if _begins_with(text, ASIDE):
        return Verdict("aside")
    if _begins_with(text, STOP):
        return Verdict("stop")
    match rule:
        case "keyword":
            wanted = _begins_with(text, keyword)
        case "metadata":
            wanted = sync_requested
        case "reaction":
            wanted = False
        case "all":
            wanted = True
    return Verdict("reply", comment=without_keyword(text, keyword) if wanted else None)


def without_keyword(text: str, keyword: str) -> str:
    """The text that is worth a comment: the leading keyword is addressed to us, not to the reader."""
    if _begins_with(text, keyword):
        rest = text.lstrip()[len(keyword) :].lstrip(" \t:").strip()
        return rest or text.strip()
    return text.strip()


def _begins_with(text: str, word: str) -> bool:
    return bool(word) and re.match(rf"\s*{re.escape(word)}(?![\w-])", text, re.IGNORECASE) is not None
