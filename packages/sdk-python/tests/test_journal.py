"""Finished results survive the process."""

import asyncio
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from oblivion import Agent, Context, Retryable, TaskAssigned
from oblivion._journal import KEPT_SECONDS, Journal, journal_path
from oblivion_protocol import TaskComplete, TaskFail


def result(task_id: str, text: str = "done") -> TaskComplete:
    return TaskComplete(task_id=task_id, epoch=1, event_id=f"e-{task_id}", result=text)


async def opened(path: Path | None, **options) -> Journal:
    journal = Journal(**options)
    await journal.open(path)
    return journal


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_result_is_found_again_until_it_is_settled(journal: Path):
    first = await opened(journal)
    await first.write(result("t1"))
    await first.write(result("t2"))
    await first.settle(result("t1"))
    await first.close()

    second = await opened(journal)
    assert second.unsent == [result("t2")]
    assert mode_of(journal) == 0o600
    await second.close()


async def test_a_late_result_is_not_sent_again_but_waits_for_its_task(journal: Path):
    first = await opened(journal)
    await first.write(result("t1"))
    await first.late(result("t1"))
    await first.close()

    second = await opened(journal)
    assert second.unsent == []
    assert second.result_of("t1") == result("t1")
    await second.close()


async def test_a_wish_for_another_attempt_is_no_result(journal: Path):
    kept = await opened(journal)
    await kept.write(TaskFail(task_id="t1", epoch=1, event_id="e1", error="later", retryable=True))
    assert kept.result_of("t1") is None
    assert len(kept.unsent) == 1
    await kept.close()


async def test_results_older_than_a_week_go(journal: Path):
    old = await opened(journal, now=lambda: 0.0)
    await old.write(result("t1"))
    await old.close()

    later = await opened(journal, now=lambda: KEPT_SECONDS + 1)
    assert later.unsent == []
    await later.close()


HOLD = """
import asyncio, sys
from pathlib import Path
from oblivion._journal import Journal
from oblivion_protocol import TaskComplete
async def main():
    journal = Journal()
    await journal.open(Path(sys.argv[1]))
    await journal.write(TaskComplete(task_id="theirs", epoch=1, event_id="e", result="x"))
    print(len(journal.unsent), flush=True)
    sys.stdin.read()
asyncio.run(main())
"""


async def test_two_processes_do_not_disturb_each_other_and_the_dead_ones_results_are_taken_over(journal: Path):
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(journal), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert (await asyncio.wait_for(other.stdout.readline(), 20)).strip() == b"1"
    mine = await opened(journal)
    await mine.write(result("mine"))
    assert [outcome.task_id for outcome in mine.unsent] == ["mine"]
    await mine.close()
    other.kill()
    await other.wait()

    next_one = await opened(journal)
    assert sorted(outcome.task_id for outcome in next_one.unsent) == ["mine", "theirs"]
    await next_one.close()


@pytest.mark.parametrize("broken", ["directory", "garbage"])
async def test_a_place_that_cannot_be_written_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
):
    place = tmp_path / "place"
    place.mkdir() if broken == "directory" else place.write_bytes(b"no database" * 1000)
    kept = await opened(place)
    await kept.write(result("t1"))
    assert kept.result_of("t1") == result("t1")
    await kept.settle(result("t1"))
    await kept.close()

    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_full_disk_is_one_warning(journal: Path, caplog: pytest.LogCaptureFixture):
    kept = await opened(journal)
    other = sqlite3.connect(":memory:")
    kept._file.close()
    kept._file = other
    await kept.write(result("t1"))
    await kept.write(result("t2"))
    assert kept.unsent == [result("t1"), result("t2")]
    assert len(caplog.records) == 1
    other.close()
    await kept.close()


def test_the_place_is_a_setting_and_has_a_default(tmp_path: Path):
    assert journal_path({"OBLIVION_JOURNAL": ""}, "a") is None
    assert journal_path({"OBLIVION_JOURNAL": "/x/y"}, "a") == Path("/x/y")
    assert journal_path({"XDG_STATE_HOME": str(tmp_path)}, "a/b") == tmp_path / "oblivion" / "a_b.journal"
    default = journal_path({}, "a")
    assert default is not None
    assert default.parts[-4:] == (".local", "state", "oblivion", "a.journal")


async def test_a_result_from_before_a_restart_is_announced_and_sent_under_its_event_id(
    nexus, agent: Agent, serving, journal: Path
):
    before = await opened(journal)
    await before.write(result("t1", "finished before"))
    await before.close()

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        raise AssertionError("It was done already.")

    async with serving(agent):
        complete = await nexus.frame("task.complete")

    assert nexus.named("hello")[0]["holding"] == [{"task_id": "t1", "epoch": 1}]
    assert (complete["event_id"], complete["epoch"], complete["result"]) == ("e-t1", 1, "finished before")
    after = await opened(journal)
    assert after.unsent == []
    await after.close()


async def test_a_task_offered_again_is_completed_with_the_result_that_exists(
    nexus, agent: Agent, serving, journal: Path
):
    runs: list[int] = []
    nexus.answers["task.complete"] = lambda data: (
        {"ok": True} if data["epoch"] == 2 else {"ok": False, "code": "stale_epoch", "detail": "at epoch 2"}
    )

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        runs.append(task.epoch)
        return "Fixed"

    async with serving(agent):
        await nexus.offer(epoch=1)
        first = await nexus.frame("task.complete")
        await nexus.offer(epoch=2)
        second = await nexus.frame("task.complete", 2)

    assert runs == [1]
    assert second == first | {"epoch": 2}
    assert [accept["epoch"] for accept in nexus.named("task.accept")] == [1, 2]


async def test_a_retryable_failure_that_came_too_late_is_tried_again(nexus, agent: Agent, serving):
    nexus.answers["task.fail"] = lambda _: {"ok": False, "code": "stale_epoch", "detail": "at epoch 2"}

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        if task.epoch == 1:
            raise Retryable("GitHub is down")
        return "Fixed"

    async with serving(agent):
        await nexus.offer(epoch=1)
        await nexus.frame("task.fail")
        await nexus.offer(epoch=2)
        assert (await nexus.frame("task.complete"))["result"] == "Fixed"
