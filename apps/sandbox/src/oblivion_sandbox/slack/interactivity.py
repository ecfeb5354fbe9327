"""Buttons: what the hub gets when a person presses one, and the response_url it may answer to.

Source: https://docs.slack.dev/interactivity/handling-user-interaction. A press is never
retried: the person sees an error.
"""

import secrets
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from oblivion_sandbox import seed
from oblivion_sandbox.core import Core
from oblivion_sandbox.jsontypes import JsonObject, as_object, as_objects, encode
from oblivion_sandbox.outgoing import Answer, Parcel
from oblivion_sandbox.slack.events import VERIFICATION_TOKEN, signed_headers
from oblivion_sandbox.slack.messages import Messages
from oblivion_sandbox.slack.sockets import Sockets
from oblivion_sandbox.slack.state import USERS, SlackState

RESPONSE_USES = 5
RESPONSE_SECONDS = 30 * 60


@dataclass(slots=True)
class ResponseUrl:
    """A response_url: five uses within 30 minutes."""

    channel_id: str
    message_ts: str
    user_id: str
    expires_at: float
    uses_left: int = RESPONSE_USES


class Interactivity:
    """Presses of buttons."""

    def __init__(self, core: Core, state: SlackState, messages: Messages, sockets: Sockets, secret: str) -> None:
        self._core = core
        self._state = state
        self._messages = messages
        self._sockets = sockets
        self._secret = secret
        self._responses: dict[str, ResponseUrl] = {}

    async def press(self, channel_id: str, ts: str, action_id: str, user_id: str, value: str | None) -> Answer | None:
        """Press a button; None when there is no such button."""
        message = self._messages.find(channel_id, ts)
        found = None if message is None else _find_button(message, action_id, value)
        if message is None or found is None or user_id not in USERS:
            return None
        payload = self._payload(channel_id, message, found, user_id)
        body = urlencode({"payload": encode(payload).decode()}).encode()
        url = self._state.app.interactivity_url or "socket"
        action = payload["actions"][0]
        parcel = Parcel("slack", "block_actions", str(action["action_ts"]), url, body, _nowhere)
        answer = await self._send(payload, body)
        self._core.outgoing.record(parcel, 1, answer)
        return answer

    def take_response(self, key: str) -> ResponseUrl | None:
        """Use up one use of a response_url."""
        response = self._responses.get(key)
        if response is None or response.uses_left == 0 or time.monotonic() > response.expires_at:
            return None
        response.uses_left -= 1
        return response

    async def _send(self, payload: JsonObject, body: bytes) -> Answer:
        timeout = self._core.settings.slack_timeout_seconds
        if self._state.app.socket_mode and self._sockets.is_open:
            return await self._sockets.send("interactive", payload, 0, "", timeout)
        if self._state.app.interactivity_url is None:
            return Answer(None, "connection_failed", 0.0, {}, b"")
        headers = signed_headers(self._secret, body, "application/x-www-form-urlencoded")
        return await self._core.outgoing.post(self._state.app.interactivity_url, body, headers, timeout)

    def _payload(self, channel_id: str, message: JsonObject, button: JsonObject, user_id: str) -> JsonObject:
        user = USERS[user_id]
        key = secrets.token_hex(12)
        self._responses[key] = ResponseUrl(channel_id, str(message["ts"]), user_id, time.monotonic() + RESPONSE_SECONDS)
        base = self._core.api_base or "https://hooks.slack.com"
        return {
            "type": "block_actions",
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": seed.SLACK_TEAM_ID},
            "api_app_id": seed.SLACK_APP_ID,
            "token": VERIFICATION_TOKEN,
            "container": {
                "type": "message",
                "message_ts": message["ts"],
                "channel_id": channel_id,
                "is_ephemeral": False,
            },
            "trigger_id": f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}",
            "team": {"id": seed.SLACK_TEAM_ID, "domain": seed.SLACK_TEAM_DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": channel_id, "name": self._state.channels[channel_id].name},
            "message": self._messages.shown(channel_id, message),
            "state": {"values": {}},
            "response_url": f"{base}/slack/actions/{seed.SLACK_TEAM_ID}/{key}",
            "actions": [button | {"action_ts": self._core.ids.slack_ts()}],
        }


async def _nowhere() -> None:
    return


def _find_button(message: JsonObject, action_id: str, value: str | None) -> JsonObject | None:
    for block in as_objects(message.get("blocks")):
        accessory = as_object(block.get("accessory"))
        for element in [*as_objects(block.get("elements")), *([] if accessory is None else [accessory])]:
            same = element.get("type") == "button" and element.get("action_id") == action_id
            if same and value in (None, element.get("value")):
                keys = ("action_id", "text", "value", "style", "url", "type")
                shown = {key: element[key] for key in keys if key in element}
                return shown | {"block_id": block.get("block_id", "")}
    return None
