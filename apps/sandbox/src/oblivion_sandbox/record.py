"""What came in and what went out: the evidence a test or a person reads afterwards."""

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import parse_qsl

from oblivion_sandbox.jsontypes import JsonObject, decode_object

KEPT_ENTRIES = 250_000
Vendor = Literal["clickup", "slack"]


@dataclass(slots=True)
class Call:
    """One API call. `method` is `POST /task/86…/comment` for ClickUp and `chat.postMessage` for Slack."""

    n: int
    time: float
    """Unix seconds."""
    vendor: Vendor
    verb: str
    path: str
    method: str
    token_kind: str
    """`bot`, `human`, `app` or `none`."""
    query: str
    raw_body: bytes
    content_type: str
    status: int | None = None
    """None when no answer was sent."""
    ok: bool = False
    error: str | None = None
    fault: str | None = None

    def as_json(self) -> JsonObject:
        """The entry for `/_control/calls`, with the request's arguments parsed."""
        body: object
        if "json" in self.content_type:
            body = decode_object(self.raw_body)
        else:
            body = dict(parse_qsl(self.raw_body.decode(errors="replace"), keep_blank_values=True))
        return {
            "n": self.n,
            "time": self.time,
            "vendor": self.vendor,
            "verb": self.verb,
            "path": self.path,
            "method": self.method,
            "token": self.token_kind,
            "query": dict(parse_qsl(self.query, keep_blank_values=True)),
            "body": body,
            "status": self.status,
            "ok": self.ok,
            "error": self.error,
            "fault": self.fault,
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to hand an event to the hub."""

    n: int
    time: float
    vendor: Vendor
    event: str
    id: str
    """Slack event_id; for ClickUp the history item ids, joined by commas."""
    url: str
    attempt: int
    """1 for the first."""
    status: int | None
    """HTTP status; None when nothing came back or nothing was sent."""
    ms: float
    outcome: str
    """`ok`, `http_error`, `timeout`, `connection_failed`, or the fault that kept it back."""
    body: str
    webhook_id: str | None = None


@dataclass
class Recorder:
    """Two logs that share one counter, so that their order can be compared."""

    calls: deque[Call] = field(default_factory=lambda: deque[Call](maxlen=KEPT_ENTRIES))
    deliveries: deque[Delivery] = field(default_factory=lambda: deque[Delivery](maxlen=KEPT_ENTRIES))
    last_n: int = 0

    def open_call(
        self,
        vendor: Vendor,
        verb: str,
        path: str,
        query: str,
        raw_body: bytes,
        content_type: str,
        token_kind: str,
    ) -> Call:
        """Record a call as it arrives; its result is filled in later."""
        method = path.removeprefix("/") if vendor == "slack" else f"{verb} {path}"
        call = Call(self.next_n(), time.time(), vendor, verb, path, method, token_kind, query, raw_body, content_type)
        self.calls.append(call)
        return call

    def next_n(self) -> int:
        """The next entry's number."""
        self.last_n += 1
        return self.last_n

    def add_delivery(self, delivery: Delivery) -> None:
        """Record one finished attempt."""
        self.deliveries.append(delivery)

    def find_calls(self, vendor: str | None, method: str | None, since: int) -> list[JsonObject]:
        """Calls after entry `since`; `method` is a glob."""
        return [
            call.as_json()
            for call in self.calls
            if call.n > since
            and (vendor is None or call.vendor == vendor)
            and (method is None or fnmatchcase(call.method, method))
        ]

    def find_deliveries(self, vendor: str | None, event: str | None, since: int) -> list[JsonObject]:
        """Attempts after entry `since`; `event` is a glob."""
        return [
            asdict(made)
            for made in self.deliveries
            if made.n > since
            and (vendor is None or made.vendor == vendor)
            and (event is None or fnmatchcase(made.event, event))
        ]
