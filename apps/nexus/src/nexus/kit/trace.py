"""W3C trace context, https://www.w3.org/TR/trace-context/: one trace from a webhook to the model call it causes."""

import re
import secrets

_SHAPE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def new_traceparent() -> str:
    """A new trace, sampled."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def trace_id_of(traceparent: str | None) -> str | None:
    """The id by which a trace is found, in 32 hexadecimal digits."""
    return traceparent.split("-")[1] if traceparent and _SHAPE.fullmatch(traceparent) else None


def traceparent_or_new(given: str) -> str:
    """What the sender said, if it can be one; else the beginning of a trace."""
    return given if _SHAPE.fullmatch(given) else new_traceparent()
