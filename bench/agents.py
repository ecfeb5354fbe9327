"""Many agents in one process: `python -m bench.agents FILE`; orders are JSON lines, and so are the answers.

FILE is JSON: {"port": …, "members": [{"token", "agent_id", "instance"}, …]}. It says {"connected", "seconds"} first.
Orders, each with "seconds" and "in_flight" (how many are not answered at any time):

- `calls`: agents send a command that is refused before anything is looked up: the way there and back.
- `durable`: writes events of agents into PostgreSQL and rings; each agent acknowledges its event, and the slot is free
  when the acknowledgement is answered, which is after its commit. Also has "database_url", "redis_url", "tenant_id".
- `dropped`: how many connections have been lost.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import asyncpg
import uvloop
from redis.asyncio import Redis

from bench.agent_socket import AgentSocket, Member, opened, seq_of
from bench.results import percentile
from nexus.doorbell.ringer import CHANNEL

OPENED_AT_ONCE = 64
CONNECT_SECONDS = 120.0
"""Whoever is not let in by then stays away."""
ANSWER_SECONDS = 30.0
AGAIN_SECONDS = 0.5
NO_COMMAND = b'{"seq":-1}'
INSERT = """
    INSERT INTO agent_messages (id, tenant_id, agent_id, seq, instance, event, payload)
    SELECT id, $1, agent_id, seq, instance, 'task.assigned', payload
    FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::jsonb[])
         AS made (id, agent_id, seq, instance, payload)
"""


class Agents:
    """All sockets of this process."""

    def __init__(self, port: int, members: list[Member]) -> None:
        self.sockets: list[AgentSocket] = []
        self.dropped = self.refused = 0
        self._port = port
        self._members = members
        self._all_ready = asyncio.Event()
        self._is_late = False
        self._again: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(OPENED_AT_ONCE)

    async def connect(self) -> float:
        """Returns when all are in, or it has taken too long; how many seconds it took."""
        began = time.monotonic()
        coming = [asyncio.create_task(self._come(member)) for member in self._members]
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._all_ready.wait()
        self._is_late = True
        for task in coming:
            task.cancel()
        return time.monotonic() - began

    async def _come(self, member: Member) -> None:
        await self._slots.acquire()
        socket = AgentSocket(member, self._ready)
        socket.on_lost = self._not_let_in
        try:
            await opened(self._port, socket)
        except OSError:
            self._not_let_in(socket)

    async def _come_again(self, member: Member) -> None:
        self.refused += 1
        await asyncio.sleep(AGAIN_SECONDS)  # as every client waits before it tries again
        await self._come(member)

    def _ready(self, socket: AgentSocket) -> None:
        self._slots.release()
        if self._is_late:
            socket.leave()
            return
        socket.on_lost = self._dropped
        self.sockets.append(socket)
        if len(self.sockets) == len(self._members):
            self._all_ready.set()

    def _dropped(self, _socket: AgentSocket) -> None:
        self.dropped += 1

    def _not_let_in(self, socket: AgentSocket) -> None:
        self._slots.release()
        if not self._is_late:
            self._again.add(again := asyncio.create_task(self._come_again(socket.member)))
            again.add_done_callback(self._again.discard)

    async def calls(self, seconds: float, in_flight: int) -> dict[str, Any]:
        """So many commands under way at any time, of so many agents, each in turn."""
        waiting = deque(self.sockets)
        until = time.monotonic() + seconds
        sent: dict[AgentSocket, float] = {}
        latencies: list[float] = []
        done = asyncio.Event()

        def send() -> None:
            socket = waiting.popleft()
            sent[socket] = time.monotonic()
            socket.call(b"ack", NO_COMMAND)

        def answered(socket: AgentSocket, _answer: bytes, now: float) -> None:
            latencies.append(now - sent.pop(socket))
            waiting.append(socket)
            if now < until:
                send()
            elif not sent:
                done.set()

        for socket in self.sockets:
            socket.on_answer = answered
        began = time.monotonic()
        for _ in range(min(in_flight, len(self.sockets))):
            send()
        async with asyncio.timeout(seconds + ANSWER_SECONDS):
            await done.wait()
        return _told(latencies, time.monotonic() - began)

    async def durable(
        self, seconds: float, in_flight: int, database_url: str, redis_url: str, tenant_id: str
    ) -> dict[str, Any]:
        """Events that wait in PostgreSQL until their acknowledgement is committed."""
        waiting = deque(self.sockets)
        due_at: dict[AgentSocket, float] = {}
        heard_at: dict[AgentSocket, float] = {}
        latencies: list[float] = []
        acks: list[float] = []
        again = refused = 0
        free = asyncio.Event()

        def event(socket: AgentSocket, packet: bytes, now: float) -> None:
            nonlocal again
            if socket in heard_at or socket not in due_at:
                again += 1
                return
            heard_at[socket] = now
            socket.call(b"ack", b'{"seq":%d}' % seq_of(packet))

        def answered(socket: AgentSocket, answer: bytes, now: float) -> None:
            nonlocal refused
            refused += b'"ok":true' not in answer
            latencies.append(now - due_at.pop(socket))
            acks.append(now - heard_at.pop(socket))
            waiting.append(socket)
            free.set()

        for socket in self.sockets:
            socket.on_event, socket.on_answer = event, answered
        connection: Any = await asyncpg.connect(database_url)
        redis = cast(Any, Redis).from_url(redis_url)
        numbers: Counter[str] = Counter()
        rows = await connection.fetch("SELECT agent_id::text, max(seq) FROM agent_messages GROUP BY agent_id")
        numbers.update({row[0]: row[1] for row in rows})
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds + ANSWER_SECONDS):
                while time.monotonic() < began + seconds:
                    free.clear()
                    chosen = [waiting.popleft() for _ in range(min(in_flight - len(due_at), len(waiting)))]
                    if chosen:
                        # Written down before: an event may be here before PostgreSQL's answer to its commit.
                        due_at.update(dict.fromkeys(chosen, time.monotonic()))
                        await connection.execute(INSERT, tenant_id, *_columns(chosen, numbers))
                        await redis.publish(CHANNEL, "agents")
                    await free.wait()
                while due_at:
                    free.clear()
                    await free.wait()
        finally:
            await connection.close()
            await redis.aclose()
        told = _told(latencies, time.monotonic() - began)
        return {
            **told,
            "ack_p50": percentile(acks, 0.5),
            "ack_p99": percentile(acks, 0.99),
            "again": again,
            "no": refused,
        }


def _told(latencies: list[float], seconds: float) -> dict[str, Any]:
    p50, p99 = percentile(latencies, 0.5), percentile(latencies, 0.99)
    return {"count": len(latencies), "rate": len(latencies) / seconds, "p50": p50, "p99": p99}


def _columns(chosen: list[AgentSocket], numbers: Counter[str]) -> list[list[Any]]:
    rows: list[tuple[Any, ...]] = []
    for socket in chosen:
        agent_id, instance = socket.member.agent_id, socket.member.instance
        numbers[agent_id] += 1
        seq = numbers[agent_id]
        row_id = uuid4()
        rows.append((row_id, agent_id, seq, instance, json.dumps(assignment(str(row_id), seq))))
    return [list(column) for column in zip(*rows, strict=True)]


def assignment(delivery_id: str, seq: int) -> dict[str, Any]:
    """A `task.assigned` of some 330 bytes."""
    return {
        "delivery_id": delivery_id,
        "seq": seq,
        "task_id": "0197a1f0-7c1e-7d3a-9b1e-5f2f6c1d0a11",
        "epoch": 1,
        "type": "fix_bug",
        "title": "Login page answers 500 after the last release",
        "instructions": "@AI_Squad fix_bug: the login page answers 500.",
        "links": [{"label": "ClickUp", "url": "https://app.clickup.com/t/86b1x2c3d"}],
    }


async def _orders() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def _run(told: dict[str, Any]) -> None:
    agents = Agents(told["port"], [Member(**member) for member in told["members"]])
    seconds = await agents.connect()
    _say({"connected": len(agents.sockets), "seconds": seconds, "refused": agents.refused})
    orders = await _orders()
    while line := await orders.readline():
        order = json.loads(line)
        match order.pop("order"):
            case "calls":
                _say(await agents.calls(**order))
            case "durable":
                _say(await agents.durable(**order))
            case _:
                _say({"dropped": agents.dropped})


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(_run(json.loads(Path(sys.argv[1]).read_text())))
