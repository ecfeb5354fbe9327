"""Many agents' sockets in one process, each of a kind; orders come as lines, what happens goes as JSON lines.

`agents_crowd.py FILE`, where FILE is JSON: {"url": …, "members": [{"kind", "group", "instance", "token"}, …]}.
Orders: `silence GROUP`, `report`. Kinds, once they are told to be silent:

- `mute`: takes no byte from the wire and sends none; its TCP connection stays.
- `chatty`: goes on to send and to read, but answers no ping.
- `live`: is never silent; calls every few seconds and notes what comes back.
"""

import asyncio
import contextlib
import json
import random
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

OPENED_AT_ONCE = 8
OPEN_SECONDS = 60.0
COME_SECONDS = 300.0
TALK_SECONDS = 10.0
CHATTER_SECONDS = 2.0
ANSWER_SECONDS = 30.0


@dataclass
class Member:
    """One connection of one agent process."""

    kind: str
    group: str
    instance: str
    token: str
    silent: bool = False
    port: int = 0
    answered: int = 0
    worst_answer_seconds: float = 0.0
    trouble: list[str] = field(default_factory=list[str])
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    _socket: ClientConnection | None = None
    _waiting: dict[str, asyncio.Future[None]] = field(default_factory=dict[str, asyncio.Future[None]])

    async def come(self, url: str) -> None:
        """Connects and says hello, and again if the gateway has no time for it, as every agent does."""
        async with asyncio.timeout(COME_SECONDS):
            while True:
                try:
                    return await self._open(url)
                except (AssertionError, OSError, ConnectionClosed, InvalidHandshake) as error:
                    sys.stderr.write(f"{self.instance} comes again: {error!r}\n")
                    if self._socket is not None:
                        self._socket.transport.abort()
                    await asyncio.sleep(random.uniform(0.5, 3))

    async def _open(self, url: str) -> None:
        address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self._socket = socket = await connect(
            address, ping_interval=None, open_timeout=OPEN_SECONDS, close_timeout=1, compression=None, proxy=None
        )
        self.port = socket.local_address[1]
        await self._until("0")
        await socket.send('40/agents,{"token":"' + self.token + '"}')
        await self._until("40/agents")
        hello = {"instance": self.instance, "skills": ["nothing"], "capacity": 1}
        async with asyncio.timeout(OPEN_SECONDS):
            answer = ""
            while '"ok":true' not in answer:
                assert '"ok":false' not in answer or "rate_limited" in answer, answer
                await socket.send('42/agents,0["hello",' + json.dumps(hello) + "]")
                answer = await self._until("43/agents,0")
        self._tasks.append(asyncio.create_task(self._read()))
        if self.kind == "live":
            self._tasks.append(asyncio.create_task(self._talk()))

    def fall_silent(self) -> None:
        """From now on as its kind does."""
        self.silent = True
        if self.kind == "mute":
            for task in self._tasks:
                task.cancel()
            assert self._socket is not None
            self._socket.transport.pause_reading()
        elif self.kind == "chatty":
            self._tasks.append(asyncio.create_task(self._chatter()))

    async def _until(self, beginning: str) -> str:
        assert self._socket is not None
        async with asyncio.timeout(OPEN_SECONDS):
            while True:
                packet = await self._socket.recv()
                assert isinstance(packet, str)
                if packet == "2":
                    await self._socket.send("3")
                if packet.startswith(beginning):
                    return packet

    async def _read(self) -> None:
        assert self._socket is not None
        try:
            async for packet in self._socket:
                assert isinstance(packet, str)
                if packet == "2" and not self.silent:
                    await self._socket.send("3")
                elif packet.startswith("43/agents,"):
                    number = packet.removeprefix("43/agents,").partition("[")[0]
                    if number in self._waiting:
                        self._waiting.pop(number).set_result(None)
                elif packet.startswith("41"):
                    self.trouble.append("told to leave")
        except ConnectionClosed as error:
            self.trouble.append(f"closed: {error}")
            return
        self.trouble.append("closed")

    async def _chatter(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._socket.send('42/agents,["of.a.newer.agent",{}]')
                await asyncio.sleep(CHATTER_SECONDS)  # the period of its packets

    async def _talk(self) -> None:
        assert self._socket is not None
        number = 0
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5) * TALK_SECONDS)
            number += 1
            answer = self._waiting[str(number)] = asyncio.get_running_loop().create_future()
            began = time.monotonic()
            try:
                await self._socket.send(f'42/agents,{number}["ack",{{"seq":0}}]')
                async with asyncio.timeout(ANSWER_SECONDS):
                    await answer
            except ConnectionClosed:
                return
            except TimeoutError:
                self.trouble.append("no answer")
                continue
            self.answered += 1
            self.worst_answer_seconds = max(self.worst_answer_seconds, time.monotonic() - began)


def say(**what: Any) -> None:
    """One line to whoever started us."""
    print(json.dumps(what), flush=True)


async def main(given: dict[str, Any]) -> None:
    """Runs until the end of the input."""
    members = [Member(**each) for each in given["members"]]
    slots = asyncio.Semaphore(OPENED_AT_ONCE)

    async def enter(member: Member) -> None:
        async with slots:
            await member.come(given["url"])

    await asyncio.gather(*map(enter, members))
    say(event="ready", ports={member.instance: member.port for member in members})
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async for line in orders:
        order, _, group = line.decode().strip().partition(" ")
        if order == "silence":
            for member in members:
                if member.group == group:
                    member.fall_silent()
            say(event="silent", at=time.monotonic())
        elif order == "report":
            live = [member for member in members if member.kind == "live"]
            say(
                event="report",
                answered=min((member.answered for member in live), default=0),
                worst_answer_seconds=max((member.worst_answer_seconds for member in live), default=0.0),
                trouble={member.instance: member.trouble for member in live if member.trouble},
            )


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
