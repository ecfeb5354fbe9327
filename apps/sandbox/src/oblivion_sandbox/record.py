"""What came in and what went out: the evidence a test or a person reads afterwards."""

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import Literal, TypeVar
from urllib.parse import parse_qsl

from oblivion_sandbox.jsontypes import JsonObject, decode_object

KEPT_ENTRIES = 250_000
KEPT_BODY_BYTES = 64 * 1024 * 1024
"""Of the bodies of both logs together; the oldest entries go on without theirs."""
Vendor = Literal["clickup", "slack"]
EntryT = TypeVar("EntryT", "Call", "Delivery")


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
    raw_body: bytes | None
    """None when it was too long ago."""
    content_type: str
    status: int | None = None
    """What the caller was answered; None when no answer was sent."""
    ok: bool = False
    error: str | None = None
    fault: str | None = None
    """The fault that was applied to it."""
    effect: bool = False
    """Whether the vendor carried it out by now, whatever the caller was told. Of a call that only reads: whether it
    was read."""

    @property
    def body_bytes(self) -> int:
        """Size of the body that is kept."""
        return len(self.raw_body or b"")

    def forget_body(self) -> None:
        """Goes on without the body."""
        self.raw_body = None

    def as_json(self, *, body: bool = True) -> JsonObject:
        """The entry for `/_control/calls`, with the request's arguments parsed; the body only if asked for."""
        return self._facts() | ({"body": self._arguments()} if body else {})

    def _arguments(self) -> JsonObject | None:
        if self.raw_body is None:
            return None
        if "json" in self.content_type:
            return decode_object(self.raw_body)
        return dict(parse_qsl(self.raw_body.decode(errors="replace"), keep_blank_values=True))

    def _facts(self) -> JsonObject:
        return {
            "n": self.n,
            "time": self.time,
            "vendor": self.vendor,
            "verb": self.verb,
            "path": self.path,
            "method": self.method,
            "token": self.token_kind,
            "query": dict(parse_qsl(self.query, keep_blank_values=True)),
            "status": self.status,
            "ok": self.ok,
            "error": self.error,
            "fault": self.fault,
            "effect": self.effect,
        }


@dataclass(slots=True)
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
    body: str | None
    """None when it was too long ago."""
    webhook_id: str | None = None

    @property
    def body_bytes(self) -> int:
        """Size of the body that is kept, to within what UTF-8 makes of it."""
        return len(self.body or "")

    def forget_body(self) -> None:
        """Goes on without the body."""
        self.body = None


@dataclass
class Recorder:
    """Two logs that share one counter, so that their order can be compared. Entries stand in the counter's order."""

    calls: deque[Call] = field(default_factory=lambda: deque[Call](maxlen=KEPT_ENTRIES))
    deliveries: deque[Delivery] = field(default_factory=lambda: deque[Delivery](maxlen=KEPT_ENTRIES))
    last_n: int = 0
    _with_body: deque[Call | Delivery] = field(default_factory=deque[Call | Delivery])
    _body_bytes: int = 0

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
        self._keep_body(call)
        return call

    def next_n(self) -> int:
        """The next entry's number."""
        self.last_n += 1
        return self.last_n

    def add_delivery(self, delivery: Delivery) -> None:
        """Record one finished attempt."""
        self.deliveries.append(delivery)
        self._keep_body(delivery)

    def clear(self) -> None:
        """Empties both logs; the counter goes on."""
        self.calls.clear()
        self.deliveries.clear()
        self._with_body.clear()
        self._body_bytes = 0

    def find_calls(self, vendor: str | None, method: str | None, since: int, *, body: bool = True) -> list[JsonObject]:
        """Calls after entry `since`; `method` is a glob."""
        return [
            call.as_json(body=body)
            for call in _after(self.calls, since)
            if (vendor is None or call.vendor == vendor) and (method is None or fnmatchcase(call.method, method))
        ]

    def find_deliveries(self, vendor: str | None, event: str | None, since: int) -> list[JsonObject]:
        """Attempts after entry `since`; `event` is a glob."""
        return [
            asdict(made)
            for made in _after(self.deliveries, since)
            if (vendor is None or made.vendor == vendor) and (event is None or fnmatchcase(made.event, event))
        ]

    def _keep_body(self, entry: Call | Delivery) -> None:
        if not entry.body_bytes:
            return
        self._with_body.append(entry)
        self._body_bytes += entry.body_bytes
        while self._body_bytes > KEPT_BODY_BYTES:
            oldest = self._with_body.popleft()
            self._body_bytes -= oldest.body_bytes
            oldest.forget_body()


def _after(entries: deque[EntryT], since: int) -> list[EntryT]:
    found = list(takewhile(lambda entry: entry.n > since, reversed(entries)))
    return found[::-1]
