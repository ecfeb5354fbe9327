"""When and where something is said in Slack; `blocks.py` says how it looks.

Methods: docs.slack.dev/reference/methods. Slack has no idempotency key, so each message carries its delivery
id twice, as metadata and as id of its first block, and `find` looks for either among our own messages.
"""

from datetime import datetime, timedelta

from nexus.integrations.slack import blocks
from nexus.integrations.slack.answers import Channel, Channels, Messages, Written
from nexus.integrations.slack.client import SlackClient
from nexus.integrations.slack.directory import Directory
from nexus.integrations.slack.happenings import posted
from nexus.integrations.slack.payloads import DELIVERY_TYPE, Identity
from nexus.integrations.slack.refusals import Refused
from nexus.pipeline.errors import Deferred, Rejected, Retryable
from nexus.pipeline.facts import (
    AddComment,
    AddNote,
    CardView,
    EditComment,
    EditNote,
    EditReply,
    Fact,
    Intent,
    MuteView,
    PostCard,
    PostMute,
    PostQuestion,
    PostReply,
    QuestionView,
    Speaker,
    UpdateCard,
    UpdateMute,
    UpdateQuestion,
)
from nexus.pipeline.ports import Outgoing, RateLimit, Receipt
from oblivion_protocol.operating import ChatChannel

_ROOT_WAIT_SECONDS = 1.0
_CLOCK_SKEW = timedelta(seconds=60)
_PAGE_SIZE = 200
_MAX_FIND_PAGES = 5
_MAX_LIST_PAGES = 200
# Neither links nor names in plain text may become anything else than text.
_AS_IS = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


class SlackChat:
    """An open Slack workspace: implements `nexus.pipeline.ports.Chat`."""

    def __init__(self, client: SlackClient, us: Identity, *, posts_per_second: float = 1.0) -> None:
        self._client = client
        self._us = us
        self._directory = Directory(client)
        self._posts_per_second = posts_per_second

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Posts or changes one message, once. Raises Retryable, Deferred, Unsure or Rejected."""
        match outgoing.intent:
            case PostCard(channel_id):
                view = _card(outgoing)
                text, drawn = blocks.card(view, str(outgoing.id))
                return await self._post(outgoing, channel_id, text, drawn, conversation_id=view.conversation_id)
            case UpdateCard(channel_id):
                text, drawn = blocks.card(_card(outgoing), str(outgoing.id))
                return await self._update(channel_id, outgoing.root_ts, text, drawn)
            case PostReply(channel_id) as reply:
                root_ts = _known(outgoing.root_ts)
                text, drawn = blocks.reply(reply.text, str(outgoing.id), reply.late_at)
                return await self._post(
                    outgoing, channel_id, text, drawn, thread_ts=root_ts, **_speaking_as(reply.speaker)
                )
            case EditReply(channel_id) as edit:
                text, drawn = blocks.reply(edit.text, str(outgoing.id), edit.late_at)
                return await self._update(channel_id, outgoing.twin_id, text, drawn)
            case PostQuestion(channel_id) as asked:
                root_ts = _known(outgoing.root_ts)
                text, drawn = blocks.question(_question(outgoing), str(outgoing.id))
                return await self._post(
                    outgoing, channel_id, text, drawn, thread_ts=root_ts, **_speaking_as(asked.speaker)
                )
            case UpdateQuestion(channel_id):
                text, drawn = blocks.question(_question(outgoing), str(outgoing.id))
                return await self._update(channel_id, outgoing.twin_id, text, drawn)
            case PostMute(channel_id):
                root_ts = _known(outgoing.root_ts)
                text, drawn = blocks.mute(_mute(outgoing), str(outgoing.id))
                return await self._post(outgoing, channel_id, text, drawn, thread_ts=root_ts)
            case UpdateMute(channel_id):
                text, drawn = blocks.mute(_mute(outgoing), str(outgoing.id))
                return await self._update(channel_id, outgoing.twin_id, text, drawn)
            case AddComment() | EditComment() | AddNote() | EditNote():
                raise Rejected("Slack has no comments: this delivery was meant for a tracker.")

    async def find(self, outgoing: Outgoing) -> Receipt | None:
        """Looks for an unsure post. A change is not looked up: doing it again does no harm."""
        oldest = _slack_time(outgoing.attempted_at - _CLOCK_SKEW) if outgoing.attempted_at else "0"
        match outgoing.intent:
            case PostCard(channel_id):
                return await self._search(outgoing, "conversations.history", channel=channel_id, oldest=oldest)
            case PostReply(channel_id) | PostQuestion(channel_id) | PostMute(channel_id) if outgoing.root_ts:
                return await self._search(
                    outgoing, "conversations.replies", channel=channel_id, ts=outgoing.root_ts, oldest=oldest
                )
            case _:
                return None

    def limit(self, intent: Intent) -> RateLimit | None:
        """One message a second in a channel, and 50 changes a minute (tier 3) in a workspace."""
        match intent:
            case PostCard(channel_id) | PostReply(channel_id) | PostQuestion(channel_id) | PostMute(channel_id):
                return RateLimit(f"post:{channel_id}", self._posts_per_second, burst=3)
            case _:
                return RateLimit("update", self._posts_per_second * 50 / 60, burst=5)

    async def remove(self, place_id: str, external_id: str) -> None:
        """Deletes a message of ours; done as well when it is gone."""
        try:
            await self._client.write("chat.delete", Written, channel=place_id, ts=external_id)
        except Refused as refused:
            if refused.error not in ("message_not_found", "channel_not_found"):
                raise

    async def person_name(self, user_id: str) -> str:
        """How people call somebody; the id itself when nobody knows."""
        return await self._directory.person(user_id)

    async def handles(self, user_id: str) -> frozenset[str]:
        """Somebody's e-mail address and user groups, by which they may be listed as an approver."""
        return await self._directory.handles(user_id)

    async def readable_text(self, text: str) -> str:
        """Slack's markup as plain text."""
        return await self._directory.readable(text)

    async def permalink(self, channel_id: str, ts: str) -> str:
        """The address of a message. Raises Rejected when it is gone."""
        return await self._directory.permalink(channel_id, ts)

    async def channel_name(self, channel_id: str) -> str | None:
        """The name of a channel; None when there is none or it is not visible to us."""
        return await self._directory.channel(channel_id)

    async def fetch_message(self, channel_id: str, ts: str) -> Fact | None:
        """A message by its `ts`; None when it is gone or not a person's."""
        found = await self._client.read_or_none(
            "conversations.replies",
            Messages,
            missing=("thread_not_found", "message_not_found"),
            channel=channel_id,
            ts=ts,
            oldest=ts,
            latest=ts,
            inclusive=True,
            limit=10,
            include_all_metadata=True,
        )
        message = next((each for each in found.messages if each.ts == ts), None) if found else None
        return posted(channel_id, message, self._us) if message else None

    async def channels(self) -> list[ChatChannel]:
        """Every channel that we can see."""
        found: dict[str, ChatChannel] = {}
        cursor = ""
        for _ in range(_MAX_LIST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            page = await self._client.read(
                "conversations.list",
                Channels,
                types="public_channel,private_channel",
                exclude_archived=True,
                limit=_PAGE_SIZE,
                **more,
            )
            found.update((each.id, _catalogued(each)) for each in page.channels)
            cursor = page.next_cursor
            if not cursor:
                break
        return list(found.values())

    async def _post(
        self,
        outgoing: Outgoing,
        channel_id: str,
        text: str,
        drawn: list[blocks.Block],
        *,
        conversation_id: str | None = None,
        **more: str | None,
    ) -> Receipt:
        ids = {"delivery_id": str(outgoing.id), "item_id": outgoing.item_id}
        if conversation_id is not None:
            ids["conversation_id"] = conversation_id
        metadata = {"event_type": DELIVERY_TYPE, "event_payload": ids}
        written = await self._client.in_channel(
            channel_id,
            lambda: self._client.write(
                "chat.postMessage",
                Written,
                channel=channel_id,
                text=text,
                blocks=drawn,
                metadata=metadata,
                **_AS_IS,
                **more,
            ),
        )
        return Receipt(written.ts)

    async def _update(self, channel_id: str, ts: str | None, text: str, drawn: list[blocks.Block]) -> Receipt:
        ts = _known(ts)
        # Metadata that is left out stays as it is; `parse` and `link_names` would not.
        written = await self._client.write(
            "chat.update",
            Written,
            channel=channel_id,
            ts=ts,
            text=text,
            blocks=drawn,
            parse="none",
            link_names=False,
        )
        return Receipt(written.ts)

    async def _search(self, outgoing: Outgoing, method: str, **where: str) -> Receipt | None:
        cursor = ""

        async def next_page() -> Messages:
            more = {"cursor": cursor} if cursor else {}
            return await self._client.read(
                method, Messages, **where, **more, include_all_metadata=True, limit=_PAGE_SIZE
            )

        for _ in range(_MAX_FIND_PAGES):
            page = await self._client.in_channel(where["channel"], next_page)
            for message in page.messages:
                if self._us.wrote(message) and outgoing.id in message.delivery_ids:
                    return Receipt(message.ts)
            cursor = page.next_cursor
            if not cursor:
                return None
        raise Retryable(f"More than {_MAX_FIND_PAGES * _PAGE_SIZE} messages since: cannot tell if it was posted.")


def _card(outgoing: Outgoing) -> CardView:
    if outgoing.card is None:
        raise Rejected("There is nothing to draw: the delivery of a card came without its view.")
    return outgoing.card


def _question(outgoing: Outgoing) -> QuestionView:
    if outgoing.question is None:
        raise Rejected("There is nothing to ask: the delivery of a question came without it.")
    return outgoing.question


def _mute(outgoing: Outgoing) -> MuteView:
    if outgoing.mute is None:
        raise Rejected("There is nothing to say: the delivery of a notice came without it.")
    return outgoing.mute


def _known(ts: str | None) -> str:
    if ts is None:
        raise Deferred("The message that this belongs to is not posted yet.", after_seconds=_ROOT_WAIT_SECONDS)
    return ts


def _catalogued(channel: Channel) -> ChatChannel:
    return ChatChannel(id=channel.id, name=channel.name, is_member=channel.is_member, is_private=channel.is_private)


def _speaking_as(speaker: Speaker) -> dict[str, str | None]:
    icon = speaker.icon or ""
    return {
        "username": blocks.speaker_name(speaker.name) if speaker.name else None,
        "icon_emoji": icon if icon.startswith(":") else None,
        "icon_url": icon if icon.startswith(("https://", "http://")) else None,
    }


def _slack_time(at: datetime) -> str:
    return f"{int(at.timestamp())}.{at.microsecond:06}"
