"""Reads back what was said while no event told of it.

Slack sends an event four times within some minutes and not again, unless the app has delayed events turned on
(docs.slack.dev/apis/events-api). Apps that are distributed outside of Slack's marketplace may ask once a minute for
15 messages (docs.slack.dev/apis/web-api/rate-limits): they are told by HTTP 429, and read as slowly as that.
"""

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, ValidationError

from nexus.integrations.slack.answers import Answer, Paging
from nexus.integrations.slack.client import SlackClient
from nexus.integrations.slack.happenings import SYNC_TYPE, posted
from nexus.integrations.slack.payloads import Identity, Message, Payload, Text, Ts, instant
from nexus.integrations.slack.refusals import Refused
from nexus.pipeline.facts import MessageDeleted, MessageEdited, MessagePosted, Person, ReactionAdded
from nexus.pipeline.ports import PastMessage, RawRequest, Replies, Threads

PAGE_SIZE = 200
_TURN_SECONDS = 2.0
"""Between two requests: 30 a minute of the 50 of tier 3, so that look-ups of deliveries find room."""
_TURNS_AT_ONCE = 10


class Reaction(Payload):
    """Who put an emoji on a message."""

    name: Text
    users: tuple[Text, ...] = ()


class HistoricMessage(Message):
    """A message as the history shows it."""

    latest_reply: Ts | None = None
    reactions: tuple[Reaction, ...] | None = None


def _understood(raw: Any) -> Any:
    if not isinstance(raw, list):
        return raw
    found: list[HistoricMessage] = []
    for each in cast("list[object]", raw):
        try:
            found.append(HistoricMessage.model_validate(each))
        except ValidationError:
            continue
    return found


class History(Answer):
    """A page of a channel or of a thread; strange messages are left out."""

    messages: Annotated[tuple[HistoricMessage, ...], BeforeValidator(_understood)]
    response_metadata: Paging | None = None

    @property
    def next_cursor(self) -> str:
        """Where the next page begins; empty at the end."""
        return self.response_metadata.next_cursor if self.response_metadata else ""


class SlackHistory:
    """One workspace; implements `nexus.pipeline.ports.ChatHistory`."""

    def __init__(
        self,
        client: SlackClient,
        us: Identity,
        workspace_id: str,
        *,
        turn_seconds: float = _TURN_SECONDS,
        seconds_now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._us = us
        self._workspace_id = workspace_id
        self._turn_seconds = turn_seconds
        self._now = seconds_now
        self._next_turn_at = 0.0

    def rest_seconds(self) -> float:
        """0 when it is our turn, which is taken by asking; else how long until then."""
        now = self._now()
        turn_at = max(self._next_turn_at, now)
        rest_seconds = turn_at - now - (_TURNS_AT_ONCE - 1) * self._turn_seconds
        if rest_seconds > 0:
            return rest_seconds
        self._next_turn_at = turn_at + self._turn_seconds
        return 0.0

    async def threads(self, channel_id: str, oldest_ts: str, cursor: str) -> Threads:
        """A page of the channel's threads, the newest first."""
        found = await self._page("conversations.history", channel_id, cursor, oldest=oldest_ts, inclusive=True)
        latest = {each.ts: instant(each.latest_reply) for each in found.messages if each.latest_reply}
        return Threads(latest, found.next_cursor)

    async def replies(self, channel_id: str, root_ts: str, since: datetime, cursor: str) -> Replies:
        """A page of a thread; none when its first message is gone."""
        oldest = _ts(since)
        try:
            found = await self._page("conversations.replies", channel_id, cursor, ts=root_ts, oldest=oldest)
        except Refused as refused:
            if refused.error not in ("thread_not_found", "message_not_found"):
                raise
            return Replies((), "")
        said = [self._reply(channel_id, each) for each in found.messages if each.ts != root_ts]
        return Replies(tuple(each for each in said if each is not None), found.next_cursor)

    def event_of(self, fact: MessagePosted | MessageEdited | MessageDeleted | ReactionAdded) -> RawRequest:
        """As docs.slack.dev/reference/events has it, with an id that no event of Slack's can have."""
        about: dict[str, Any] = {"channel": fact.channel_id}
        name = f"gap:{fact.channel_id}:{fact.ts}"
        match fact:
            case MessagePosted():
                files = [{"permalink": link} for link in fact.files]
                about |= _message(fact) | {"type": "message", "files": files, "event_ts": fact.ts}
                if fact.sync_requested:
                    about["metadata"] = {"event_type": SYNC_TYPE, "event_payload": {}}
            case MessageEdited():
                at = _ts(fact.at)
                name += f":{at}"
                edited = {"edited": {"ts": at, "user": fact.author.id}}
                about |= {"type": "message", "subtype": "message_changed", "ts": at, "event_ts": at}
                about["message"] = _message(fact) | edited
            case MessageDeleted():
                at = _ts(fact.at)
                name += ":deleted"
                about |= {"type": "message", "subtype": "message_deleted", "ts": at, "event_ts": at}
                about["deleted_ts"] = fact.ts
            case ReactionAdded():
                name += f":{fact.name}"
                item = {"type": "message", "channel": fact.channel_id, "ts": fact.ts}
                about |= {"type": "reaction_added", "user": fact.author.id, "reaction": fact.name, "item": item}
                about["event_ts"] = _ts(fact.at)
        envelope = {"type": "event_callback", "event_id": name, "event": about, "team_id": self._workspace_id}
        body = json.dumps(envelope | {"api_app_id": self._us.app_id}, sort_keys=True)
        return RawRequest(body.encode(), {"content-type": "application/json"}, "")

    def _reply(self, channel_id: str, message: HistoricMessage) -> PastMessage | None:
        said = posted(channel_id, message, self._us)
        if said is None:
            return None
        edited = None
        if message.edited is not None:
            at = instant(message.edited.ts)
            edited = MessageEdited(channel_id, said.ts, said.thread_ts, said.author, said.text, at, said.at)
        # When somebody reacted is not kept: it was after the message, which is all that order needs.
        reactions = [
            ReactionAdded(channel_id, said.ts, each.name.partition("::")[0], Person(each.users[0]), said.at)
            for each in message.reactions or ()
            if each.users and each.users[0] != self._us.bot_user_id
        ]
        return PastMessage(said, edited, tuple(reactions))

    async def _page(self, method: str, channel_id: str, cursor: str, **where: str | bool) -> History:
        more = {"cursor": cursor} if cursor else {}

        async def ask() -> History:
            return await self._client.read(
                method, History, channel=channel_id, limit=PAGE_SIZE, include_all_metadata=True, **where, **more
            )

        return await self._client.in_channel(channel_id, ask)


def _message(fact: MessagePosted | MessageEdited) -> dict[str, Any]:
    return {"ts": fact.ts, "thread_ts": fact.thread_ts, "user": fact.author.id, "text": fact.text}


def _ts(at: datetime) -> str:
    return f"{int(at.timestamp())}.{at.microsecond:06}"
