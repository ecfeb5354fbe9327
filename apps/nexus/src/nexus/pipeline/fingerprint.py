"""What failures have in common: a reason without the ids, numbers and quoted texts that differ each time."""

import hashlib
import re

GAP = "…"
"""Stands for what differs."""

NO_REASON = "No reason was written down."
_MAX_CHARS = 2_000

_DIFFERS = re.compile(
    r"""
    https?://[^\s<>"']+                                             # addresses
  | [\w.+-]+@[\w-]+(?:\.[\w-]+)+                                    # e-mail addresses
  | "[^"]*" | “[^”]*” | «[^»]*» | `[^`]*`                           # quoted text
  | (?<!\w)'[^']*'(?!\w)
  | \b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b        # UUIDs
  | \b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b
  | \b(?=[0-9A-Z]*\d)[A-Z][0-9A-Z]{5,}\b                            # C0A1B2C3D
  | \b(?=[0-9a-z]*\d)(?=[0-9a-z]*[a-z])[0-9a-z]{6,}\b               # 86cx1ab2c, hexadecimal digests
  | (?<![\w.])[-+]?\d+(?:[.,:]\d+)*(?![\w])                         # numbers, times
    """,
    re.VERBOSE,
)
_STATUS = re.compile(r"(?:\b(?:HTTP|status|answered)(?: code)?:? )$")
"""Before these a number says what is wrong, and does not differ."""


def normalised(reason: str | None) -> str:
    """The reason for people, with `…` for everything that differs between failures of the same cause."""
    text = " ".join((reason or "")[:_MAX_CHARS].split())
    return _DIFFERS.sub(_gap, text) or NO_REASON


def fingerprint(reason: str | None) -> str:
    """16 hexadecimal digits, equal for reasons that are the same once normalised."""
    return hashlib.sha256(normalised(reason).encode(errors="replace")).hexdigest()[:16]


def _gap(found: re.Match[str]) -> str:
    text = found.group()
    is_status = len(text) == 3 and text.isdigit() and _STATUS.search(found.string, 0, found.start()) is not None
    return text if is_status else GAP
