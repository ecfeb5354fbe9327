"""Events API: envelopes, signing, retries (https://docs.slack.dev/apis/events-api)."""

import asyncio
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from oblivion_sandbox import seed
from oblivion_sandbox.core import Core
from oblivion_sandbox.jsontypes import JsonObject, decode_object, encode
from oblivion_sandbox.outgoing import Answer, Parcel
from oblivion_sandbox.slack.messages import Messages
from oblivion_sandbox.slack.sockets import Sockets
from oblivion_sandbox.slack.state import Channel, SlackState

VERIFICATION_TOKEN = "XXYYZZ"  # noqa: S105 -- deprecated, checked by nobody
EVENT_CONTEXT = "4-eyJldCI6Im1lc3NhZ2UiLCJ0aWQiOiJUMEExQjJDM0QifQ"
RETRY_REASONS = {
    "timeout": "http_timeout",
    "http_error": "http_error",
    "connection_failed": "connection_failed",
}


def signed_headers(secret: str, body: bytes, content_type: str) -> dict[str, str]:
    """Headers with the v0 signature over timestamp and raw body."""
    timestamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), b":".join((b"v0", timestamp.encode(), body)), hashlib.sha256).hexdigest()
    return {
        "Content-Type": content_type,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
    }


def event_name(event: JsonObject) -> str:
    """`reaction_added`, `message`, or `message.message_changed` when there is a subtype."""
    subtype = event.get("subtype")
    return str(event["type"]) + (f".{subtype}" if subtype else "")


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the hub answered the url_verification challenge."""

    ok: bool
    status: int | None
    reason: str


class Events:
    """Tells the hub what happens in the channels its bot is a member of."""

    def __init__(self, core: Core, state: SlackState, messages: Messages, sockets: Sockets, secret: str) -> None:
        self._core = core
        self._state = state
        self._messages = messages
        self._sockets = sockets
        self._secret = secret

    async def verify(self, url: str) -> Verification:
        """Send the challenge; it must come back, in plain text or as `{"challenge"}`, within 3 s."""
        challenge = secrets.token_urlsafe(39)
        body = encode({"token": VERIFICATION_TOKEN, "challenge": challenge, "type": "url_verification"})
        headers = signed_headers(self._secret, body, "application/json")
        answer = await self._core.outgoing.post(url, body, headers, self._core.settings.slack_timeout_seconds)
        echoed = (decode_object(answer.body) or {}).get("challenge", answer.body.decode(errors="replace").strip())
        if answer.outcome == "ok" and echoed != challenge:
            return Verification(False, answer.status, "challenge_not_echoed")
        return Verification(answer.outcome == "ok", answer.status, answer.outcome)

    def message(self, channel: Channel, message: JsonObject) -> None:
        """A new message, and `app_mention` beside it when a person mentions the bot."""
        shown = {key: value for key, value in message.items() if key not in ("metadata", "reactions")}
        where = {"channel": channel.id, "event_ts": message["ts"]}
        self._emit(channel, shown | where | {"channel_type": channel.type})
        if f"<@{seed.SLACK_BOT_USER}>" in message["text"] and "bot_id" not in message:
            self._emit(channel, shown | where | {"type": "app_mention"})

    def changed(self, channel: Channel, message: JsonObject, previous: JsonObject) -> None:
        """`message_changed`: the outer ts is the event's own."""
        home = {"source_team": seed.SLACK_TEAM_ID, "user_team": seed.SLACK_TEAM_ID}
        self._hidden(
            channel,
            "message_changed",
            {
                "message": self._messages.shown(channel.id, message) | home,
                "previous_message": self._messages.shown(channel.id, previous),
            },
        )

    def deleted(self, channel: Channel, previous: JsonObject) -> None:
        """`message_deleted`."""
        gone = {key: value for key, value in previous.items() if key != "metadata"}
        self._hidden(channel, "message_deleted", {"previous_message": gone, "deleted_ts": previous["ts"]})

    def reaction(self, channel: Channel, user_id: str, name: str, message: JsonObject) -> None:
        """`reaction_added`."""
        self._emit(
            channel,
            {
                "type": "reaction_added",
                "user": user_id,
                "item": {"type": "message", "channel": channel.id, "ts": message["ts"]},
                "reaction": name,
                "item_user": message.get("user", seed.SLACK_BOT_USER),
                "event_ts": self._core.ids.slack_ts(),
            },
        )

    def joined(self, channel: Channel, user_id: str) -> None:
        """`member_joined_channel`; `channel_type` is a letter here."""
        self._emit(
            channel,
            {
                "type": "member_joined_channel",
                "user": user_id,
                "channel": channel.id,
                "channel_type": "G" if channel.is_private else "C",
                "team": seed.SLACK_TEAM_ID,
                "event_ts": self._core.ids.slack_ts(),
            },
        )

    def _hidden(self, channel: Channel, subtype: str, values: JsonObject) -> None:
        ts = self._core.ids.slack_ts()
        event = {"type": "message", "subtype": subtype, "channel": channel.id, "hidden": True, "ts": ts}
        self._emit(channel, event | values | {"event_ts": ts, "channel_type": channel.type})

    def _emit(self, channel: Channel, event: JsonObject) -> None:
        app = self._state.app
        if seed.SLACK_BOT_USER not in channel.members or not (app.events_url or app.socket_mode):
            return
        event_id = self._core.ids.event()
        envelope = {
            "token": VERIFICATION_TOKEN,
            "team_id": seed.SLACK_TEAM_ID,
            "context_team_id": seed.SLACK_TEAM_ID,
            "context_enterprise_id": None,
            "api_app_id": seed.SLACK_APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(float(event["event_ts"])),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": seed.SLACK_TEAM_ID,
                    "user_id": seed.SLACK_BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": EVENT_CONTEXT,
        }

        async def deliver() -> None:
            await self._deliver(parcel)

        url = app.events_url or "socket"
        parcel = Parcel("slack", event_name(event), event_id, url, encode(envelope), deliver)
        self._core.outgoing.submit(f"slack:{channel.id}", parcel)

    async def _deliver(self, parcel: Parcel) -> None:
        waits = self._core.settings.slack_retry_seconds
        reason = ""
        for attempt in range(len(waits) + 1):
            answer = await self._attempt(parcel, attempt, reason)
            self._core.outgoing.record(parcel, attempt + 1, answer)
            if answer.outcome == "ok" or answer.headers.get("x-slack-no-retry") == "1":
                return
            reason = RETRY_REASONS.get(answer.outcome, "unknown_error")
            if attempt < len(waits):
                await asyncio.sleep(waits[attempt])

    async def _attempt(self, parcel: Parcel, attempt: int, reason: str) -> Answer:
        app, timeout = self._state.app, self._core.settings.slack_timeout_seconds
        if app.socket_mode and self._sockets.is_open:
            envelope = decode_object(parcel.body) or {}
            return await self._sockets.send("events_api", envelope, attempt, "timeout" if reason else "", timeout)
        if app.events_url is None:
            return Answer(None, "connection_failed", 0.0, {}, b"")
        headers = signed_headers(self._secret, parcel.body, "application/json")
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        return await self._core.outgoing.post(app.events_url, parcel.body, headers, timeout)
