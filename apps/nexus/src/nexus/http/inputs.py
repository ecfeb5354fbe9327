"""Kinds of values that the API takes; parsed at the door, so that nothing behind it meets a surprise."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from nexus.auth.clients import ROTATION_OVERLAP_SECONDS
from nexus.auth.names import AGENT_NAME_PATTERN

NO_CONTROL = r"^[^\x00-\x1f\x7f]*$"
"""One line: nothing that moves a cursor or ends a string."""

VendorId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
"""An id of something at a vendor."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_CONTROL)]
"""A line of text in any language."""

SearchText = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
"""What somebody looks for."""

Credential = Annotated[str, StringConstraints(max_length=16_384, pattern=r"^[^\x00]*$")]

AgentName = Annotated[str, StringConstraints(pattern=AGENT_NAME_PATTERN)]
AgentNameInPath = Annotated[str, Path(pattern=AGENT_NAME_PATTERN)]
VendorName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Alias = Annotated[str, StringConstraints(min_length=1, max_length=81, pattern=NO_CONTROL)]


class Input(BaseModel):
    """A request body: a field that we do not know is a mistake that the caller should hear of."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rotation(Input):
    """How long the previous secret keeps working, in seconds."""

    overlap_seconds: int = Field(default=ROTATION_OVERLAP_SECONDS, ge=0, le=30 * 24 * 3600)
