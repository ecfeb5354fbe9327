"""The way in from Slack: Events API, interactivity, and Socket Mode, which carries the same payloads. Pure.

Rules: docs.slack.dev/authentication/verifying-requests-from-slack, docs.slack.dev/apis/events-api,
docs.slack.dev/interactivity/handling-user-interaction.
"""

import hmac
import json
import re
from datetime import UTC, datetime

from nexus.integrations.slack.happenings import interaction_facts, message_facts, reaction_facts
from nexus.integrations.slack.payloads import (
    Envelope,
    Identity,
    Interaction,
    MessageEvent,
    OtherEvent,
    ReactionEvent,
    decode,
    instant,
    parse,
)
from nexus.pipeline.facts import ConnectionBroken, Fact, Ignored
from nexus.pipeline.ports import Connected, Drop, Incoming, RawRequest, Reply, Unreadable

ANY_KEY = "*"
"""The key of a request that does not name its app: any live secret of this source may have signed it."""

_MAX_SKEW_SECONDS = 300
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


_ELSEWHERE = Ignored("It happened in another Slack workspace than the one of this connection.")


class SlackSource:
    """Reads what Slack sends over HTTP, or what `listener.py` passes on in the same form."""

    name = "slack"

    def key_of(self, request: RawRequest) -> str:
        """`{api_app_id}:{team_id}`; `*` for the URL challenge and for shortcuts, which name no app."""
        kind, data = decode(request.body, request.headers.get("content-type", ""))
        payload = parse(Interaction, data) if kind == "interaction" else parse(Envelope, data)
        if payload.api_app_id is None and (kind == "interaction" or payload.type == "url_verification"):
            return ANY_KEY
        if payload.api_app_id is None or payload.workspace_id is None:
            raise Unreadable("Slack's request names no app or no workspace (`api_app_id`, `team_id`).")
        return f"{payload.api_app_id}:{payload.workspace_id}"

    def verify(self, request: RawRequest, secret: str, now: datetime) -> bool:
        """Signature scheme v0 over the raw bytes, not older than five minutes."""
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        if not secret.strip() or not _SECONDS.fullmatch(timestamp):
            return False
        if abs(now.timestamp() - int(timestamp)) > _MAX_SKEW_SECONDS:
            return False
        key = secret.encode(errors="surrogatepass")
        digest = hmac.digest(key, b"v0:%b:%b" % (timestamp.encode(), request.body), "sha256").hex()
        signature = request.headers.get("x-slack-signature", "")
        return hmac.compare_digest(f"v0={digest}".encode(), signature.encode(errors="surrogatepass"))

    def read(self, request: RawRequest) -> Incoming | Reply | Drop:
        """What to store. Messages of bots are dropped: they never matter and are many. Ours prove a delivery."""
        kind, data = decode(request.body, request.headers.get("content-type", ""))
        if kind == "interaction":
            return _read_interaction(parse(Interaction, data))
        envelope = parse(Envelope, data)
        match envelope.type:
            case "url_verification":
                if envelope.challenge is None:
                    raise Unreadable("Slack's url_verification has no `challenge`.")
                return Reply(json.dumps({"challenge": envelope.challenge}).encode(), "application/json")
            case "app_rate_limited":
                minute = envelope.minute_rate_limited
                if minute is None:
                    raise Unreadable("Slack's app_rate_limited names no minute.")
                where = f"{envelope.api_app_id}:{envelope.workspace_id}"
                return Incoming(
                    f"rate_limited:{where}:{minute}",
                    f"slack:{envelope.workspace_id}",
                    datetime.fromtimestamp(minute, UTC),
                )
            case "event_callback":
                return _read_event(envelope)
            case other:
                return Drop(f"requests of type {other} are not used")

    def facts(self, body: bytes, content_type: str, connection: Connected) -> list[Fact]:
        """What happened, seen from one workspace of ours."""
        kind, data = decode(body, content_type)
        if kind == "interaction":
            interaction = parse(Interaction, data)
            return interaction_facts(interaction) if _ours(interaction, connection) else [_ELSEWHERE]
        envelope = parse(Envelope, data)
        if not _ours(envelope, connection):
            return [_ELSEWHERE]
        if envelope.type == "app_rate_limited":
            return [
                Ignored(
                    "Slack held back events for a minute, because the app got more than 30,000 in an hour;"
                    " what was written then was not seen."
                )
            ]
        if envelope.type != "event_callback":
            return [Ignored(f"Slack requests of type {envelope.type} are not used.")]
        us = parse(Identity, dict(connection.facts))
        event = _event(envelope)
        match event:
            case MessageEvent():
                return message_facts(event, us, envelope.api_app_id)
            case ReactionEvent():
                return reaction_facts(event, us)
            case OtherEvent(type="app_uninstalled"):
                return [
                    ConnectionBroken(
                        "The Slack app was removed from the workspace. Install it again, enter the new token."
                    )
                ]
            case OtherEvent(type="tokens_revoked"):
                return [ConnectionBroken("Slack revoked the app's token. Reinstall the app, enter the new bot token.")]
            case OtherEvent():
                return [Ignored(f"Slack events of type {event.type} are not used.")]


def _ours(payload: Envelope | Interaction, connection: Connected) -> bool:
    # One app may be in many workspaces: Socket Mode and shortcuts do not tell them apart before this.
    return payload.workspace_id == connection.workspace_id


def _event(envelope: Envelope) -> MessageEvent | ReactionEvent | OtherEvent:
    other = parse(OtherEvent, envelope.event)
    match other.type:
        case "message":
            return parse(MessageEvent, envelope.event)
        case "reaction_added":
            return parse(ReactionEvent, envelope.event)
        case _:
            return other


def _read_event(envelope: Envelope) -> Incoming | Drop:
    if envelope.event_id is None or envelope.workspace_id is None:
        raise Unreadable("Slack's event has no `event_id` or no `team_id`.")
    event = _event(envelope)
    stream = f"slack:{envelope.workspace_id}"
    at = event.event_ts
    match event:
        case MessageEvent():
            if event.subtype in (None, "bot_message") and event.delivery_ids and event.bot_id:
                # Perhaps our own, which `facts` knows: an echo waits for nobody, and nobody waits for it.
                echo_of = min(event.delivery_ids)
                return Incoming(envelope.event_id, f"{stream}:echo:{echo_of}", instant(at or event.ts))
            if event.bot_id or event.subject.bot_id or event.subtype == "bot_message":
                return Drop("a bot's message")
            if envelope.api_app_id in (event.app_id, event.subject.app_id):
                return Drop("a message of our own app")
            stream += f":{event.channel}:{event.root_ts}"
            at = at or event.ts
        case ReactionEvent(item=item) if item.channel and item.ts:
            stream += f":{item.channel}:{item.ts}"
        case _:
            pass
    if at is None and envelope.event_time is None:
        raise Unreadable("Slack's event has no time.")
    moment = instant(at) if at else datetime.fromtimestamp(envelope.event_time or 0, UTC)
    return Incoming(envelope.event_id, stream, moment)


def _read_interaction(interaction: Interaction) -> Incoming | Drop:
    action = interaction.actions[0] if interaction.actions else None
    match interaction.type:
        case "block_actions" if action:
            what, at = action.action_id, action.action_ts
        case "message_action" if interaction.callback_id and interaction.action_ts:
            what, at = interaction.callback_id, interaction.action_ts
        case "block_actions" | "message_action":
            raise Unreadable(f"Slack's {interaction.type} says neither what was pressed nor when.")
        case other:
            return Drop(f"interactions of type {other} are not used")
    where = ":".join(part for part in (interaction.channel_id, interaction.root_ts) if part)
    stream = f"slack:{interaction.workspace_id}:{where}" if where else f"slack:{interaction.workspace_id}"
    return Incoming(f"action:{interaction.user.id}:{what}:{at}", stream, instant(at))
