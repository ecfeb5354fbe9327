"""The webhook door: raw ASGI, because a framework would cost more than everything it does here.

200 with an empty body as soon as the event is durable; 403 for a wrong signature (never 401 or 410: ClickUp
suspends a webhook on them, https://developer.clickup.com/docs/webhookhealth); 503 with `Retry-After` when it
cannot be stored.
"""

import asyncio
import time
from typing import Any

import orjson

from nexus.http.metrics import IngestMetrics, WebhookOutcome
from nexus.kit.ids import new_id
from nexus.kit.logging import get_logger
from nexus.pipeline.inbox import BadSignature, Inbox, Stored, StoreUnavailable, UnknownSource
from nexus.pipeline.ports import RawRequest, Reply, Unreadable
from nexus.pipeline.steps import Step

log = get_logger(__name__)

PREFIX = "/webhooks/"
ROUTE = "/webhooks/{source}"
_ATTRIBUTES = {"http.request.method": "POST", "http.route": ROUTE}
MAX_BODY_BYTES = 1024 * 1024
MAX_DISCARDED_BYTES = 4 * 1024 * 1024
"""What is read and thrown away beyond the limit, so that the sender hears the refusal instead of a cut."""
BODY_TIMEOUT_SECONDS = 5.0
RETRY_AFTER_SECONDS = 2

Scope = dict[str, Any]


class _TooLarge(Exception):
    """The body is over the limit."""


class _Disconnected(Exception):
    """The sender went away in the middle of the body."""


class WebhookDoor:
    """ASGI application for `POST /webhooks/{source}` and what lies below it."""

    def __init__(self, inbox: Inbox, metrics: IngestMetrics) -> None:
        self._inbox = inbox
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serves one request."""
        source, _, path = scope["path"][len(PREFIX) :].strip("/").partition("/")
        if scope["method"] != "POST":
            await _problem(send, 405, "method_not_allowed", "Webhooks are sent with POST.", [(b"allow", b"POST")])
            return
        started = time.perf_counter()
        sender = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
        with Step(f"POST {ROUTE}", "server", sender.decode("latin-1"), _ATTRIBUTES) as timed:

            async def send_and_note(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    timed.set({"http.response.status_code": message["status"]})
                await send(message)

            outcome = await self._serve(source, path, scope, receive, send_and_note)
            timed.note(outcome=outcome, source=self._metrics.known(source))
            self._metrics.received(source, outcome, started)

    async def _serve(self, source: str, path: str, scope: Scope, receive: Any, send: Any) -> WebhookOutcome:
        headers = _headers(scope)
        try:
            if _is_here(receive):
                body = await _read(receive, headers)
            else:
                async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                    body = await _read(receive, headers)
            result = await self._inbox.receive(source, RawRequest(body, headers, path))
        except _TooLarge:
            await _problem(send, 413, "too_large", f"A webhook holds at most {MAX_BODY_BYTES} bytes.")
            return "too_large"
        except TimeoutError:
            await _problem(send, 408, "timeout", f"The body did not arrive within {BODY_TIMEOUT_SECONDS:.0f} s.")
            return "timeout"
        except _Disconnected:
            return "disconnected"
        except UnknownSource:
            await _problem(send, 404, "unknown_source", "There is no integration of this name.")
            return "unknown_source"
        except Unreadable as error:
            await _problem(send, 400, "unreadable", str(error))
            return "unreadable"
        except BadSignature:
            await _problem(
                send, 403, "bad_signature", "Nobody who may send this has signed it: check the signing secret."
            )
            return "bad_signature"
        except StoreUnavailable:
            await _problem(
                send, 503, "unavailable", "The event could not be stored; send it again.",
                [(b"retry-after", str(RETRY_AFTER_SECONDS).encode())],
            )  # fmt: skip
            return "unavailable"
        except Exception:
            log.exception("webhook.failed", source=source)
            await _problem(send, 503, "unavailable", "The event could not be stored; send it again.",
                           [(b"retry-after", str(RETRY_AFTER_SECONDS).encode())])  # fmt: skip
            return "failed"
        match result:
            case Stored(duplicate=duplicate):
                await _answer(send, 200, b"", b"text/plain; charset=utf-8")
                return "duplicate" if duplicate else "stored"
            case Reply(body=reply, content_type=content_type):
                await _answer(send, 200, reply, content_type.encode())
                return "replied"
            case _:
                await _answer(send, 200, b"", b"text/plain; charset=utf-8")
                return "dropped"


def _headers(scope: Scope) -> dict[str, str]:
    """Each that came once. One that came twice says nothing: somebody before us may have believed the other one."""
    found: dict[str, str] = {}
    for raw_name, value in scope["headers"]:
        name = raw_name.decode("latin-1")
        found[name] = "" if name in found else value.decode("latin-1")
    return found


def _is_here(receive: Any) -> bool:
    """Whether the server has the whole body, so that nobody need be waited for; uvicorn's request says so."""
    return getattr(getattr(receive, "__self__", None), "more_body", True) is False


async def _read(receive: Any, headers: dict[str, str]) -> bytes:
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared[:12]) > MAX_BODY_BYTES + MAX_DISCARDED_BYTES:
        raise _TooLarge
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        more: bool = message.get("more_body", False)
        if size <= MAX_BODY_BYTES:
            parts.append(part)
            if not more:
                return parts[0] if len(parts) == 1 else b"".join(parts)
        elif not more or size > MAX_BODY_BYTES + MAX_DISCARDED_BYTES:
            raise _TooLarge


async def _answer(
    send: Any, status: int, body: bytes, content_type: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", content_type),
                (b"content-length", str(len(body)).encode()),
                *(headers or []),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def _problem(
    send: Any, status: int, code: str, detail: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """RFC 9457. The connection is closed, because part of the body may still be on its way."""
    request_id = new_id().hex
    body = orjson.dumps(
        {
            "type": "about:blank",
            "title": code.replace("_", " ").capitalize(),
            "status": status,
            "code": code,
            "detail": detail,
            "request_id": request_id,
        }
    )
    extra = [(b"x-request-id", request_id.encode()), (b"connection", b"close"), *(headers or [])]
    await _answer(send, status, body, b"application/problem+json", extra)
