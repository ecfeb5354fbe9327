"""What an agent and an alias may be called. Pure."""

import re

from nexus.auth.errors import Invalid

AGENT_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_AGENT_NAME = re.compile(AGENT_NAME_PATTERN)
_ALIAS = re.compile(r"\w[\w.-]{0,79}")


def agent_name(text: str) -> str:
    """The name, if it can stand in a URL and in a command. Raises Invalid."""
    if not _AGENT_NAME.fullmatch(text):
        raise Invalid(
            "An agent's name is up to 64 letters, digits, '.', '_' or '-', and starts with a letter or digit."
        )
    return text


def alias(text: str) -> str:
    """The handle without its @, if people can type it as one word. Raises Invalid."""
    handle = text.removeprefix("@")
    if not _ALIAS.fullmatch(handle):
        raise Invalid(
            "An alias is one word of up to 80 letters, digits, '.', '_' or '-', with or without an @ in front."
        )
    return handle
