"""Keeps secrets out of everything that leaves the process by another way than the request they are for."""

import logging
import re
from collections.abc import Iterable
from typing import Any, cast

MASK = "[redacted]"
MIN_SECRET_CHARS = 6
"""A shorter value would mask ordinary words."""

# Forms of credentials that vendors publish for secret scanners; for secrets that nobody told us of.
_SHAPES = re.compile(
    r"gh[pousr]_[A-Za-z0-9_]{16,}|github_pat_[A-Za-z0-9_]{20,}|obl_sk_[A-Za-z0-9_-]{8,}|sk-[A-Za-z0-9_-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|AKIA[A-Z0-9]{16}"
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)|(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/=-]{8,}"
)


class Masker:
    """Replaces known secrets, and what looks like one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({value for value in secrets if len(value) >= MIN_SECRET_CHARS}, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(value) for value in known)) if known else None

    def text(self, value: str) -> str:
        """The text without secrets."""
        if self._known is not None:
            value = self._known.sub(MASK, value)
        return _SHAPES.sub(MASK, value)

    def any(self, value: Any) -> Any:
        """The same for whatever a span may hold: texts within lists, tuples and mappings too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            pairs = cast("dict[Any, Any]", value)
            return {self.any(key): self.any(each) for key, each in pairs.items()}
        if isinstance(value, list | tuple):
            masked = [self.any(each) for each in cast("list[Any]", value)]
            return masked if isinstance(value, list) else tuple(masked)
        return value


class MaskingFormatter(logging.Formatter):
    """A log line with everything that belongs to it, traceback included, and no secret."""

    def __init__(self, masker: Masker) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """The masked line."""
        return self._masker.text(super().format(record))


def log_to_stderr(masker: Masker) -> None:
    """Sets up logging; whoever calls `logging.basicConfig` later changes nothing."""
    handler = logging.StreamHandler()
    handler.setFormatter(MaskingFormatter(masker))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for noisy in ("httpx", "httpx2", "mcp", "openai"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
