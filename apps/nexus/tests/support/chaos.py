"""A TCP proxy on loopback that misbehaves on demand, as networks do."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

_CHUNK_BYTES = 64 * 1024
_RESET = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class _Pair:
    """One connection: the side that came to us, and the side that we opened."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    swallow: bool = False
    """For good: a path that was lost does not come back to life, only new connections find a new one."""
    task: "asyncio.Task[None] | None" = None

    def reset(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None:
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()


@dataclass
class ChaosProxy:
    """Forwards until told otherwise. Everything that it is told holds until `forward`."""

    target: tuple[str, int]
    """Host and port of the server; may be changed, for connections to come."""
    port: int = 0
    opened: int = 0
    """Connections taken since the beginning."""
    delay_seconds: float = 0.0
    _half_open: bool = False
    _listener: asyncio.Server | None = None
    _pairs: set[_Pair] = field(default_factory=set[_Pair])

    @property
    def open(self) -> int:
        """Connections that the clients still hold."""
        return len(self._pairs)

    def url(self, of: str) -> str:
        """The URL of the server with our address in place of its own."""
        parts = urlsplit(of)
        user = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{self.port}" if user else f"127.0.0.1:{self.port}"))

    async def forward(self) -> None:
        """New connections work again, and all bytes pass at once."""
        self._half_open, self.delay_seconds = False, 0.0
        if self._listener is None:
            self._listener = await asyncio.start_server(self._take, "127.0.0.1", self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Resets every connection; new ones work."""
        for pair in list(self._pairs):
            pair.reset()

    async def refuse(self) -> None:
        """Resets every connection, and refuses new ones."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.cut()
        await asyncio.sleep(0)

    def half_open(self) -> None:
        """Swallows everything in both directions and resets nothing; takes new connections and is silent there."""
        self._half_open = True
        for pair in self._pairs:
            pair.swallow = True

    def silence_connections(self) -> None:
        """The same for the connections that stand; new ones work."""
        for pair in self._pairs:
            pair.swallow = True

    def delay(self, seconds: float) -> None:
        """Each piece of data takes so much longer, in either direction."""
        self.delay_seconds = seconds

    async def aclose(self) -> None:
        """Ends everything."""
        await self.refuse()
        tasks = [pair.task for pair in self._pairs if pair.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = _Pair(writer, swallow=self._half_open, task=asyncio.current_task())
        self._pairs.add(pair)
        self.opened += 1
        back: asyncio.Task[None] | None = None
        try:
            if not pair.swallow:
                server_reader, pair.server = await asyncio.open_connection(*self.target)
                back = asyncio.create_task(self._pump(pair, server_reader, writer))
            await self._pump(pair, reader, pair.server)
        except OSError:
            pass
        finally:
            if back is not None:
                back.cancel()
                await asyncio.gather(back, return_exceptions=True)
            pair.reset()
            self._pairs.discard(pair)

    async def _pump(self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> None:
        """Returns when its side hangs up; while a connection is silent, the server's hanging up is silent, too."""
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if writer is not None and not pair.swallow:
                    writer.write(chunk)
                    await writer.drain()
        if not pair.swallow:
            pair.reset()


@asynccontextmanager
async def chaos_proxy(url: str) -> AsyncGenerator[ChaosProxy]:
    """A proxy in front of the server of a URL."""
    parts = urlsplit(url)
    assert parts.hostname is not None and parts.port is not None
    proxy = ChaosProxy((parts.hostname, parts.port))
    await proxy.forward()
    try:
        yield proxy
    finally:
        await proxy.aclose()
