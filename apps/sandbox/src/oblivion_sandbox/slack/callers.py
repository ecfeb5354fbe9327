"""Tokens: who they stand for and what they may do."""

from dataclasses import dataclass
from typing import Literal

from oblivion_sandbox import seed

BOT_SCOPES = (
    "chat:write",
    "chat:write.customize",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "channels:join",
    "users:read",
    "users:read.email",
    "usergroups:read",
    "reactions:read",
    "reactions:write",
    "app_mentions:read",
    "commands",
)
USER_SCOPES = (
    "chat:write",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "channels:write",
    "users:read",
    "users:read.email",
    "reactions:read",
    "reactions:write",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds a token."""

    token: str
    kind: Literal["bot", "human", "app"]
    user_id: str
    """Empty for the app-level token."""
    scopes: tuple[str, ...]


CALLERS = {
    caller.token: caller
    for caller in (
        Caller(seed.SLACK_BOT_TOKEN, "bot", seed.SLACK_BOT_USER, BOT_SCOPES),
        Caller(seed.SLACK_APP_TOKEN, "app", "", ("connections:write",)),
        Caller(seed.SLACK_TOKEN_DANA, "human", seed.SLACK_USER_DANA, USER_SCOPES),
        Caller(seed.SLACK_TOKEN_SAM, "human", seed.SLACK_USER_SAM, USER_SCOPES),
    )
}
