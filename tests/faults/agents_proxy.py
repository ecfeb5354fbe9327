"""A network between agents and gateways that breaks: connections are cut, or stop to carry anything."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_CHUNK_BYTES = 64 * 1024


@dataclass(eq=False)
class _Line:
    ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    target: str
    flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def cut(self) -> None:
        for end in self.ends:
            end.transport.abort()


@dataclass
class Network:
    """One address for several gateways; each connection goes to one of those that answer."""

    url: str
    targets: list[str]
    dice: random.Random
    lines: set[_Line] = field(default_factory=set[_Line])

    def cut(self, count: int) -> int:
        """Breaks so many connections, of both sides at once and in the middle of whatever they carry."""
        chosen = self.dice.sample(sorted(self.lines, key=id), min(count, len(self.lines)))
        for line in chosen:
            line.cut()
        return len(chosen)

    async def stall(self, count: int, seconds: float) -> int:
        """Lets nothing through on so many connections for a while; nobody is told."""
        chosen = self.dice.sample(sorted(self.lines, key=id), min(count, len(self.lines)))
        for line in chosen:
            line.flowing.clear()
        await asyncio.sleep(seconds)  # the fault's length
        for line in chosen:
            line.flowing.set()
        return len(chosen)


@asynccontextmanager
async def running_network(targets: Sequence[str], seed: int) -> AsyncGenerator[Network]:
    """Listens on a port of its own."""
    network = Network("", list(targets), random.Random(seed))
    pumps: set[asyncio.Task[None]] = set()

    async def pump(line: _Line, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(_CHUNK_BYTES):
                await line.flowing.wait()
                sink.write(data)
                await sink.drain()
        with suppress(ConnectionError, RuntimeError):
            sink.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for target in network.dice.sample(network.targets, len(network.targets)):
            address = urlsplit(target)
            with suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection(address.hostname, address.port)
                break
        else:
            writer.transport.abort()
            return
        line = _Line((writer, far_writer), target)
        line.flowing.set()
        network.lines.add(line)
        both = [asyncio.create_task(pump(line, *ends)) for ends in ((reader, far_writer), (far_reader, writer))]
        pumps.update(both)
        await asyncio.wait(both)
        pumps.difference_update(both)
        network.lines.discard(line)
        line.cut()

    server = await asyncio.start_server(carry, "127.0.0.1", 0, backlog=1024)
    network.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield network
    finally:
        server.close()
        for line in list(network.lines):
            line.flowing.set()
            line.cut()
        for task in list(pumps):
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
