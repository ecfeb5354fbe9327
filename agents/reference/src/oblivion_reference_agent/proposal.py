"""The one thing that this agent can change: it opens an issue, once, and only if people said yes."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
"""GitHub's rules for names, https://docs.github.com/rest/repos."""

TOOL_NAME = "propose_issue"

MAX_BODY_CHARS = 2_400
"""So short that the question to people, of at most 3,000 characters, shows every character that would be written."""


def _clipped(value: object) -> object:
    return value[: MAX_BODY_CHARS - 1] + "…" if isinstance(value, str) and len(value) > MAX_BODY_CHARS else value


class Proposal(BaseModel):
    """Propose to open an issue on GitHub. People are asked before it happens."""

    model_config = ConfigDict(frozen=True, extra="ignore", title=TOOL_NAME)

    repository: str = Field(description="owner/name", pattern=rf"^{REPOSITORY.pattern}$")
    title: str = Field(min_length=1, max_length=250, description="The issue's title.")
    body: Annotated[str, BeforeValidator(_clipped)] = Field(
        max_length=MAX_BODY_CHARS, description="The issue's text, Markdown."
    )
    summary: str = Field(default="", max_length=8_000, description="What you tell the people in the thread.")


def as_tool() -> dict[str, Any]:
    """The proposal as a tool for the model; calling it writes nothing."""
    schema = Proposal.model_json_schema()
    description = schema.pop("description")
    schema.pop("title", None)
    return {"type": "function", "function": {"name": TOOL_NAME, "description": description, "parameters": schema}}


def marker(task_id: str) -> str:
    """An HTML comment in the issue's body, by which a second attempt recognises what the first one wrote."""
    return f"<!-- oblivion-task: {task_id} -->"
