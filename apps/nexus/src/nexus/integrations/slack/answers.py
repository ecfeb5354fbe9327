"""What Slack's Web API answers, parsed once: docs.slack.dev/reference/methods. Unknown keys are ignored."""

from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from nexus.integrations.slack.payloads import Id, Message, Text, Ts


class Answer(BaseModel):
    """Base of everything that comes back with `ok: true`."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Paging(Answer):
    """Where the next page begins; empty at the end."""

    next_cursor: Text = ""
    messages: tuple[Text, ...] = ()


class Failure(Answer):
    """An answer with `ok: false`."""

    error: Id
    needed: Text = ""
    response_metadata: Paging = Field(default_factory=Paging)

    @property
    def details(self) -> tuple[str, ...]:
        """Slack's own words, such as which part of the blocks it refuses."""
        return self.response_metadata.messages


class Written(Answer):
    """A message that was posted or changed."""

    ts: Ts


def _understood(raw: Any) -> Any:
    """Those messages that we understand: a strange one of another app must not hide ours behind it."""
    if not isinstance(raw, list):
        return raw
    found: list[Message] = []
    for each in cast("list[object]", raw):
        try:
            found.append(Message.model_validate(each))
        except ValidationError:
            continue
    return found


class Messages(Answer):
    """A page of a channel or of a thread."""

    messages: Annotated[tuple[Message, ...], BeforeValidator(_understood)]
    response_metadata: Paging | None = None

    @property
    def next_cursor(self) -> str:
        """Where the next page begins; empty at the end."""
        return self.response_metadata.next_cursor if self.response_metadata else ""


class Profile(Answer):
    """The names that a person chose."""

    display_name: Text = ""
    real_name: Text = ""
    email: Text | None = None
    """Only with the permission `users:read.email`."""
    api_app_id: Id | None = None
    """The app that a bot belongs to."""


class User(Answer):
    """A person or a bot."""

    name: Text = ""
    real_name: Text | None = None
    profile: Profile = Field(default_factory=Profile)

    @property
    def called(self) -> str:
        """How people call them; the display name may be empty."""
        return self.profile.display_name or self.profile.real_name or self.real_name or self.name


class UserInfo(Answer):
    """Answer of `users.info`."""

    user: User


class UserGroup(Answer):
    """A user group, which people mention by its handle."""

    id: Id
    handle: Text = ""
    users: tuple[Id, ...] = ()


class UserGroups(Answer):
    """Answer of `usergroups.list`."""

    usergroups: tuple[UserGroup, ...] = ()


class Channel(Answer):
    """A channel."""

    id: Id
    name: Text = ""
    is_member: bool = False
    is_private: bool = False


class ChannelInfo(Answer):
    """Answer of `conversations.info` and `conversations.join`."""

    channel: Channel


class Channels(Answer):
    """A page of `conversations.list`; it may be short, even empty, before the end."""

    channels: tuple[Channel, ...]
    response_metadata: Paging | None = None

    @property
    def next_cursor(self) -> str:
        """Where the next page begins; empty at the end."""
        return self.response_metadata.next_cursor if self.response_metadata else ""


class Permalink(Answer):
    """Answer of `chat.getPermalink`."""

    permalink: Text


class AuthTest(Answer):
    """Answer of `auth.test`: whose token this is."""

    team: Text = ""
    team_id: Id | None = None
    user_id: Id
    bot_id: Id | None = None
    app_id: Id | None = None


class SocketAddress(Answer):
    """Answer of `apps.connections.open`."""

    url: Text
