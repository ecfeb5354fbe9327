"""One run of a drill: conversations, load in both directions, settling, and what is judged at the end."""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from nexus.drill.checker import Accepted, Seen, check
from nexus.drill.live import Conversation, DrillError, Live
from nexus.drill.load import Sender, Webhook, in_comments, key_in
from nexus.drill.report import Report

CARD_SECONDS = 40
SETTLE_SECONDS = 90
"""On top of the second that Slack wants for each message."""
LOST_SECONDS = 20.0
"""What is not seen so long after the last thing that was on its way will not come any more."""
SECONDS_BETWEEN_MESSAGES = 0.8
"""A little faster than Slack takes them, so that something always waits while the fault is there."""
_UNDECIDED_SECONDS = 15
_POLL_SECONDS = 0.4

_CARDS = """
    SELECT clickup_task_id AS item, slack_ts AS ts FROM task_mappings
    WHERE clickup_task_id = ANY(:items) AND slack_ts IS NOT NULL
"""
_ON_ITS_WAY = """
    SELECT (SELECT count(*) FROM inbox WHERE state = 'pending' AND position(convert_to(:run, 'UTF8') in body) > 0)
         + (SELECT count(*) FROM deliveries d JOIN task_mappings m ON m.id = d.conversation_id
            WHERE m.clickup_task_id = ANY(:items) AND d.state IN ('pending', 'sending')
              AND d.kind NOT IN ('card_update', 'mute_update'))
        AS count
"""
_DEAD = """
    SELECT d.payload ->> 'text' AS said FROM deliveries d JOIN task_mappings m ON m.id = d.conversation_id
    WHERE m.clickup_task_id = ANY(:items) AND d.state = 'dead'
    UNION ALL
    SELECT convert_from(body, 'UTF8') FROM inbox
    WHERE state = 'dead' AND position(convert_to(:run, 'UTF8') in body) > 0
"""
_STALE = """
    SELECT DISTINCT t.title || ': ' || later.kind || ' of epoch ' || later.epoch AS what
    FROM tasks t JOIN task_mappings m ON m.id = t.conversation_id
    JOIN task_events later ON later.task_id = t.id AND later.answer IS NOT NULL
    JOIN task_events earlier ON earlier.task_id = t.id AND earlier.created_at < later.created_at
         AND (earlier.epoch > later.epoch OR (earlier.kind = 'task.complete' AND later.kind = 'task.complete'))
    WHERE m.clickup_task_id = ANY(:items)
"""


class Progress(Protocol):
    """Who is told how far a drill has come."""

    def begin(self, step: str) -> None:
        """The step before is over, and this one begins."""
        ...

    def detail(self, said: str) -> None:
        """Something within the step."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was done to the system."""

    what: str
    at: float
    """Unix seconds."""


@dataclass
class Run:
    """What a drill does, and what it finds out."""

    live: Live
    name: str
    seed: int
    load: int
    """Messages in each direction."""
    progress: Progress
    since: int
    """The newest entry of the sandbox's record before it began."""
    dice: random.Random = field(init=False)
    run_id: str = field(init=False)
    conversations: list[Conversation] = field(default_factory=list[Conversation])
    faults: list[Fault] = field(default_factory=list[Fault])
    sender: Sender = field(init=False)
    said: dict[str, Accepted] = field(default_factory=dict[str, Accepted])
    """What was written at the vendors themselves; it counts as accepted once Nexus has answered 200 for it."""
    accepted: dict[str, Accepted] = field(default_factory=dict[str, Accepted])
    look: Callable[[], Awaitable[list[Seen]]] | None = None
    """Finds effects that are neither mirrored comments nor mirrored replies."""
    measure: Callable[[], Awaitable[list[float]]] | None = None
    """Seconds of each recovery; None = from each fault to the next effect."""
    complaints: list[str] = field(default_factory=list[str])
    """What the drill itself found wrong, in sentences."""
    accepted_means: str = "answered 200"
    not_200: int = 0
    settled: bool = False
    _last_key: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - dice that can be thrown again
        self.run_id = "K" + _base36(int(time.time() * 10))
        self.sender = Sender([self.live.nexus_url], seed=self.seed, concurrency=4)

    def next_key(self) -> str:
        """A key that no other message of any run has."""
        self._last_key += 1
        return f"{self.run_id}-{self._last_key:06}"

    @property
    def items(self) -> list[str]:
        """Ids of the drill's tasks."""
        return [conversation.item_id for conversation in self.conversations]

    def harm(self, what: str, at: float | None = None) -> None:
        """Notes a fault, that has just been injected or was at `at`, Unix seconds."""
        self.faults.append(Fault(what, time.time() if at is None else at))

    async def open(self, count: int) -> None:
        """Somebody writes tasks for the squad; returns once each has its card. Raises DrillError."""
        self.progress.begin(f"{count} tasks for @AI_Squad, each with its card in Slack")
        await self.write_tasks(count)
        if not await self.cards():
            raise DrillError(
                f"After {CARD_SECONDS} s not every task of the drill has its card in Slack. "
                "Run `oblivion doctor`, and see .oblivion/logs/worker.log."
            )

    async def write_tasks(self, count: int) -> None:
        """Somebody writes tasks for the squad, with a key in each title."""
        for _ in range(count):
            key = self.next_key()
            item_id = await self.live.create_task(f"Drill {self.name} {key}", "@AI_Squad fix_bug")
            self.conversations.append(Conversation(key, item_id, "", time.time()))

    async def cards(self) -> bool:
        """Waits for the cards of all tasks; False when one did not come in time."""
        deadline = time.monotonic() + CARD_SECONDS
        while time.monotonic() < deadline:
            rows = await self.live.rows(_CARDS, items=self.items)
            roots = {str(row["item"]): str(row["ts"]) for row in rows}
            self.conversations = [replace(one, root_ts=roots.get(one.item_id, "")) for one in self.conversations]
            if len(roots) == len(self.conversations):
                return True
            self.progress.detail(f"{len(roots)} of {len(self.conversations)} cards")
            await asyncio.sleep(_POLL_SECONDS)  # no event tells this client
        return False

    async def traffic(self, count: int | None = None) -> None:
        """Load in both directions: comments as signed webhooks, replies as people write them."""
        count = count or self.load
        self.progress.begin(f"{count} comments and {count} !sync replies, meanwhile the fault")
        await asyncio.gather(self.send_comments(count), self.write_replies(count))

    async def send_comments(self, count: int) -> None:
        """ClickUp's webhooks about comments, signed, straight to Nexus; each belongs into a thread."""
        hook, _ = await self.live.hook()

        def webhooks() -> Iterable[Webhook]:
            for _ in range(count):
                where = self.dice.choice(self.conversations)
                yield hook.comment(self.next_key(), where.item_id, time.time(), "said in ClickUp")

        self.sender.per_second = 1 / SECONDS_BETWEEN_MESSAGES
        await self.sender.send(webhooks())

    async def write_replies(self, count: int) -> None:
        """Replies below the cards; each belongs among the comments of its task."""
        dice = random.Random(self.seed + 1)  # noqa: S311 - dice of its own: the other direction throws meanwhile
        for number in range(count):
            where = dice.choice(self.conversations)
            key = self.next_key()
            at = await self.live.reply(where.root_ts, f"!sync {key} said in Slack")
            self.said[key] = Accepted(key, in_comments(where.item_id), at, at)
            self._show(number + 1, count)
            await asyncio.sleep(SECONDS_BETWEEN_MESSAGES)

    def _show(self, number: int, count: int) -> None:
        self.progress.detail(f"{number} of {count}, {len(self.faults)} faults")

    @asynccontextmanager
    async def meanwhile(self, harming: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
        """Does harm until the end of the block."""
        task = asyncio.create_task(harming)
        try:
            yield
        finally:
            # Again and again: in one of twenty cases redis-py answers its caller and forgets that it was cancelled.
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=1)
        if not task.cancelled():
            task.result()

    # --- afterwards ---

    async def settle(self) -> None:
        """Returns once everything has arrived and nothing is on its way, or when that has taken too long."""
        self.progress.begin("Everything settles")
        started = time.monotonic()
        deadline = started + SETTLE_SECONDS + self.load
        idle_since: float | None = None
        while time.monotonic() < deadline:
            await self._count_answers()
            undecided = len(self.said) - len(self.said.keys() & self.accepted.keys())
            waiting = (await self.live.rows(_ON_ITS_WAY, run=self.run_id, items=self.items))[0]["count"]
            self.progress.detail(f"{waiting} on their way")
            if waiting == 0 and (undecided == 0 or time.monotonic() > started + _UNDECIDED_SECONDS):
                missing = await self._missing()
                idle_since = idle_since or time.monotonic()
                if not missing or time.monotonic() > idle_since + LOST_SECONDS:
                    self.settled = True
                    return
                self.progress.detail(f"{len(missing)} not seen yet")
            else:
                idle_since = None
            await asyncio.sleep(_POLL_SECONDS)  # no event tells that nothing happens any more

    async def _missing(self) -> set[str]:
        seen = {effect.key for effect in await self.seen()}
        return self.accepted.keys() - seen - await self._dead()

    async def seen(self) -> list[Seen]:
        """What stands in the outside world."""
        found = [effect for where in self.conversations if where.root_ts for effect in await self.live.seen(where)]
        return found if self.look is None else [*found, *await self.look()]

    async def _dead(self) -> set[str]:
        rows = await self.live.rows(_DEAD, run=self.run_id, items=self.items)
        return {key for row in rows if (key := key_in(row["said"] or ""))}

    async def _count_answers(self) -> None:
        """Which of the things said at the vendors Nexus has answered 200."""
        self.not_200 = sum(attempt.status != 200 for attempt in self.sender.attempts)
        for event in self.sender.accepted:
            self.accepted.setdefault(event.key, event)
        for made in await self.live.deliveries(self.since, "slack", "message"):
            key = key_in(str(json.loads(made["body"])["event"].get("text", "")))
            if key not in self.said:
                continue
            if made["outcome"] == "ok":
                said = self.said[key]
                self.accepted.setdefault(key, Accepted(key, said.conversation, said.at_source, made["time"]))
            else:
                self.not_200 += 1

    async def judge(self) -> Report:
        """Joins what was accepted with what was seen."""
        seen = await self.seen()
        dead = await self._dead()
        stale = [str(row["what"]) for row in await self.live.rows(_STALE, items=self.items)]
        unacknowledged = self.sender.unacknowledged | (self.said.keys() - self.accepted.keys())
        verdict = check(self.accepted.values(), seen, dead=dead, stale=stale, unacknowledged=unacknowledged)
        faults: dict[str, int] = {}
        for fault in self.faults:
            faults[fault.what] = faults.get(fault.what, 0) + 1
        return Report(
            name=self.name,
            seed=self.seed,
            faults=faults,
            load={"conversations": len(self.conversations), "messages_each_way": self.load},
            counts={
                "sent": len(self.accepted.keys() | unacknowledged),
                f"accepted ({self.accepted_means})": len(self.accepted),
                "not 200": self.not_200,
                "effects seen": len(seen),
                "lost": len(verdict.lost),
                "doubled": len(verdict.doubled),
                "out of order": len(verdict.inversions),
                "stale-epoch writes": len(verdict.stale_commits),
                "unexpected": len(verdict.unexpected),
                "dead": len(verdict.dead),
            },
            recovery=self._until_next_effect(seen) if self.measure is None else await self.measure(),
            verdict=verdict,
            figures={"settled": "yes" if self.settled else "no", "marked as late": len(verdict.late)},
        )

    def _until_next_effect(self, seen: list[Seen]) -> list[float]:
        instants = sorted(effect.call_at for effect in seen)
        found = [next((at - fault.at for at in instants if at > fault.at), None) for fault in self.faults]
        return [seconds for seconds in found if seconds is not None]

    async def close_tasks(self) -> None:
        """Leaves nothing open behind."""
        for conversation in self.conversations:
            await self.live.change_task(conversation.item_id, status="complete")


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    found = ""
    while number:
        number, last = divmod(number, 36)
        found = digits[last] + found
    return found
