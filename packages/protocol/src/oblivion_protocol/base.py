"""What every message on the wire has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_MESSAGE_BYTES = 100 * 1024
"""Largest Socket.IO message either side may send, in bytes."""

MAX_TEXT_CHARS = 40_000
"""Longest free text in one field, in characters."""


class Wire(BaseModel):
    """A message: immutable once parsed, unknown fields ignored so that old readers survive new writers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
ShortText = Annotated[str, Field(min_length=1, max_length=300)]
Identifier = Annotated[str, Field(min_length=1, max_length=128)]
Skill = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Traceparent = Annotated[str, Field(max_length=128)]
"""W3C trace context, https://www.w3.org/TR/trace-context/."""
