"""The way in: verify, store once, and only then say yes (I1)."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import text

from nexus.kit.batching import NaturalBatcher, flush_or_each
from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.kit.trace import handed_on, traceparent_or_new
from nexus.pipeline.connections import RENEWED_SECONDS, Connections, WebhookSecret
from nexus.pipeline.ports import Drop, Incoming, RawRequest, Reply, Source, Unreadable
from nexus.pipeline.steps import step
from nexus.store.database import Database, is_unavailable

STORE_TIMEOUT_SECONDS = 2.0
"""How long a request waits for its commit; Slack gives up after 3 s, ClickUp after 7 s."""
SECRET_TIMEOUT_SECONDS = 0.8
"""How long it waits, before that, for the secret that must have signed it."""

_NO_SECRET = "an unknown webhook costs the same time as a wrong signature"  # noqa: S105 - no secret

_INSERT = text("""
    INSERT INTO inbox (id, tenant_id, connection_id, source, dedup_key, stream_key, occurred_at,
                       content_type, body, traceparent)
    SELECT * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:connections AS uuid[]), CAST(:sources AS text[]),
        CAST(:dedup AS bytea[]), CAST(:streams AS text[]), CAST(:occurred AS timestamptz[]),
        CAST(:types AS text[]), CAST(:bodies AS bytea[]), CAST(:traces AS text[]))
    ON CONFLICT (connection_id, dedup_key) DO NOTHING
    RETURNING id
""")


class UnknownSource(Exception):
    """There is no integration of this name."""


class BadSignature(Exception):
    """Nobody who may send this has signed it."""


class StoreUnavailable(Exception):
    """The event could not be made durable; the sender must try again."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The event is durable; `duplicate` when it had been before, under another id that is not looked up."""

    inbox_id: UUID | None
    duplicate: bool


class Doorbell(Protocol):
    """Tells workers that something is due. Best effort: the sweep finds what a lost ring did not."""

    def ring_inbox(self, inbox_ids: Sequence[UUID]) -> None:
        """New inbox rows. Never blocks, never raises."""
        ...

    def ring(self, topic: str) -> None:
        """Something else is due: `deliveries`, `dispatch` or `agents`. Never blocks, never raises."""
        ...


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    tenant_id: UUID
    connection_id: UUID
    source: str
    incoming: Incoming
    content_type: str
    body: bytes
    traceparent: str | None


class Inbox:
    """Stores events by natural batching: one INSERT in flight per process, the rest forms the next one."""

    def __init__(self, db: Database, connections: Connections, doorbell: Doorbell, clock: Clock) -> None:
        self._db = db
        self._connections = connections
        self._doorbell = doorbell
        self._clock = clock
        self._batcher: NaturalBatcher[_Row, bool | Exception] = NaturalBatcher(
            self._insert, patience_seconds=STORE_TIMEOUT_SECONDS
        )

    async def receive(self, source_name: str, request: RawRequest) -> Stored | Reply | Drop:
        """Takes a webhook over HTTP.

        Raises UnknownSource, Unreadable, BadSignature, or StoreUnavailable. When it returns Stored, the event
        is committed.
        """
        integration = self._connections.integrations.get(source_name)
        if integration is None:
            raise UnknownSource(source_name)
        source = integration.source
        key = source.key_of(request)
        known = self._connections.known_secrets(source.name, key)
        signed = self._signers(source, request, known) if known else []
        if not signed:
            try:
                async with asyncio.timeout(SECRET_TIMEOUT_SECONDS):
                    signed = await self._look_up_signers(source, key, request, known)
            except Exception as error:
                if is_unavailable(error):
                    raise StoreUnavailable from error
                raise
        if not signed:
            raise BadSignature
        match source.read(request):
            case Incoming() as incoming:
                sender = signed[0]
                return await self._store(sender.tenant_id, sender.connection_id, source.name, incoming, request)
            case (Reply() | Drop()) as answer:
                return answer

    def _signers(self, source: Source, request: RawRequest, secrets: Sequence[WebhookSecret]) -> list[WebhookSecret]:
        """Those of the secrets that have signed a request."""
        now = self._clock.now()
        live = [one for one in secrets if one.expires_at is None or now < one.expires_at]
        if not live:
            source.verify(request, _NO_SECRET, now)
        return [one for one in live if source.verify(request, one.secret, now)]

    async def _look_up_signers(
        self, source: Source, key: str, request: RawRequest, known: Sequence[WebhookSecret]
    ) -> list[WebhookSecret]:
        """The same for secrets that are not among the copies here, which may be old: none of `known` has signed."""
        if not known:
            known = await self._connections.secrets(source.name, key)
            if signed := self._signers(source, request, known):
                return signed
        fresh = await self._connections.secrets(source.name, key, max_age_seconds=RENEWED_SECONDS)
        return self._signers(source, request, fresh) if fresh != known else []

    async def accept(self, connection_id: UUID, request: RawRequest) -> Stored | Reply | Drop:
        """Takes an event over a connection of ours that needs no signature. Raises as `receive` does."""
        connected = await self._connections.get(connection_id)
        source = self._connections.integrations[connected.vendor].source
        with step("process event", "consumer", tenant_id=connected.tenant_id, source=source.name):
            match source.read(request):
                case Incoming() as incoming:
                    return await self._store(connected.tenant_id, connected.id, source.name, incoming, request)
                case (Reply() | Drop()) as answer:
                    return answer

    async def _store(
        self, tenant_id: UUID, connection_id: UUID, source: str, incoming: Incoming, request: RawRequest
    ) -> Stored:
        if not _storable(incoming.stream_key):
            raise Unreadable("An id in the body holds characters that no id can have.")
        content_type = request.headers.get("content-type", "")
        row = _Row(
            id=new_id(),
            tenant_id=tenant_id,
            connection_id=connection_id,
            source=source,
            incoming=incoming,
            content_type=content_type[:200] if _storable(content_type) else "",
            body=request.body,
            traceparent=handed_on(None) or traceparent_or_new(request.headers.get("traceparent", "")),
        )
        try:
            outcome = await self._batcher.submit(row)
        except Exception as error:
            if is_unavailable(error):
                raise StoreUnavailable from error
            raise
        match outcome:
            case bool() as inserted:
                pass
            case error:
                raise error
        return Stored(row.id if inserted else None, duplicate=not inserted)

    async def _insert(self, rows: Sequence[_Row]) -> Sequence[bool | Exception]:
        """Stores a batch; when one row spoils it, each row on its own, so that the neighbours are stored."""
        return await flush_or_each(self._insert_together, rows, is_unavailable)

    async def _insert_together(self, rows: Sequence[_Row]) -> Sequence[bool | Exception]:
        parameters = {
            "ids": [row.id for row in rows],
            "tenants": [row.tenant_id for row in rows],
            "connections": [row.connection_id for row in rows],
            "sources": [row.source for row in rows],
            "dedup": [hashlib.sha256(row.incoming.dedup_key.encode(errors="surrogatepass")).digest() for row in rows],
            "streams": [f"{row.connection_id}:{row.incoming.stream_key}" for row in rows],
            "occurred": [_bounded(row.incoming.occurred_at, self._clock.now()) for row in rows],
            "types": [row.content_type for row in rows],
            "bodies": [row.body for row in rows],
            "traces": [row.traceparent for row in rows],
        }
        # Bounded by itself: a commit that hangs must not hold up the batches behind it.
        async with asyncio.timeout(STORE_TIMEOUT_SECONDS), self._db.system() as session:
            inserted: set[UUID] = set((await session.execute(_INSERT, parameters)).scalars())
        if inserted:
            self._doorbell.ring_inbox(list(inserted))
        return [row.id in inserted for row in rows]


def _storable(text_value: str) -> bool:
    """Whether PostgreSQL can keep this as text: no NUL, no half of a surrogate pair."""
    if text_value.isascii():
        return "\x00" not in text_value
    return "\x00" not in text_value and not any("\ud800" <= letter <= "\udfff" for letter in text_value)


def _bounded(occurred_at: datetime, now: datetime) -> datetime:
    """A source's clock may be wrong; an event from the future would hold up its stream's order for ever."""
    return min(occurred_at, now)
