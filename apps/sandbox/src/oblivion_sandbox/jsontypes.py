"""JSON at the edges: encoding as both vendors write it, and narrowing of parsed values."""

import json
from typing import Any, cast

JsonObject = dict[str, Any]


def encode(value: object) -> bytes:
    """Compact JSON with raw UTF-8, as both vendors send it: re-serialising it elsewhere gives other bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def as_object(value: object) -> JsonObject | None:
    """The value if it is a JSON object, else None."""
    return cast("JsonObject", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any] | None:
    """The value if it is a JSON array, else None."""
    return cast("list[Any]", value) if isinstance(value, list) else None


def as_objects(value: object) -> list[JsonObject]:
    """The objects of a JSON array; anything else counts as an empty one."""
    return [entry for entry in map(as_object, as_list(value) or []) if entry is not None]


def decode_object(raw: bytes | str) -> JsonObject | None:
    """Parse a JSON object; None when the text is no JSON or no object."""
    try:
        return as_object(json.loads(raw))
    except ValueError:
        return None
