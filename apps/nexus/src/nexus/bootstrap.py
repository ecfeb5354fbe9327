"""Settings → Nexus: the one module that knows every part.

The doors (HTTP, sockets, MCP) are imported when one is opened: a command of the shell opens none, and they take longer
to import than all the rest.
"""

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from nexus.auth.agents import AgentDirectory
from nexus.auth.clients import Clients
from nexus.auth.keys import SigningKeys
from nexus.auth.members import Members
from nexus.auth.standing import Standing
from nexus.auth.tokens import Tokens
from nexus.doorbell import Bells, redis_client
from nexus.http.gauges import DoorbellMetrics, ProcessMetrics, StateMetrics
from nexus.http.metrics import IngestMetrics, LimitMetrics, VendorMetrics, WorkMetrics
from nexus.integrations import discover, names
from nexus.kit.clock import Clock
from nexus.kit.limiting import Limiter
from nexus.kit.logging import get_logger
from nexus.kit.pulse import Pulses
from nexus.kit.sealing import Sealer
from nexus.kit.telemetry import Allowed, Telemetry, start
from nexus.listening import Listening
from nexus.pipeline.catalog import Catalog
from nexus.pipeline.circuit import Circuits
from nexus.pipeline.claims import Claims
from nexus.pipeline.connections import Connections
from nexus.pipeline.delivery import Deliverer
from nexus.pipeline.inbox import Inbox
from nexus.pipeline.items import Items
from nexus.pipeline.links import Links
from nexus.pipeline.mirror import Mirror
from nexus.pipeline.onboarding import Onboarding
from nexus.pipeline.reconcile import SWEEP_SECONDS, WATCH_SECONDS, Reconciler
from nexus.pipeline.routing import Router
from nexus.pipeline.steps import KEYS
from nexus.pipeline.subscriptions import Subscriptions
from nexus.pipeline.sync import Sync
from nexus.search.embed import Embedder, PackagedEmbedder
from nexus.search.embedded import EmbeddedIndex
from nexus.search.endpoint import EndpointEmbedder
from nexus.search.history import History
from nexus.search.indexer import Indexer
from nexus.search.memory import Memory
from nexus.search.server import ServerIndex, connect
from nexus.search.store import Collection, Index
from nexus.settings import Settings
from nexus.store.clock import DatabaseClock
from nexus.store.database import Database
from nexus.tasks.commands import AgentCommands
from nexus.tasks.desk import TaskDesk
from nexus.tasks.dispatch import Dispatcher
from nexus.tasks.muting import Muting
from nexus.tasks.steering import Steering
from nexus.worker import WorkerProcess

if TYPE_CHECKING:
    from fastapi import FastAPI

    from nexus.gateway.server import Gateway
    from nexus.http.front import Front
    from nexus.http.parts import HealthParts
    from nexus.mcp.service import AgentTools

log = get_logger(__name__)

VERSION = version("oblivion-nexus")

_SPANS = Allowed(
    keys=KEYS,
    names={
        "nexus": re.compile(r".+"),
        "fastapi": re.compile(r"[A-Z]+( /[\w{}/.:-]*)?"),
        # Its names end with what a client wrote.
        "mcp-python-sdk": re.compile(r"(initialize|ping|tools/list|tools/call|server/discover)\b"),
    },
)
"""What leaves in spans; whose names these are is said by the libraries that make them."""


@dataclass(frozen=True)
class Metrics:
    """What this process shows of itself, whatever its role."""

    registry: CollectorRegistry
    ingest: IngestMetrics
    work: WorkMetrics
    limits: LimitMetrics
    process: ProcessMetrics
    state: StateMetrics


@dataclass(frozen=True)
class Nexus:
    """The parts that every role shares, and what is made of them."""

    settings: Settings
    clock: Clock
    db: Database
    sealer: Sealer
    connections: Connections
    keys: SigningKeys
    tokens: Tokens
    clients: Clients
    standing: Standing
    directory: AgentDirectory
    members: Members
    limiter: Limiter
    bells: Bells
    pulses: Pulses
    inbox: Inbox
    links: Links
    onboarding: Onboarding
    desk: TaskDesk
    memory: Memory
    metrics: Metrics

    def worker(self) -> WorkerProcess:
        """The worker role."""
        claims = Claims(self.db)
        mirror = Mirror(self.connections, self.desk, self.clock)
        sync = Sync(self.connections, self.desk, self.clock)
        items = Items(self.desk)
        router = Router(self.db, self.connections, items, mirror, sync, claims, self.clock)
        deliverer = Deliverer(self.db, self.connections, claims)
        meter = self.metrics.work
        dispatcher = Dispatcher(self.db, self.clock, meter=meter)
        return WorkerProcess(self.db, claims, router, deliverer, dispatcher, self.bells, self.pulses, meter)

    def listening(self) -> Listening:
        """Connections of our own over which vendors send events."""
        return Listening(self.db, self.connections, self.inbox)

    def reconciler(self, *, watch_seconds: float = WATCH_SECONDS, sweep_seconds: float = SWEEP_SECONDS) -> Reconciler:
        """Sees to it that events reach us, and reads back what did not."""
        return Reconciler(
            self.db,
            self.connections,
            self.inbox,
            Subscriptions(self.db, self.sealer, self.clock),
            self.clock,
            self.settings.public_url,
            watch_seconds=watch_seconds,
            sweep_seconds=sweep_seconds,
        )

    def indexer(self) -> Indexer:
        """Feeds the search index. Runs where the index is: beside the gateway, or with a Qdrant server in a worker."""
        return Indexer(self.db, self.memory)

    def gateway(self) -> "Gateway":
        """The sockets of agents, and of who watches."""
        from nexus.gateway.admin import NAMESPACE as ADMIN
        from nexus.gateway.admin import AdminDoor
        from nexus.gateway.presence import Presence
        from nexus.gateway.server import NAMESPACE as AGENTS
        from nexus.gateway.server import Gateway
        from nexus.gateway.sessions import Sessions
        from nexus.gateway.sockets import Sockets

        name = f"gw-{secrets.token_hex(6)}"
        sockets = Sockets((AGENTS, ADMIN))
        admin = AdminDoor(
            sockets,
            self.tokens,
            self.standing,
            self.db,
            self.bells,
            self.clock,
            self.pulses,
            labels=self._labels,
            origins=frozenset(self.settings.socket_origins()),
        )
        return Gateway(
            self.db,
            self.tokens,
            self._commands(),
            Sessions(self.db, self.clock, name),
            Presence(redis_client(self.settings.required("redis_url")), name),
            self.bells,
            self.clock,
            self.pulses,
            sockets,
            admin,
            self.standing,
            origins=frozenset(self.settings.cors_origins),
        )

    def application(self, gateway: "Gateway") -> "Front":
        """The ASGI application of the gateway role: webhooks, sockets, MCP, API."""
        import socketio

        from nexus.gateway.admin import NAMESPACE as ADMIN
        from nexus.gateway.server import NAMESPACE as AGENTS
        from nexus.http.app import create_app
        from nexus.http.front import Front
        from nexus.http.limits import RateLimits
        from nexus.http.parts import HttpParts
        from nexus.http.webhooks import WebhookDoor
        from nexus.mcp.door import McpDoor

        health = self._health(lambda: gateway.draining)
        limits = RateLimits(
            self.limiter,
            self.metrics.limits,
            trusted_proxies=self.settings.trusted_proxies,
            requests_per_minute=self.settings.requests_per_minute,
        )
        self.metrics.process.count_sockets("agents", lambda: len(gateway.sockets.within(AGENTS)))
        self.metrics.process.count_sockets("admin", lambda: len(gateway.sockets.within(ADMIN)))
        parts = HttpParts(
            health=health,
            db=self.db,
            keys=self.keys,
            tokens=self.tokens,
            clients=self.clients,
            standing=self.standing,
            directory=self.directory,
            members=self.members,
            linker=self.links,
            catalog=Catalog(self.connections, self.clock),
            tasks=Steering(self.db, self.desk, self.bells, self.clock),
            muting=Muting(self.db, self.bells, self.clock, self.metrics.work),
            connector=self.onboarding,
            clock=self.clock,
            limits=limits,
            cors_origins=tuple(self.settings.cors_origins),
            labels=self._labels,
            searcher=History(self.db, self.memory),
        )
        api = create_app(parts)
        sockets = socketio.ASGIApp(gateway.sio, socketio_path="/socket.io")
        mcp = McpDoor(
            self._agent_tools(gateway), self.tokens, self.standing, limits, self.settings.public_url, health.version
        )
        return Front(WebhookDoor(self.inbox, self.metrics.ingest), sockets, mcp, api)

    @property
    def _labels(self) -> dict[str, str]:
        """Integrations' names as people spell them."""
        return {name: one.label for name, one in self.connections.integrations.items()}

    def _agent_tools(self, gateway: "Gateway") -> "AgentTools":
        """What agents do that come by MCP."""
        from nexus.mcp.service import AgentTools

        history = History(self.db, self.memory)
        return AgentTools(self.db, self.clock, self._commands(), history, self.bells, lambda: gateway.draining)

    def _commands(self) -> AgentCommands:
        """What agents do, over the socket and by MCP."""
        return AgentCommands(self.db, self.clock, self.metrics.work, secrets=self.connections.held_secrets)

    def health_application(self, stopping: Callable[[], bool]) -> "FastAPI":
        """The ASGI application of a role that serves nothing else: health and metrics."""
        from nexus.http.app import create_health_app

        return create_health_app(self._health(stopping))

    def _health(self, draining: Callable[[], bool]) -> "HealthParts":
        from nexus.http.parts import HealthParts

        return HealthParts(
            db=self.db,
            registry=self.metrics.registry,
            refresh=self.metrics.state.refresh,
            redis_ping=self.bells.ping,
            complaint=self.bells.complaint,
            pulses=self.pulses,
            draining=draining,
            version=VERSION,
        )


def start_traces(role: str) -> Telemetry | None:
    """Sends spans wherever `OTEL_*` or `LANGFUSE_*` say, if they do; a role is a service of its own."""
    return start(os.environ, service=f"oblivion-{role}", version=VERSION, allowed=_SPANS)


@asynccontextmanager
async def open_nexus(settings: Settings, *, clock: Clock | None = None) -> AsyncGenerator[Nexus]:
    """Connects everything, and closes it at the end. Raises SettingsError."""
    db = Database(settings.required("database_url"))
    shared = DatabaseClock(db)
    clock = clock or shared
    sealer = Sealer(settings.secret_keys())
    registry = CollectorRegistry()
    vendors = VendorMetrics(registry, names())
    integrations = discover(vendors.answered)
    connections = Connections(db, sealer, integrations, Circuits(vendors.circuit))
    keys = SigningKeys(db, sealer, clock)
    clients = Clients(db, sealer, clock)
    pulses = Pulses()
    limiter = Limiter(settings.required("redis_url"))
    bells = Bells(settings.required("redis_url"), pulses)
    inbox = Inbox(db, connections, bells, clock)
    metrics = _metrics(registry, db, clock, bells)
    nexus = Nexus(
        settings=settings,
        clock=clock,
        db=db,
        sealer=sealer,
        connections=connections,
        keys=keys,
        tokens=Tokens(keys, settings.issuer or settings.public_url, clock),
        clients=clients,
        standing=Standing(db, clients, clock),
        directory=AgentDirectory(db, clients, clock),
        members=Members(db, clock),
        limiter=limiter,
        bells=bells,
        pulses=pulses,
        inbox=inbox,
        links=Links(db, connections, inbox, clock),
        onboarding=Onboarding(db, connections, sealer, clock, settings.public_url),
        desk=TaskDesk(clock, metrics.work),
        memory=_memory(settings),
        metrics=metrics,
    )
    if clock is shared:
        with contextlib.suppress(Exception):  # whoever needs PostgreSQL at once will say that it is away
            await asyncio.wait_for(shared.look(), 3)
    looking = asyncio.create_task(shared.keep())
    try:
        yield nexus
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(nexus.memory.aclose(), 3)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(bells.aclose(), 3)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(limiter.aclose(), 3)
        for integration in integrations.values():
            await integration.aclose()
        await db.aclose()


def _metrics(registry: CollectorRegistry, db: Database, clock: Clock, bells: Bells) -> Metrics:
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    DoorbellMetrics(registry, lambda: bells.redis_up, lambda: bells.rings_lost)
    return Metrics(
        registry=registry,
        ingest=IngestMetrics(registry, names()),
        work=WorkMetrics(registry, clock, names()),
        limits=LimitMetrics(registry),
        process=ProcessMetrics(registry, db, VERSION),
        state=StateMetrics(registry, db),
    )


def _memory(settings: Settings) -> Memory:
    """The embedder and the index that the settings ask for; neither is opened before it is used."""
    embedder: Embedder = PackagedEmbedder()
    if settings.embeddings_url:
        key = settings.embeddings_api_key
        embedder = EndpointEmbedder(
            settings.embeddings_url, settings.embeddings_model, key.get_secret_value() if key else None
        )

    def index_of(collection: Collection) -> Index:
        if settings.qdrant_url is None:
            return EmbeddedIndex(settings.search_directory, collection)
        key = settings.qdrant_api_key
        client = connect(settings.qdrant_url.get_secret_value(), key.get_secret_value() if key else None)
        return ServerIndex(client, collection)

    return Memory(embedder, index_of)
