"""Names for what a handler says and asks, the same each time the work is done anew."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

DIGEST_CHARS = 16
_NO_CONTENT = frozenset({"timeout_seconds"})
"""How long a question waits may be computed from the time of day; it stays the same question."""


class Keys:
    """Counts what one run of a handler says, per content.

    The same words said twice on purpose get two keys, and a rerun of the handler finds both again. What is said at the
    same time from several coroutines keeps its key in whatever order it comes, as far as it differs.
    """

    def __init__(self) -> None:
        self._said: Counter[str] = Counter()

    def next(self, kind: str, fields: Mapping[str, Any]) -> str:
        """The key of the next thing of this kind and content."""
        content = {name: value for name, value in fields.items() if name not in _NO_CONTENT}
        # ASCII: what is no valid Unicode is refused later, by a better error.
        text = json.dumps([kind, content], sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARS]
        self._said[digest] += 1
        return f"{self._said[digest]}-{digest}"
