"""Takes secrets out of what is shown to people: by the name under which they stand, and by how they look."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from nexus.kit.credentials import masked_shapes

MASK = "••••"

_SECRET_NAME = re.compile(
    r"token|secret|passw(?:or)?d|passphrase|authorization|cookie|credential|signature|api[_-]?key|private[_-]?key"
    r"|access[_-]?key|signing[_-]?key|session[_-]?id|^(?:pwd|auth|sig|jwt|hmac)$|^x[-_].*sign",
    re.IGNORECASE,
)
_HARMLESS_NAME = re.compile(
    r"^(?:max_|n_|num_)?tokens(?:_used|_left)?$|_(?:at|count|expires?|ttl|type)$", re.IGNORECASE
)

_AFTER_WORD = re.compile(
    r"""(?ix)
    (\b(?:bearer|basic)\s+) [\w.~+/=-]{8,}
  | ((?<![\w-])(?:[\w-]{0,60}?(?:token|secret|password|passwd|api[_-]?key|signature)|authorization)["']?\s*[=:]\s*["']?)
    (?!(?:bearer|basic)\s) [^\s"'&,;<>]{4,}
    """
)
_MAX_DEPTH = 60


def masked(value: Any) -> Any:
    """The same JSON with `••••` in place of what must not be shown; too deep nesting is cut off."""
    return _masked(value, 0)


def masked_text(text: str) -> str:
    """The same text with `••••` in place of what looks like a secret, and `?` for halves of characters."""
    text = text.encode(errors="replace").decode()
    return _AFTER_WORD.sub(lambda found: f"{found[1] or found[2]}{MASK}", masked_shapes(text, MASK))


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is not to be shown."""
    return _SECRET_NAME.search(name) is not None and _HARMLESS_NAME.search(name) is None


def _masked(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        return "…"
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {
            masked_text(str(key)): _hidden(each) if is_secret_name(str(key)) else _masked(each, depth + 1)
            for key, each in cast("Mapping[str, Any]", value).items()
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_masked(each, depth + 1) for each in cast("Sequence[Any]", value)]
    return value


def _hidden(value: Any) -> Any:
    """Nothing of it but whether there was something."""
    return value if value is None or isinstance(value, bool) or value in ("", [], {}) else MASK
