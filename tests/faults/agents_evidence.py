"""What became of every task: in PostgreSQL, in what agents were answered, and in Slack."""

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import seen
from cluster import Cluster

_SAID = re.compile(r"(FINISHED|STEP) (\S+) epoch (\d+)")
_READERS = 16

_TASKS = """
    SELECT t.id, split_part(t.title, ' ', 1) AS key, t.state, t.epoch, m.channel_id, m.root_ts
    FROM tasks t JOIN task_mappings m ON m.id = t.conversation_id
    WHERE t.title LIKE :pattern
"""
_COMMITS = """
    SELECT e.task_id, e.kind, e.epoch FROM task_events e JOIN tasks t ON t.id = e.task_id
    WHERE t.title LIKE :pattern
      AND e.kind IN ('task.complete', 'task.completed', 'task.failed', 'task.canceled', 'task.expired')
"""
_STALE = """
    SELECT DISTINCT t.id::text || ' ' || command.kind || ' under epoch ' || command.epoch AS what
    FROM task_events command
    JOIN task_events offered ON offered.task_id = command.task_id AND offered.kind = 'task.offered'
                            AND offered.epoch > command.epoch AND offered.created_at < command.created_at
    JOIN tasks t ON t.id = command.task_id
    WHERE command.event_id IS NOT NULL AND t.title LIKE :pattern
"""


@dataclass(frozen=True)
class Evidence:
    """Everything empty when each task was committed by exactly one epoch, and nothing is lost."""

    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    stale: tuple[str, ...]
    commits: int
    refused: int
    """Results that came from somebody who was not the holder any more, and had no effect."""
    epochs: dict[int, int]
    """The epoch that a task was committed by → how many tasks."""


async def gathered(cluster: Cluster, pattern: str, wanted: Collection[str], answers: Iterable[Path]) -> Evidence:
    """Looks everywhere; `wanted` are the keys of all tasks that were asked for."""
    tasks = {str(row.id): row for row in await cluster.rows(_TASKS, pattern=pattern)}
    lost, doubled = [f"{key}: no task" for key in set(wanted) - {row.key for row in tasks.values()}], list[str]()
    doubled += [f"{key}: {count} tasks" for key, count in Counter(r.key for r in tasks.values()).items() if count > 1]
    lost += [f"{row.key}: {row.state}" for row in tasks.values() if row.state != "completed"]

    commits: defaultdict[str, list[Any]] = defaultdict(list)
    for row in await cluster.rows(_COMMITS, pattern=pattern):
        commits[str(row.task_id)].append(row)
    for task_id, row in tasks.items():
        kinds = sorted((one.kind, one.epoch) for one in commits[task_id])
        if row.state == "completed" and kinds != [("task.complete", row.epoch), ("task.completed", row.epoch)]:
            doubled.append(f"{row.key}: {kinds}, now at epoch {row.epoch}")

    refused = 0
    for line in (line for path in answers if path.exists() for line in path.read_text().splitlines()):
        told = json.loads(line)
        row = tasks.get(told["task_id"])
        if not told["answer"]["ok"]:
            refused += 1
        elif row is None or row.epoch != told["epoch"] or row.state != "completed":
            doubled.append(f"{row.key if row else told['task_id']}: epoch {told['epoch']} was told that it counts")

    stale = [row.what for row in await cluster.rows(_STALE, pattern=pattern)]
    for key, epoch, count in await _told(cluster, tasks.values()):
        if count > 1:
            doubled.append(f"{key}: {count} final messages in Slack")
        elif count == 0:
            lost.append(f"{key}: no final message in Slack")
        elif epoch is not None:
            stale.append(f"{key}: Slack shows the result of epoch {epoch}")
    return Evidence(
        lost=tuple(sorted(lost)),
        doubled=tuple(sorted(doubled)),
        stale=tuple(sorted(stale)),
        commits=sum(row.state == "completed" for row in tasks.values()),
        refused=refused,
        epochs=dict(sorted(Counter(row.epoch for row in tasks.values()).items())),
    )


async def _told(cluster: Cluster, tasks: Iterable[Any]) -> list[tuple[str, int | None, int]]:
    """Of each task: its key, the epoch that Slack shows if it is the wrong one, and how many final messages."""
    slots = asyncio.Semaphore(_READERS)
    async with cluster.slack() as slack:

        async def read(row: Any) -> tuple[str, int | None, int]:
            if row.root_ts is None:
                return row.key, None, 0
            async with slots:
                thread = await seen.thread(slack, row.channel_id, row.root_ts)
            said = [match for message in thread for match in _SAID.finditer(message["text"])]
            steps = Counter(match.group(2, 3) for match in said if match[1] == "STEP")
            final = [match for match in said if match[1] == "FINISHED" and match[2] == row.key]
            count = len(final) + sum(more - 1 for more in steps.values())
            wrong = next((int(match[3]) for match in final if int(match[3]) != row.epoch), None)
            return row.key, wrong, count

        return await asyncio.gather(*map(read, tasks))
