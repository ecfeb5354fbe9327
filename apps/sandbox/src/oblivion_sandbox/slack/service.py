"""Slack put together."""

from dataclasses import dataclass
from typing import Self

from oblivion_sandbox.core import Core
from oblivion_sandbox.jsontypes import JsonObject
from oblivion_sandbox.ratelimit import BucketLimiter, WindowLimiter
from oblivion_sandbox.slack.callers import Caller
from oblivion_sandbox.slack.errors import SlackError
from oblivion_sandbox.slack.events import Events
from oblivion_sandbox.slack.interactivity import Interactivity
from oblivion_sandbox.slack.messages import Messages
from oblivion_sandbox.slack.sockets import Sockets
from oblivion_sandbox.slack.state import Channel, SlackState


@dataclass(frozen=True, slots=True)
class Slack:
    """The parts of Slack over one state."""

    core: Core
    state: SlackState
    messages: Messages
    sockets: Sockets
    events: Events
    interactivity: Interactivity
    windows: WindowLimiter
    buckets: BucketLimiter

    @classmethod
    def over(cls, core: Core, state: SlackState, signing_secret: str) -> Self:
        """Build the parts."""
        messages, sockets = Messages(state, core.slack_messages), Sockets()
        events = Events(core, state, messages, sockets, signing_secret)
        interactivity = Interactivity(core, state, messages, sockets, signing_secret)
        return cls(core, state, messages, sockets, events, interactivity, WindowLimiter(), BucketLimiter())

    def visible_channel(self, caller: Caller, channel_id: str | None) -> Channel:
        """A channel the caller can see: a private one only as a member."""
        channel = self.state.channels.get(channel_id or "")
        if channel is None or (channel.is_private and caller.user_id not in channel.members):
            raise SlackError("channel_not_found")
        return channel

    def joined_channel(self, caller: Caller, channel_id: str | None) -> Channel:
        """A channel the caller is a member of."""
        channel = self.visible_channel(caller, channel_id)
        if caller.user_id not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def message(self, channel: Channel, ts: str, error: str = "message_not_found") -> JsonObject:
        """A message that must be there."""
        message = self.messages.find(channel.id, ts)
        if message is None:
            raise SlackError(error)
        return message

    def permalink(self, channel: Channel, message: JsonObject) -> str:
        """Where a person can read the message: on the sandbox's page when its address is known."""
        base = self.core.public_base or "https://example.slack.com"
        link = f"{base}/archives/{channel.id}/p{str(message['ts']).replace('.', '')}"
        thread_ts = message.get("thread_ts")
        return link if thread_ts in (None, message["ts"]) else f"{link}?thread_ts={thread_ts}&cid={channel.id}"
