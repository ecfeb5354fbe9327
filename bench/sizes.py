"""Cost with size: the same work in a small installation and in big ones, in turns (README.md)."""

import itertools
import random
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from statistics import median
from uuid import UUID

from bench.__main__ import Effort
from bench.http_load import Heard, request, send
from bench.results import Result, Row, milliseconds, paired_ratio, percentile
from bench.stored import EVERY_SECONDS, Holding, Installation, running
from nexus.http.paging import encode_cursor
from nexus.kit.clock import SystemClock
from nexus.kit.ids import new_id
from nexus.tasks.dispatch import Dispatcher

TENANTS = (1, 10, 100)
TASKS = (1_000, 100_000, 1_000_000)
FEW_TASKS = TASKS[0]
TARGET, MOONSHOT = 1.3, 1.1
WEBHOOKS_PER_SECOND = 100
CONNECTIONS = 8
TURNS = 3
"""In a round, at full effort; all installations take part in each."""
OFFERS = 5
"""In a turn."""
PAGES = ("tasks", "tasks, deep", "deliveries", "deliveries, deep", "overview")

Measure = Callable[[Installation], Awaitable[list[float]]]
"""One turn of one kind of work; the seconds that each took."""


async def run(effort: Effort) -> Result:
    """Fills one installation for each size and does the same in all of them."""
    tasks = sorted({effort.sized(size, FEW_TASKS) for size in TASKS})
    small = Holding(1, FEW_TASKS)
    by_tenants = [small, *(Holding(count, FEW_TASKS) for count in TENANTS[1:])]
    by_tasks = [small, *(Holding(1, count) for count in tasks[1:])]
    began = time.monotonic()
    async with running([*by_tenants, *by_tasks[1:]]) as installations:
        filled_seconds = time.monotonic() - began
        first = installations[0]
        more_tenants = {str(one.holding.tenants): one for one in installations[: len(by_tenants)]}
        more_tasks = {f"{one.holding.tasks:,}": one for one in (first, *installations[len(by_tenants) :])}
        work = Work(effort.seconds / 12)
        await work.prepare(installations)
        of_tenants = await _compared(effort, more_tenants, {"ingest": work.ingest})
        kinds: dict[str, Measure] = {"ingest": work.ingest, "dispatch": work.dispatch}
        kinds |= {page: work.page(page) for page in PAGES}
        of_tasks = await _compared(effort, more_tasks, kinds)
    result = Result("sizes", raw={"filled_seconds": filled_seconds, "tenants": of_tenants, "tasks": of_tasks})
    result.rows = [
        _row(f"cost with {', '.join(more_tenants)} tenants: p99 of ingest", of_tenants),
        _row(f"cost with {', '.join(more_tasks)} stored tasks: p99 of ingest, dispatch and list pages", of_tasks),
    ]
    result.notes = [
        "Each size is a database of its own on one PostgreSQL server, with a gateway of its own; all take "
        f"turns of up to {work.seconds:.2f} s, {effort.sized(TURNS)} in each of {effort.rounds} rounds.",
        "What is compared is the p99 (and p50) of each round with that of the smallest size: the median of all rounds.",
        f"The smallest size was measured twice. Its worst p99 against itself, which is noise: "
        f"{_worst(of_tenants, itself=True)[1]['p99_ratio']:.2f}× in the first row, "
        f"{_worst(of_tasks, itself=True)[1]['p99_ratio']:.2f}× in the second.",
        f"Ingest: {WEBHOOKS_PER_SECOND} signed ClickUp webhooks a second over all tenants, {CONNECTIONS} connections. "
        "Dispatch: one run of the dispatcher with one task that waits and one agent that is free. Pages: one client, "
        "one request after the other, 50 rows; deep is the middle of the list.",
        "A stored task is a conversation, its task, an event of it, the webhook that asked for it and the reply; one "
        f"was asked for every {EVERY_SECONDS} s, and the newest ones are at work. The search index is left out.",
        *_each("tenants", of_tenants),
        *_each("stored tasks", of_tasks),
    ]
    return result


class Work:
    """What is done in an installation and timed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        """Of one turn of HTTP."""
        self._random = random.Random(1)
        self._middle: dict[tuple[str, int], str] = {}

    async def prepare(self, installations: Sequence[Installation]) -> None:
        """Looks up where the middles of the lists are, and does everything once."""
        for one in installations:
            for page, table in (("tasks", "task_mappings"), ("deliveries", "deliveries")):
                row = await one.owner.fetchrow(
                    f"SELECT created_at, id FROM {table} WHERE tenant_id = $1 "
                    "ORDER BY created_at OFFSET $2 LIMIT 1",
                    one.tenants[0], one.holding.tasks // one.holding.tenants // 2,
                )  # fmt: skip
                assert row is not None
                at: datetime = row["created_at"]
                self._middle[page, id(one)] = encode_cursor((at, UUID(str(row["id"]))))
            for measure in (self.ingest, self.dispatch, *(self.page(page) for page in PAGES)):
                await measure(one)

    async def ingest(self, one: Installation) -> list[float]:
        """Webhooks at a fixed rate, each about some stored task of some tenant."""
        count = round(self.seconds * WEBHOOKS_PER_SECOND) + 1
        webhooks = [self._webhook(one, number) for number in range(count)]
        return _all(200, await send(
            "127.0.0.1", one.port, iter(webhooks),
            seconds=self.seconds, connections=CONNECTIONS, per_second=WEBHOOKS_PER_SECOND,
        ))  # fmt: skip

    def _webhook(self, one: Installation, number: int) -> bytes:
        hook = one.hooks[number % len(one.hooks)]
        item = f"item{self._random.randrange(one.holding.tasks) + 1}"
        webhook = hook.comment(f"K0-{secrets.token_hex(6)}", item, time.time(), "said " * 20)
        return request("POST", "/webhooks/clickup", "127.0.0.1", webhook.headers(time.time()), webhook.body)

    def page(self, name: str) -> Measure:
        """One page of the dashboard, again and again."""
        what, _, deep = name.partition(", ")

        async def measure(one: Installation) -> list[float]:
            path = f"/v1/{what}?cursor={self._middle[what, id(one)]}" if deep else f"/v1/{what}"
            asked = request("GET", path, "127.0.0.1", {"authorization": f"Bearer {one.token}"})
            heard = await send("127.0.0.1", one.port, itertools.repeat(asked), seconds=self.seconds / 2, connections=1)
            return _all(200, heard)

        return measure

    async def dispatch(self, one: Installation) -> list[float]:
        """From a task that waits to its offer, without the wait for the dispatcher's turn."""
        await one.owner.execute("UPDATE agent_sessions SET last_seen_at = now(), closed_at = NULL")
        dispatcher = Dispatcher(one.nexus.db, SystemClock())
        took: list[float] = []
        for _ in range(OFFERS):
            task_id = await self._waiting_task(one)
            began = time.perf_counter()
            offers = await dispatcher.run_once()
            took.append(time.perf_counter() - began)
            if offers != 1:
                raise RuntimeError(f"{offers} offers were made where one task waited")
            await one.owner.execute(
                "UPDATE tasks SET state = 'completed', finished_at = now(), lease_until = NULL WHERE id = $1", task_id
            )
            await one.owner.execute("UPDATE agent_messages SET acked_at = now() WHERE task_id = $1", task_id)
        return took

    @staticmethod
    async def _waiting_task(one: Installation) -> UUID:
        conversation_id, task_id = new_id(), new_id()
        await one.owner.execute(
            """INSERT INTO task_mappings (id, tenant_id, tracker, tracker_connection_id, item_id, list_id,
                   project_mapping_id, chat, chat_connection_id, channel_id, root_ts, title, url, snapshot, alias)
               SELECT $1, tenant_id, tracker, tracker_connection_id, $2, list_id, id, chat, chat_connection_id,
                   channel_id, $2, 'Waits', '', '{}', 'AI_Squad' FROM project_mappings WHERE tenant_id = $3""",
            conversation_id, str(conversation_id), one.tenants[0],
        )  # fmt: skip
        await one.owner.execute(
            """INSERT INTO tasks (id, tenant_id, conversation_id, alias, type, title, instructions, expires_at)
               VALUES ($1, $2, $3, 'AI_Squad', 'fix_bug', 'Waits', 'Do it', now() + interval '1 day')""",
            task_id, one.tenants[0], conversation_id,
        )  # fmt: skip
        return task_id


def _all(status: int, heard: Heard) -> list[float]:
    if set(heard.statuses) != {status}:
        raise RuntimeError(f"not all answers were {status}: {dict(heard.statuses)}")
    return heard.latencies


async def _compared(
    effort: Effort, sizes: dict[str, Installation], kinds: dict[str, Measure]
) -> dict[str, dict[str, dict[str, float]]]:
    """Figures by kind of work and size, the first size once more as `itself`: p50, p99, and ratios to the first."""
    sides = [*sizes.items(), ("itself", next(iter(sizes.values())))]
    base = sides[0][0]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for kind, measure in kinds.items():
        rounds: dict[str, list[list[float]]] = defaultdict(list)
        for _ in range(effort.rounds):
            for name, _one in sides:
                rounds[name].append([])
            for turn in range(effort.sized(TURNS)):
                place = turn % len(sides)
                for name, one in (*sides[place:], *sides[:place]):
                    rounds[name][-1] += await measure(one)
        shares = {
            name: {share: [percentile(one, share) for one in each] for share in (0.5, 0.99)}
            for name, each in rounds.items()
        }
        found[kind] = {
            name: {
                "p50": median(each[0.5]),
                "p99": median(each[0.99]),
                "p50_ratio": paired_ratio(each[0.5], shares[base][0.5]),
                "p99_ratio": paired_ratio(each[0.99], shares[base][0.99]),
            }
            for name, each in shares.items()
        }
    return found


Found = dict[str, dict[str, dict[str, float]]]


def _worst(found: Found, *, itself: bool = False) -> tuple[str, dict[str, float]]:
    """What and where the p99 has grown most, and its figures."""
    every = [
        (f"{kind} at {name}", figures)
        for kind, each in found.items()
        for name, figures in list(each.items())[1:]
        if (name == "itself") is itself
    ]
    return max(every, key=lambda one: one[1]["p99_ratio"])


def _row(what: str, found: Found) -> Row:
    where, figures = _worst(found)
    ratio = figures["p99_ratio"]
    measured = f"{ratio:.2f}× ({where}; its p50 {figures['p50_ratio']:.2f}×)"
    return Row(f"{what}, against the smallest", f"≤ {TARGET}×", f"{MOONSHOT}×", measured, ratio <= TARGET)


def _each(of: str, found: Found) -> Iterator[str]:
    for kind, each in found.items():
        told = "; ".join(
            f"{name}: {milliseconds(figures['p50'])} / {milliseconds(figures['p99'])}"
            + (f" ({figures['p50_ratio']:.2f}× / {figures['p99_ratio']:.2f}×)" if number else "")
            for number, (name, figures) in enumerate(each.items())
            if name != "itself"
        )
        yield f"{kind.capitalize()}, p50 / p99 by {of}: {told}."
