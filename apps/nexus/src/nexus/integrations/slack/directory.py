"""Names and addresses in a workspace, remembered for a while."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from nexus.integrations.slack.answers import ChannelInfo, Permalink, UserGroups, UserInfo
from nexus.integrations.slack.client import SlackClient
from nexus.integrations.slack.text import mentioned, readable
from nexus.kit.logging import get_logger
from nexus.pipeline.errors import Rejected

log = get_logger(__name__)

Value = TypeVar("Value")

_KEEP_SECONDS = 600.0
_KEEP_GROUPS_SECONDS = 60.0
"""Who is on call changes; an approval must not wait for long until it is known."""
_MAX_REMEMBERED = 5000
_MAX_LOOKUPS = 50


class Remembered(Generic[Value]):
    """Answers by key, each good for a while; the oldest go first when there are too many."""

    def __init__(self, seconds_now: Callable[[], float], keep_seconds: float = _KEEP_SECONDS) -> None:
        self._now = seconds_now
        self._keep_seconds = keep_seconds
        self._known: dict[str, tuple[float, Value]] = {}

    async def get(self, key: str, ask: Callable[[], Awaitable[Value]]) -> Value:
        """What is known, else what `ask` finds."""
        known = self._known.get(key)
        if known is not None and known[0] > self._now():
            return known[1]
        value = await ask()
        self._known.pop(key, None)
        while len(self._known) >= _MAX_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = (self._now() + self._keep_seconds, value)
        return value


class Directory:
    """Looks names up, and each only once in a while."""

    def __init__(self, client: SlackClient, *, seconds_now: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._people = Remembered[str](seconds_now)
        self._channels = Remembered[str | None](seconds_now)
        self._links = Remembered[str](seconds_now)
        self._groups = Remembered[dict[str, frozenset[str]]](seconds_now, _KEEP_GROUPS_SECONDS)

    async def person(self, user_id: str) -> str:
        """How people call somebody; the id itself when Slack will not say."""

        async def ask() -> str:
            try:
                found = await self._client.read("users.info", UserInfo, user=user_id)
            except Rejected as refused:
                # A message must not be stuck on a name, such as one of a person in another organisation.
                log.warning("slack.name_unknown", user_id=user_id, reason=refused.reason)
                return user_id
            return found.user.called or user_id

        return await self._people.get(user_id, ask)

    async def handles(self, user_id: str) -> frozenset[str]:
        """Somebody's e-mail address, and the handles (`@oncall`) and ids of their user groups, in lower case.

        Both need permissions that an app may lack; what Slack will not say is left out.
        """
        groups = await self._groups.get("", self._all_groups)
        found = {handle for handle, members in groups.items() if user_id in members}
        try:
            info = await self._client.read("users.info", UserInfo, user=user_id)
        except Rejected:
            return frozenset(found)
        email = info.user.profile.email
        return frozenset(found | {email.casefold()} if email else found)

    async def _all_groups(self) -> dict[str, frozenset[str]]:
        try:
            answer = await self._client.read("usergroups.list", UserGroups, include_users=True)
        except Rejected as refused:
            log.warning("slack.groups_unknown", reason=refused.reason)
            return {}
        members: dict[str, frozenset[str]] = {}
        for group in answer.usergroups:
            members[f"@{group.handle.casefold()}"] = members[group.id.casefold()] = frozenset(group.users)
        return members

    async def channel(self, channel_id: str) -> str | None:
        """The name of a channel; None when there is none that we can see."""

        async def ask() -> str | None:
            found = await self._client.read_or_none(
                "conversations.info", ChannelInfo, missing=("channel_not_found",), channel=channel_id
            )
            return found.channel.name if found else None

        return await self._channels.get(channel_id, ask)

    async def permalink(self, channel_id: str, ts: str) -> str:
        """The address of a message; it never changes."""

        async def ask() -> str:
            found = await self._client.read("chat.getPermalink", Permalink, channel=channel_id, message_ts=ts)
            return found.permalink

        return await self._links.get(f"{channel_id}:{ts}", ask)

    async def readable(self, text: str) -> str:
        """A text from Slack with everybody and every channel by name."""
        people, channels = mentioned(text)
        names = {each: await self.person(each) for each in sorted(people)[:_MAX_LOOKUPS]}
        for each in sorted(channels)[:_MAX_LOOKUPS]:
            names[each] = await self.channel(each) or each
        return readable(text, names)
