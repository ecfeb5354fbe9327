"""The attackers, a process of their own: `python slow_clients.py PORT SLOW BOMBS SECONDS`; counts on stdout.

Slow ones come back ten seconds after they were thrown out. A bomb counts as withstood when it was answered with a
refusal or cut off. With port 0 they attack a server of their own that does next to nothing: what they cost whoever
works on the same machine, before anything was asked of what is attacked.
"""

import asyncio
import gzip
import json
import os
import random
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
BACK_AFTER_SECONDS = 10.0
COME_SECONDS = 2.0
DRIP_SECONDS = 2.0
AT_ONCE = 40
ANSWER_SECONDS = 25.0
HOST = b"Host: nexus\r\n"
HOOK = b"POST /webhooks/clickup HTTP/1.1\r\n" + HOST
API = b"POST /v1/agents HTTP/1.1\r\n" + HOST
UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Attack:
    """Counts what became of it."""

    def __init__(self, host: str, port: int, until: float) -> None:
        self.host, self.port, self.until = host, port, until
        self.counts: Counter[str] = Counter()

    async def open(self, receive_bytes: int | None = None) -> tuple[Reader, Writer]:
        """A connection; one that takes no more than so many bytes unless they are read."""
        made = socket.socket()
        made.setblocking(False)
        if receive_bytes is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        await asyncio.get_running_loop().sock_connect(made, (self.host, self.port))
        return await asyncio.open_connection(sock=made, limit=2**16)

    @property
    def seconds_left(self) -> float:
        return self.until - asyncio.get_running_loop().time()

    async def stay_slow(self, number: int) -> None:
        """One slow client, again and again."""
        slow = SLOW[number % len(SLOW)]
        await asyncio.sleep(random.random() * COME_SECONDS)
        while self.seconds_left > 0:
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await self.open(4096 if slow is reads_nothing else None)
                self.counts["slow connections"] += 1
                try:
                    async with asyncio.timeout(max(0.01, self.seconds_left)):
                        await slow(reader, writer)
                        self.counts["slow ones thrown out"] += 1
                except TimeoutError:
                    self.counts["slow ones at the end"] += 1
                finally:
                    writer.transport.abort()
            await asyncio.sleep(BACK_AFTER_SECONDS)

    async def throw(self, number: int) -> None:
        """One bomb."""
        bomb = BOMBS[number % len(BOMBS)]
        outcome = "cut off"
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await self.open()
                sending = asyncio.create_task(bomb(writer))
                try:
                    line = await reader.readline()
                    outcome = line.decode("latin-1").split(" ")[1] if line else outcome
                finally:
                    writer.transport.abort()
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        except TimeoutError:
            outcome = f"no answer: {bomb.__name__}"
        except OSError:
            pass
        self.counts[f"bomb: {outcome}"] += 1
        if outcome.startswith("5"):
            self.counts[f"server error: {bomb.__name__}"] += 1


# --- slow clients ---


async def drip(writer: Writer, reader: Reader, drops: bytes) -> None:
    """Sends the same again and again, until the other end is gone."""
    gone = asyncio.create_task(reader.read())
    while not gone.done():
        writer.write(drops)
        await writer.drain()
        await asyncio.wait({gone}, timeout=DRIP_SECONDS)
    await gone


async def says_nothing(reader: Reader, writer: Writer) -> None:
    await reader.read()


async def slow_head(reader: Reader, writer: Writer) -> None:
    writer.write(HOOK)
    await drip(writer, reader, b"X-A: b\r\n")


async def slow_header_line(reader: Reader, writer: Writer) -> None:
    writer.write(HOOK + b"X-Endless: ")
    await drip(writer, reader, b"a" * 100)


async def empty_lines(reader: Reader, writer: Writer) -> None:
    await drip(writer, reader, b"\r\n")


async def slow_hook_body(reader: Reader, writer: Writer) -> None:
    writer.write(HOOK + b"Content-Length: 1000000\r\n\r\n" + b"{" * 200_000)
    await drip(writer, reader, b"{")


async def slow_api_body(reader: Reader, writer: Writer) -> None:
    writer.write(API + b"Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n" + b"{" * 200_000)
    await drip(writer, reader, b"{")


async def slow_chunks(reader: Reader, writer: Writer) -> None:
    writer.write(API + b"Transfer-Encoding: chunked\r\n\r\n")
    await drip(writer, reader, b"1\r\n{\r\n")


async def body_after_answer(reader: Reader, writer: Writer) -> None:
    """The answer needs no body, which then never ends."""
    writer.write(b"GET /livez HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000000\r\n\r\n")
    await drip(writer, reader, b"x" * 1000)


async def reads_nothing(reader: Reader, writer: Writer) -> None:
    writer.transport.pause_reading()  # pyright: ignore[reportAttributeAccessIssue]
    for _ in range(12):
        writer.write(b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n")
    # What is sent to it piles up in the kernel first; how it ends is seen by writing.
    while not writer.is_closing():
        writer.write(b"\r\n")
        await writer.drain()
        await asyncio.sleep(DRIP_SECONDS)


async def unfinished_upgrade(reader: Reader, writer: Writer) -> None:
    writer.write(UPGRADE)
    await drip(writer, reader, b"X-A: b\r\n")


async def silent_socket(reader: Reader, writer: Writer) -> None:
    writer.write(UPGRADE + b"\r\n")
    await reader.read()


SLOW: list[Callable[[Reader, Writer], Awaitable[None]]] = [
    says_nothing, slow_head, slow_header_line, empty_lines, slow_hook_body, slow_api_body, slow_chunks,
    body_after_answer, reads_nothing, unfinished_upgrade, silent_socket,
]  # fmt: skip


# --- bombs ---


BOMB = b"X-Bomb: yes\r\n"


async def send(writer: Writer, *parts: bytes) -> None:
    for part in parts:
        writer.write(part)
        await writer.drain()


async def declared_gigabyte(writer: Writer) -> None:
    await send(writer, HOOK + BOMB + b"Content-Length: 1000000000\r\n\r\n")


async def declared_gigabyte_api(writer: Writer) -> None:
    await send(writer, API + BOMB + b"Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n")


async def beyond_numbers(writer: Writer) -> None:
    await send(writer, HOOK + BOMB + b"Content-Length: " + b"9" * 60 + b"\r\n\r\n")


async def chunks_over_the_limit(writer: Writer) -> None:
    await send(
        writer, HOOK + BOMB + b"Transfer-Encoding: chunked\r\n\r\n", *[b"20000\r\n" + b" " * 0x20000 + b"\r\n"] * 50
    )


async def chunks_over_the_limit_api(writer: Writer) -> None:
    head = API + BOMB + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    await send(writer, head, *[b"20000\r\n" + b" " * 0x20000 + b"\r\n"] * 12, b"0\r\n\r\n")


PACKED = gzip.compress(b" " * 50_000_000)


async def packed(writer: Writer) -> None:
    await send(writer, HOOK + BOMB + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED), PACKED)


async def large_header(writer: Writer) -> None:
    await send(writer, HOOK + BOMB + b"X-Large: " + b"a" * 100_000 + b"\r\n\r\n")


async def many_headers(writer: Writer) -> None:
    await send(writer, HOOK + BOMB + b"X: y\r\n" * 3000 + b"\r\n")


async def long_address(writer: Writer) -> None:
    await send(writer, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + BOMB + b"\r\n")


async def cookies(writer: Writer) -> None:
    await send(writer, API + BOMB + b"Cookie: " + b"a=b; " * 20_000 + b"\r\n\r\n")


async def two_lengths(writer: Writer) -> None:
    await send(writer, HOOK + BOMB + b"Content-Length: 1\r\nContent-Length: 1000000\r\n\r\n{")


async def length_and_chunks(writer: Writer) -> None:
    await send(writer, HOOK + BOMB + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /")


async def no_http(writer: Writer) -> None:
    await send(writer, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 2000)


async def large_upgrade(writer: Writer) -> None:
    await send(writer, UPGRADE + BOMB + b"Sec-WebSocket-Protocol: " + b"a," * 50_000 + b"\r\n\r\n")


BOMBS: list[Callable[[Writer], Awaitable[None]]] = [
    declared_gigabyte, declared_gigabyte_api, beyond_numbers, chunks_over_the_limit, chunks_over_the_limit_api, packed,
    large_header, many_headers, long_address, cookies, two_lengths, length_and_chunks, no_http, large_upgrade,
]  # fmt: skip


class Sink(asyncio.Protocol):
    """Holds slow ones, and turns bombs away at the first bytes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if BOMB in data or data.startswith((b"\x16", b"GET /aaa")):
            self.transport.write(b"HTTP/1.1 400 Bad\r\n\r\n")  # pyright: ignore[reportAttributeAccessIssue]
            self.transport.close()


async def main(port: int, slow: int, bombs: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    if port == 0:
        sink = await loop.create_server(Sink, "127.0.0.1", 0, backlog=2048)
        port = sink.sockets[0].getsockname()[1]
    attack = Attack("127.0.0.1", port, loop.time() + seconds)
    crowd = [asyncio.create_task(attack.stay_slow(number)) for number in range(slow)]
    slots = asyncio.Semaphore(AT_ONCE)

    async def throw(number: int) -> None:
        async with slots:
            await attack.throw(number)

    throwing: list[asyncio.Task[None]] = []
    for number in range(bombs):
        throwing.append(asyncio.create_task(throw(number)))
        await asyncio.sleep(max(0.0, attack.seconds_left - 0.2 * seconds) / (bombs - number))
    await asyncio.gather(*throwing)
    await asyncio.gather(*crowd)
    sys.stdout.write(json.dumps(attack.counts) + "\n")


if __name__ == "__main__":
    os.nice(10)  # elsewhere they would not share our cores
    asyncio.run(main(*map(int, sys.argv[1:4]), float(sys.argv[4])))
