"""What Slack knows: channels, users, messages, and the app's configuration."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from oblivion_sandbox import seed
from oblivion_sandbox.jsontypes import JsonObject

SEED_TIME = 1749252889
"""Unix seconds at which everything seeded was created."""


@dataclass(frozen=True, slots=True)
class User:
    """A person, or the app's bot user."""

    id: str
    name: str
    real_name: str
    display_name: str
    """May be empty, as for many real users: fall back to `real_name`."""
    email: str | None


USERS = {
    user.id: user
    for user in (
        User(seed.SLACK_USER_DANA, "dana", "Dana Reyes", "dana", "dana@example.com"),
        User(seed.SLACK_USER_SAM, "sam", "Sam Okafor", "", "sam@example.com"),
        User(seed.SLACK_BOT_USER, "oblivion", seed.SLACK_BOT_NAME, "", None),
    )
}


@dataclass(frozen=True, slots=True)
class UserGroup:
    """A group that people mention by its handle; administrators say who is in it."""

    id: str
    handle: str
    name: str
    users: tuple[str, ...]


GROUPS = (UserGroup(seed.SLACK_GROUP_ONCALL, "oncall", "On call", (seed.SLACK_USER_DANA,)),)


class Channel(BaseModel):
    """A channel and who is in it."""

    id: str
    name: str
    is_private: bool = False
    is_archived: bool = False
    members: list[str]

    @property
    def type(self) -> str:
        """`channel_type` of events."""
        return "group" if self.is_private else "channel"


class AppConfig(BaseModel):
    """What a person would set on the app's pages at api.slack.com."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events_url: str | None = None
    interactivity_url: str | None = None
    socket_mode: bool = False


def _channels() -> dict[str, Channel]:
    people = [seed.SLACK_USER_DANA, seed.SLACK_USER_SAM]
    everyone = [*people, seed.SLACK_BOT_USER]
    channels = (
        Channel(id=seed.SLACK_CHANNEL_AI_SQUAD, name="ai-squad", members=[*everyone]),
        Channel(id=seed.SLACK_CHANNEL_ARCHIVED, name="old-stuff", is_archived=True, members=[*everyone]),
        Channel(id=seed.SLACK_CHANNEL_WEBSITE, name="website", members=[*people]),
        Channel(id=seed.SLACK_CHANNEL_PRIVATE, name="leads-only", is_private=True, members=[*people]),
    )
    return {channel.id: channel for channel in channels}


class SlackState(BaseModel):
    """Everything that changes. `messages` is channel → ts → the message, with its metadata."""

    app: AppConfig = AppConfig()
    channels: dict[str, Channel] = Field(default_factory=_channels)
    messages: dict[str, dict[str, JsonObject]] = Field(default_factory=dict)
    ephemeral: dict[str, list[JsonObject]] = Field(default_factory=dict)
    statuses: dict[str, str] = Field(default_factory=dict)
    """`channel/thread_ts` → what the agent is doing."""
