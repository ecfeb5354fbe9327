"""Sends spans by OTLP over HTTP, set up by OpenTelemetry's own variables; off unless they name a destination.

Read: https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and …/configuration/sdk-environment-variables/.
Wherever spans go to may be absent, dead or slow: nothing here waits for it, except the end, for a moment.
"""

import base64
import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nexus.kit import trace
from nexus.kit.logging import get_logger

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = get_logger(__name__)

VARIABLES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED", "LANGFUSE_BASE_URL", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY",
)  # fmt: skip
"""What is commonly set; the SDK knows more, such as `OTEL_BSP_MAX_QUEUE_SIZE`."""
EXPORT_SECONDS = 5.0
CLOSE_SECONDS = 3.0
TRACES_PATH = "/v1/traces"
LANGFUSE_PATH = "/api/public/otel/v1/traces"
LANGFUSE_CLOUD = "https://cloud.langfuse.com"


@dataclass(frozen=True)
class Destination:
    """Where spans go to, and what opens the door there."""

    url: str
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    gzip: bool = False

    @property
    def shown(self) -> str:
        """The address without anything secret in it."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


@dataclass(frozen=True)
class Off:
    """No spans are sent, and why; `wrong` when somebody seems to want them."""

    reason: str
    wrong: bool = False


def destination(environ: Mapping[str, str]) -> Destination | Off:
    """What the variables ask for. Any may also come as a file, by its name with `_FILE` at the end."""

    def of(name: str) -> str:
        value = environ.get(name, "").strip()
        path = environ.get(f"{name}_FILE", "").strip()
        if value or not path:
            return value
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    if of("OTEL_SDK_DISABLED").lower() == "true" or of("OTEL_TRACES_EXPORTER").lower() == "none":
        return Off("switched off")
    whole, base = of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), of("OTEL_EXPORTER_OTLP_ENDPOINT")
    if whole or base:
        protocol = of("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or of("OTEL_EXPORTER_OTLP_PROTOCOL")
        if protocol not in ("", "http/protobuf"):
            return Off("OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is spoken, to port 4318 as a rule", wrong=True)
        url = whole or base.rstrip("/") + TRACES_PATH
        if not urlsplit(url).hostname or urlsplit(url).scheme not in ("http", "https"):
            return Off("OTEL_EXPORTER_OTLP_ENDPOINT is no address", wrong=True)
        given = of("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or of("OTEL_EXPORTER_OTLP_HEADERS")
        return Destination(url, _headers(given))
    public, secret = of("LANGFUSE_PUBLIC_KEY"), of("LANGFUSE_SECRET_KEY")
    if public and secret and of("LANGFUSE_TRACING_ENABLED").lower() != "false":
        login = base64.b64encode(f"{public}:{secret}".encode()).decode()
        return Destination(
            (of("LANGFUSE_BASE_URL") or LANGFUSE_CLOUD).rstrip("/") + LANGFUSE_PATH,
            {"Authorization": f"Basic {login}", "x-langfuse-ingestion-version": "4"},
            gzip=True,
        )
    if public or secret or of("LANGFUSE_BASE_URL"):
        return Off("LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY are not both set", wrong=True)
    return Off("OTEL_EXPORTER_OTLP_ENDPOINT is not set")


@dataclass(frozen=True)
class Allowed:
    """What may leave this process in a span: attributes by name, and names by the library that made them.

    `names` maps an instrumentation scope to what its spans may be called: the part that matches is kept, and a
    span of any other name or library is called by its library.
    """

    keys: frozenset[str]
    names: Mapping[str, re.Pattern[str]]
    max_chars: int = 200


class Telemetry:
    """The one provider of this process, from `start` to `close`."""

    def __init__(self, provider: "TracerProvider") -> None:
        self.provider = provider

    def close(self) -> None:
        """Sends what waits, for at most `CLOSE_SECONDS`; what nobody takes by then is lost."""
        trace.install(None)
        # Not joined beyond the limit: a destination that never answers would hold the process up.
        ending = threading.Thread(target=self.provider.shutdown, daemon=True, name="spans-close")
        ending.start()
        ending.join(CLOSE_SECONDS)


def start(environ: Mapping[str, str], *, service: str, version: str, allowed: Allowed) -> Telemetry | None:
    """Begins to send spans, if the environment says where to; says in one line of the log what it does."""
    to = destination(environ)
    if isinstance(to, Off):
        (log.warning if to.wrong else log.info)("spans.off", reason=to.reason)
        return None
    # Only now: whoever sends no spans does not pay for what sends them.
    from opentelemetry import trace as api
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from nexus.kit.guard import GuardedExporter

    attributes = {"service.version": version}
    if not environ.get("OTEL_SERVICE_NAME") and "service.name=" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        attributes["service.name"] = service
    exporter = OTLPSpanExporter(
        to.url,
        headers=dict(to.headers) if to.headers is not None else None,
        timeout=EXPORT_SECONDS,
        compression=Compression.Gzip if to.gzip else None,
    )
    provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(GuardedExporter(exporter, allowed)))
    # The guard says once that spans are lost and once that they are not; these would say it for each batch.
    for noisy in ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    api.set_tracer_provider(provider)  # FastAPI and the MCP library look there
    trace.install(provider.get_tracer(__name__.partition(".")[0], version))
    log.info("spans.on", to=to.shown, sampler=type(provider.sampler).__name__)
    return Telemetry(provider)


def _headers(given: str) -> Mapping[str, str] | None:
    """`key=value,key=value`, values URL-encoded, as the exporter reads them from the environment."""
    if not given:
        return None
    from opentelemetry.util.re import parse_env_headers

    return parse_env_headers(given, liberal=True)
