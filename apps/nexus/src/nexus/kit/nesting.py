"""How deep a JSON text goes, told before a parser follows it down."""

import re

MAX_DEPTH = 32
"""More than three times what any payload of a vendor has."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ALIKE = bytes.maketrans(b"{}", b"[]")


def is_too_deep(text: bytes, limit: int = MAX_DEPTH) -> bool:
    """Whether lists and objects stand in one another more than `limit` deep, or are not closed.

    Time grows with the length of the text alone: each round takes away the innermost pairs, and there are at most
    `limit` rounds.
    """
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    left = _STRING.sub(b"", text).translate(_ALIKE, _NO_BRACKETS)
    for _ in range(limit):
        if not left:
            return False
        left = left.replace(b"[]", b"")
    return bool(left)
