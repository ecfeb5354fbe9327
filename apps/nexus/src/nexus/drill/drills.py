"""The drills: each breaks one thing on purpose while messages flow, and says what became of every one of them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import httpx
from redis.exceptions import RedisError

from nexus.drill.checker import Accepted, Seen
from nexus.drill.live import Conversation, DrillError, Live
from nexus.drill.load import in_thread, key_in
from nexus.drill.report import Report
from nexus.drill.run import Progress, Run

DEFAULT_LOAD = 24
CONVERSATIONS = 3
LONGEST_SECONDS = 300
CLEAN_UP_SECONDS = 15
REACTIVATION_SECONDS = 90
CRASHES = 3
_UNHEARD_PAUSE_SECONDS = 0.1
_IDLE_SECONDS = 10
_TASK_PAUSE_SECONDS = 1.5
"""Apart, so that the agent holds some tasks while others are still to come."""
_POLL_SECONDS = 0.2
_SETTLED = """
    SELECT id FROM inbox WHERE settled_at > to_timestamp(:after)
    UNION ALL SELECT id FROM deliveries WHERE settled_at > to_timestamp(:after) LIMIT 1
"""
_AT_WORK = """
    SELECT DISTINCT t.id, t.epoch FROM tasks t
    JOIN task_mappings m ON m.id = t.conversation_id
    JOIN task_events e ON e.task_id = t.id AND e.kind = 'task.accept' AND e.epoch = t.epoch
    WHERE m.clickup_task_id = ANY(:items) AND t.state = 'working' AND e.created_at > to_timestamp(:after)
"""
_TAKEN_UP = """
    SELECT CAST(extract(epoch FROM min(created_at)) AS double precision) AS at FROM task_events
    WHERE task_id = CAST(:task AS uuid) AND kind = 'task.accept' AND epoch > :epoch
"""
_FIRST_EFFECT = "from each fault to the next effect in Slack or ClickUp, whatever faults came in between"


class DrillName(StrEnum):
    """What can be drilled."""

    redis_down = "redis-down"
    redis_flush = "redis-flush"
    worker_kill = "worker-kill"
    slack_429 = "slack-429"
    agent_crash = "agent-crash"
    clickup_suspended = "clickup-suspended"


@dataclass(frozen=True)
class Drill:
    """What is broken, and how."""

    fault: str
    """For people, in a few words."""
    recovery: str
    """What is measured as recovery."""
    play: Callable[[Run], Awaitable[None]]
    """Opens conversations and sends the load while the fault is there. Leaves no fault behind."""
    every_webhook_200: bool = False
    """Whether a webhook that is not answered 200 at once breaks the promise (I6)."""


@dataclass(frozen=True)
class Outcome:
    """A report, and whether the drill is passed."""

    report: Report
    recovery: str
    failures: tuple[str, ...]
    """Why it is not passed, in sentences."""

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return not self.failures


async def run_drill(live: Live, name: DrillName, *, seed: int, load: int, progress: Progress) -> Outcome:
    """Runs one drill to its end, and takes its faults back whatever happens. Raises DrillError."""
    drill = DRILLS[name]
    run = Run(live, name, seed, load, progress, since=await live.last_entry())
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await drill.play(run)
            if not run.settled:
                await run.settle()
            report = await run.judge()
    except TimeoutError:
        raise DrillError(
            f"The drill was not over after {LONGEST_SECONDS} s. Try a smaller --load, and see .oblivion/logs."
        ) from None
    finally:
        with contextlib.suppress(TimeoutError, httpx.HTTPError):  # tasks that stay open do no harm
            async with asyncio.timeout(CLEAN_UP_SECONDS):
                await run.close_tasks()
    return Outcome(report, drill.recovery, _failures(drill, run, report))


def _failures(drill: Drill, run: Run, report: Report) -> tuple[str, ...]:
    verdict = report.verdict
    found = (
        (len(verdict.lost), "accepted and never seen again"),
        (len(verdict.doubled), "seen more than once"),
        (len(verdict.inversions), "out of order"),
        (len(verdict.stale_commits), "written by an agent whose turn was over"),
        (len(verdict.unexpected), "seen where nobody sent anything"),
        (len(verdict.dead), "given up as dead letters, and this fault is no reason to: `oblivion deliveries list`"),
        (run.not_200 if drill.every_webhook_200 else 0, "webhooks not answered 200 at once"),
        (0 if run.faults else 1, "drill without a single fault: it proves nothing"),
    )
    failures = [f"{count} {what}" for count, what in found if count]
    failures += run.complaints
    if not run.settled:
        failures.append("something was still on its way when time was up")
    return tuple(failures)


# --- Redis ---


async def _redis_down(run: Run) -> None:
    run.live.needs("valkey")
    await run.open(CONVERSATIONS)
    async with run.meanwhile(_kill_again_and_again(run, "valkey", 1.6, 3.0)):
        await run.traffic()


async def _redis_flush(run: Run) -> None:
    run.live.needs("valkey")  # an `up` on somebody's own Redis must not be emptied
    await run.open(CONVERSATIONS)
    async with run.meanwhile(_flush_again_and_again(run)):
        await run.traffic()


async def _flush_again_and_again(run: Run) -> None:
    async with run.live.redis() as redis:
        while True:
            await asyncio.sleep(run.dice.uniform(0.05, 0.35))
            with contextlib.suppress(RedisError):  # then it is not there to be emptied
                await redis.execute_command("FLUSHALL")  # pyright: ignore[reportUnknownMemberType]
                run.harm("FLUSHALL")


# --- processes ---


async def _worker_kill(run: Run) -> None:
    run.live.needs("worker")
    await run.open(CONVERSATIONS)
    async with run.meanwhile(_kill_while_it_works(run)):
        await run.traffic()


async def _kill_while_it_works(run: Run) -> None:
    """A worker that is killed while it still starts proves nothing, so it must have done something since."""
    while True:
        await asyncio.sleep(run.dice.uniform(1.8, 2.2))
        last = run.faults[-1].at if run.faults else 0.0
        deadline = time.monotonic() + _IDLE_SECONDS
        while time.monotonic() < deadline and not await run.live.rows(_SETTLED, after=last):  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)  # no event tells us
        if run.live.kill("worker"):
            run.harm("SIGKILL worker")


async def _kill_again_and_again(run: Run, part: str, least_seconds: float, most_seconds: float) -> None:
    while True:
        await asyncio.sleep(run.dice.uniform(least_seconds, most_seconds))
        while not run.live.kill(part):  # noqa: ASYNC110 - `oblivion up` is about to start it; no event tells us
            await asyncio.sleep(_POLL_SECONDS)
        run.harm(f"SIGKILL {part}")


# --- vendors ---


async def _slack_429(run: Run) -> None:
    await run.open(CONVERSATIONS)
    ours: dict[str, str | float] = {"vendor": "slack", "match": "chat.postMessage", "token": "bot", "seed": run.seed}
    # They run out by themselves, so that nothing is left of a drill that could not clean up.
    ours["count"] = run.load
    rules = (
        {"fault": "429", "probability": 0.3, "seconds": run.dice.choice((1, 2)), **ours},
        {"fault": "accept_then_cut", "probability": 0.25, **ours},
    )
    async with _slack_faults(run, rules):
        await run.traffic()
        await run.settle()  # most messages are still waiting for their second
    for call in await run.live.calls(run.since, "slack", "chat.postMessage"):
        if call["fault"] is not None:
            run.harm(f"chat.postMessage: {str(call['fault']).replace('_', ' ')}", call["time"])


@asynccontextmanager
async def _slack_faults(run: Run, rules: tuple[dict[str, str | float], ...]) -> AsyncGenerator[None]:
    numbers: list[int] = []
    try:
        for rule in rules:
            numbers.append(await run.live.add_fault(**rule))
        yield
    finally:
        for number in numbers:
            await run.live.remove_fault(number)


async def _clickup_suspended(run: Run) -> None:
    run.accepted_means = "taken by ClickUp"
    await run.open(CONVERSATIONS)
    run.progress.begin(f"The webhook is suspended; meanwhile {run.load} comments, new titles and a new task")
    suspended_at = time.time()
    await run.live.set_hook("inactive")
    run.harm("webhook suspended", suspended_at)
    try:
        await _write_unheard(run)
        run.progress.begin("Nexus finds the webhook suspended and re-activates it")
        active_after = await _until_active(run, suspended_at)
    finally:
        await run.live.set_hook("active")
    run.measure = lambda: _known(active_after)
    run.progress.begin("The card of the task that nobody told Nexus about")
    await run.cards()


async def _write_unheard(run: Run) -> None:
    """Everything here happens while ClickUp tells nobody, so it counts as accepted when ClickUp has it."""
    known = list(run.conversations)
    for number in range(run.load):
        where = run.dice.choice(known)
        key = run.next_key()
        at = await run.live.comment(where.item_id, f"{key} said in ClickUp")
        run.accepted[key] = Accepted(key, in_thread(where.item_id), at, at)
        run.progress.detail(f"{number + 1} of {run.load}")
        await asyncio.sleep(_UNHEARD_PAUSE_SECONDS)
    for where in known:
        key = run.next_key()
        await run.live.change_task(where.item_id, name=f"Drill {run.name} renamed {key}")
        run.accepted[key] = Accepted(key, _on_card(where), time.time(), time.time())
    await run.write_tasks(1)
    new = run.conversations[-1]
    run.accepted[new.key] = Accepted(new.key, _on_card(new), new.opened_at, new.opened_at)
    run.look = lambda: _cards(run, {*run.accepted})


async def _cards(run: Run, wanted: set[str]) -> list[Seen]:
    """Titles as the cards show them."""
    found: list[Seen] = []
    for where in run.conversations:
        card = (await run.live.thread(where.root_ts))[0] if where.root_ts else None
        key = key_in(str(card["text"])) if card else None
        if card and key in wanted:
            found.append(Seen(key, _on_card(where), float(card["ts"])))
    return found


def _on_card(where: Conversation) -> str:
    return f"card:{where.item_id}"


async def _until_active(run: Run, suspended_at: float) -> list[float]:
    deadline = time.monotonic() + REACTIVATION_SECONDS
    while time.monotonic() < deadline:
        _, health = await run.live.hook()
        if health == "active":
            return [time.time() - suspended_at]
        await asyncio.sleep(_POLL_SECONDS)  # ClickUp has no event for this
    run.complaints.append(f"the webhook was still suspended after {REACTIVATION_SECONDS} s")
    return []


async def _known(seconds: list[float]) -> list[float]:
    return seconds


# --- agents ---


async def _agent_crash(run: Run) -> None:
    run.live.needs("demo-agent")
    tasks = max(2, run.load // 4)
    run.progress.begin(f"{tasks} tasks for @AI_Squad; the agent is killed while it works on them")
    held: list[Held] = []
    run.look = lambda: _results(run)
    run.measure = lambda: _taken_up_again(run, held)
    async with run.meanwhile(_crash_while_it_works(run, held)):
        for number in range(tasks):
            await run.write_tasks(1)
            where = run.conversations[-1]
            run.accepted[where.key] = Accepted(where.key, _result_of(where), where.opened_at, where.opened_at)
            run.progress.detail(f"{number + 1} of {tasks}, {len(run.faults)} crashes")
            await asyncio.sleep(_TASK_PAUSE_SECONDS)
        if await run.cards():
            await run.traffic(max(1, run.load // 2))


@dataclass(frozen=True, slots=True)
class Held:
    """A task that the agent held when it was killed."""

    task_id: str
    epoch: int
    crashed_at: float


async def _crash_while_it_works(run: Run, held: list[Held]) -> None:
    for _ in range(CRASHES):
        last = run.faults[-1].at if run.faults else 0.0
        while not await run.live.rows(_AT_WORK, items=run.items, after=last):  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)  # no event tells us
        await asyncio.sleep(run.dice.uniform(0.0, 1.0))
        at_work = await run.live.rows(_AT_WORK, items=run.items, after=last)
        if at_work and run.live.kill("demo-agent"):
            run.harm("SIGKILL demo-agent")
            held += [Held(str(row["id"]), row["epoch"], run.faults[-1].at) for row in at_work]


async def _results(run: Run) -> list[Seen]:
    """The final words of the agent, one for each task."""
    found: list[Seen] = []
    for where in run.conversations:
        for message in (await run.live.thread(where.root_ts))[1:] if where.root_ts else ():
            first_line = str(message["text"]).partition("\n")[0]
            if "bot_id" in message and first_line.startswith("Done:") and (key := key_in(first_line)):
                found.append(Seen(key, _result_of(where), float(message["ts"])))
    return found


def _result_of(where: Conversation) -> str:
    return f"result:{where.item_id}"


async def _taken_up_again(run: Run, held: list[Held]) -> list[float]:
    seconds: list[float] = []
    for one in held:
        rows = await run.live.rows(_TAKEN_UP, task=one.task_id, epoch=one.epoch)
        seconds += [row["at"] - one.crashed_at for row in rows if row["at"] is not None]
    return seconds


DRILLS: dict[DrillName, Drill] = {
    DrillName.redis_down: Drill("Valkey is killed every 2 seconds", _FIRST_EFFECT, _redis_down, every_webhook_200=True),
    DrillName.redis_flush: Drill(
        "Valkey is emptied 5 times a second", _FIRST_EFFECT, _redis_flush, every_webhook_200=True
    ),
    DrillName.worker_kill: Drill(
        "the worker is killed every 2 seconds, if it is at work again", _FIRST_EFFECT, _worker_kill
    ),
    DrillName.slack_429: Drill(
        "Slack refuses some messages with 429, and takes others without saying so", _FIRST_EFFECT, _slack_429
    ),
    DrillName.agent_crash: Drill(
        "the demo agent is killed while it works",
        "from each crash until a task that the agent held was taken up again",
        _agent_crash,
    ),
    DrillName.clickup_suspended: Drill(
        "ClickUp suspends our webhook",
        "from the suspension until the webhook was active again",
        _clickup_suspended,
    ),
}
