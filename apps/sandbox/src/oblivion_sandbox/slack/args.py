"""Arguments of a Web API call: JSON with Bearer, a form, or a query, as SDKs send them."""

import json
from typing import Any
from urllib.parse import parse_qsl

from oblivion_sandbox.jsontypes import JsonObject, as_object, decode_object
from oblivion_sandbox.slack.errors import SlackError


class Args:
    """Typed access to the arguments of one call."""

    def __init__(self, values: JsonObject) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str) -> str | None:
        """A string; None when absent. Numbers are no strings: a `ts` sent as a float is refused."""
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        raise SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] must be a string: {name}"]})

    def needed(self, name: str, error: str = "invalid_arguments") -> str:
        """A string that must be there."""
        value = self.text(name)
        if not value:
            raise SlackError(error, response_metadata={"messages": [f"[ERROR] missing required field: {name}"]})
        return value

    def flag(self, name: str) -> bool:
        """A boolean; SDKs send 0/1 in a query and true/false in JSON."""
        return self._values.get(name) in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int, maximum: int) -> int:
        """A positive whole number up to `maximum`."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        try:
            number = int(str(value))
        except ValueError:
            number = 0
        if not 1 <= number <= maximum:
            raise SlackError("invalid_limit" if name == "limit" else "invalid_arguments")
        return number

    def parsed(self, name: str, error: str) -> Any:
        """A JSON value, sent as such or as a string of JSON."""
        value = self._values.get(name)
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError as bad:
                raise SlackError(error) from bad
        return value


def read_args(content_type: str, body: bytes, query: str) -> tuple[Args, str | None]:
    """The arguments, and the token if it came among them."""
    values: JsonObject = dict(parse_qsl(query, keep_blank_values=True))
    if content_type.startswith("application/json"):
        document = decode_object(body) if body else {}
        if document is None:
            raise SlackError("invalid_json")
        values |= document
    elif body:
        values |= dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    token = values.pop("token", None)
    return Args(values), token if isinstance(token, str) else None


def read_metadata(args: Args) -> JsonObject | None:
    """Message metadata: `event_type` and a flat `event_payload` (https://docs.slack.dev/messaging/message-metadata).

    None when absent, an empty object to remove it.
    """
    if "metadata" not in args:
        return None
    metadata = as_object(args.parsed("metadata", "invalid_metadata_format"))
    if metadata is None:
        raise SlackError("invalid_metadata_format")
    if not metadata:
        return metadata
    payload = as_object(metadata.get("event_payload"))
    event_type = metadata.get("event_type")
    if not isinstance(event_type, str) or not event_type or payload is None or set(metadata) - METADATA_KEYS:
        raise SlackError("invalid_metadata_format")
    for value in payload.values():
        if isinstance(value, dict):
            raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > MAX_METADATA_CHARS:
        raise SlackError("metadata_too_large")
    return metadata


METADATA_KEYS = {"event_type", "event_payload", "entities"}
MAX_METADATA_CHARS = 8000
