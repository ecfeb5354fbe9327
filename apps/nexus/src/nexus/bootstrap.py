"""Settings → Nexus: the one module that knows every part."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

import socketio
from prometheus_client import CollectorRegistry
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from nexus.auth.agents import AgentDirectory
from nexus.auth.clients import Clients
from nexus.auth.keys import SigningKeys
from nexus.auth.throttle import FailureThrottle
from nexus.auth.tokens import Tokens
from nexus.doorbell import Bells, redis_client
from nexus.gateway.presence import Presence
from nexus.gateway.server import Gateway
from nexus.gateway.sessions import Sessions
from nexus.http.app import create_app
from nexus.http.front import Front
from nexus.http.metrics import IngestMetrics
from nexus.http.parts import HttpParts
from nexus.http.webhooks import WebhookDoor
from nexus.integrations import discover
from nexus.kit.clock import Clock, SystemClock
from nexus.kit.logging import get_logger
from nexus.kit.sealing import Sealer
from nexus.listening import Listening
from nexus.pipeline.claims import Claims
from nexus.pipeline.connections import Connections
from nexus.pipeline.delivery import Deliverer
from nexus.pipeline.inbox import Inbox
from nexus.pipeline.links import Links
from nexus.pipeline.mirror import Mirror
from nexus.pipeline.onboarding import Onboarding
from nexus.pipeline.routing import Router
from nexus.pipeline.sync import Sync
from nexus.settings import Settings
from nexus.store.database import Database
from nexus.tasks.cancelling import Cancelling
from nexus.tasks.commands import AgentCommands
from nexus.tasks.desk import TaskDesk
from nexus.tasks.dispatch import Dispatcher
from nexus.worker import WorkerProcess

log = get_logger(__name__)


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
    directory: AgentDirectory
    bells: Bells
    inbox: Inbox
    links: Links
    onboarding: Onboarding
    desk: TaskDesk

    def worker(self) -> WorkerProcess:
        """The worker role."""
        claims = Claims(self.db)
        mirror = Mirror(self.connections, self.desk, self.clock)
        sync = Sync(self.connections, self.desk, self.clock)
        router = Router(self.db, self.connections, mirror, sync, claims, self.clock)
        deliverer = Deliverer(self.db, self.connections, claims)
        return WorkerProcess(self.db, claims, router, deliverer, Dispatcher(self.db, self.clock), self.bells)

    def listening(self) -> Listening:
        """Connections of our own over which vendors send events."""
        return Listening(self.db, self.connections, self.inbox)

    def gateway(self) -> Gateway:
        """The sockets of agents."""
        name = f"gw-{secrets.token_hex(6)}"
        return Gateway(
            self.db,
            self.tokens,
            AgentCommands(self.db, self.clock),
            Sessions(self.db, self.clock, name),
            Presence(redis_client(self.settings.required("redis_url")), name),
            self.bells,
            self.clock,
        )

    def application(self, gateway: Gateway) -> Front:
        """The ASGI application of the gateway role: webhooks, sockets, API."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        parts = HttpParts(
            db=self.db,
            keys=self.keys,
            tokens=self.tokens,
            clients=self.clients,
            directory=self.directory,
            linker=self.links,
            catalog=self.links,
            canceller=Cancelling(self.db, self.desk, self.bells),
            connector=self.onboarding,
            clock=self.clock,
            registry=registry,
            redis_ping=self.bells.ping,
            draining=lambda: gateway.draining,
            version=version("oblivion-nexus"),
            throttle=FailureThrottle(self.clock),
            cors_origins=tuple(self.settings.cors_origins),
        )
        api = create_app(parts)
        sockets = socketio.ASGIApp(gateway.sio, socketio_path="/socket.io")
        return Front(WebhookDoor(self.inbox, IngestMetrics(registry)), sockets, api)


@asynccontextmanager
async def open_nexus(settings: Settings, *, clock: Clock | None = None) -> AsyncGenerator[Nexus]:
    """Connects everything, and closes it at the end. Raises SettingsError."""
    clock = clock or SystemClock()
    db = Database(settings.required("database_url"))
    sealer = Sealer(settings.secret_keys())
    integrations = discover()
    connections = Connections(db, sealer, integrations)
    keys = SigningKeys(db, sealer, clock)
    clients = Clients(db, sealer, clock)
    bells = Bells(settings.required("redis_url"))
    inbox = Inbox(db, connections, bells, clock)
    nexus = Nexus(
        settings=settings,
        clock=clock,
        db=db,
        sealer=sealer,
        connections=connections,
        keys=keys,
        tokens=Tokens(keys, settings.issuer or settings.public_url, clock),
        clients=clients,
        directory=AgentDirectory(db, clients, clock),
        bells=bells,
        inbox=inbox,
        links=Links(db, connections, inbox, clock),
        onboarding=Onboarding(db, connections, sealer, clock, settings.public_url),
        desk=TaskDesk(clock),
    )
    try:
        yield nexus
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(bells.aclose(), 3)
        for integration in integrations.values():
            await integration.aclose()
        await db.aclose()
