"""Nothing is written before people said yes, and what they approved is written once."""

from typing import Any, cast

import pytest
from conftest import MakeSettings, no_tracing
from fake_context import FakeContext, assigned
from fake_github import MARKER, FakeGitHub
from processes import Process, one_task

from oblivion import Context, Fatal, Retryable
from oblivion_reference_agent.agent import Worker
from oblivion_reference_agent.model import OfflineModel
from oblivion_reference_agent.settings import Settings


async def work(settings: Settings, ctx: FakeContext, **task: Any) -> str:
    return await Worker(settings, no_tracing(settings), OfflineModel()).handle(assigned(**task), cast("Context", ctx))


async def test_an_approved_issue_is_opened_as_it_was_shown(make_settings: MakeSettings, github: FakeGitHub) -> None:
    ctx = FakeContext(approves=True)
    result = await work(make_settings(OBLIVION_APPROVERS="U0DANA0001, U0SAM00002"), ctx)
    assert "As approved, I opened an issue: https://github.example/acme/shop/issues/1" in result
    ((action, approvers),) = ctx.actions
    (issue,) = github.issues
    assert approvers == ("U0DANA0001", "U0SAM00002")
    assert (
        action == f"Open an issue in acme/shop\n\nTitle: {issue['title']}\n\n{MARKER.sub('', issue['body']).rstrip()}"
    )
    assert ctx.ticks == [("Start", "done"), ("Read", "done"), ("Think", "done"), ("Act", "done")]


@pytest.mark.parametrize(
    ("approves", "sentence"),
    [(False, "was not approved, so I did not open it"), (None, "Nobody decided in time")],
)
async def test_without_a_yes_nothing_is_written_and_the_task_ends_in_order(
    settings: Settings, github: FakeGitHub, approves: bool | None, sentence: str
) -> None:
    result = await work(settings, FakeContext(approves=approves))
    assert sentence in result
    assert "Exports orders as CSV." in result
    assert not github.posted()


@pytest.mark.parametrize("task_type", ["read_repository", "default"])
async def test_a_task_that_only_reads_asks_nobody(settings: Settings, github: FakeGitHub, task_type: str) -> None:
    ctx = FakeContext()
    assert "Exports orders as CSV." in await work(settings, ctx, type=task_type)
    assert not ctx.actions
    assert not github.posted()


async def test_a_repository_outside_the_agents_own_is_never_written(
    make_settings: MakeSettings, github: FakeGitHub
) -> None:
    with pytest.raises(Fatal, match="may not touch acme/shop"):
        await work(make_settings(GITHUB_REPOSITORIES="acme/website"), FakeContext(approves=True))
    assert not github.posted()


async def test_a_write_that_github_refuses_fails_with_its_reason(settings: Settings, github: FakeGitHub) -> None:
    github.issue_status = 403
    with pytest.raises(Fatal, match=r"403.*Resource not accessible.*Check what the token may do"):
        await work(settings, FakeContext(approves=True))


async def test_a_write_that_fails_for_a_while_is_done_by_the_next_attempt(
    settings: Settings, github: FakeGitHub
) -> None:
    github.issue_status = 502
    with pytest.raises(Retryable, match="502"):
        await work(settings, FakeContext(approves=True))
    github.issue_status = 201
    read_before = len(github.seen)
    assert "issues/1" in await work(settings, FakeContext(approves=True), epoch=2)
    assert len(github.issues) == 1
    assert not [one for one in github.seen[read_before:] if "contents" in one.path]


async def test_a_process_that_dies_while_people_think_asks_the_same_again(
    environ: dict[str, str], github: FakeGitHub
) -> None:
    died = await one_task(environ, "die")
    assert died.code == -9
    read_before = len(github.seen)
    ended = await one_task(environ, "yes", epoch=2)
    assert "issues/1" in ended.outcome["result"]
    assert ended.outcome["ticks"] == [["Start", "done"], ["Read", "done"], ["Think", "done"], ["Act", "done"]]
    assert not [one for one in github.seen[read_before:] if "contents" in one.path]


@pytest.mark.parametrize("moment", ["before_issue", "after_issue"])
async def test_a_process_that_dies_between_approval_and_answer_writes_once(
    environ: dict[str, str], github: FakeGitHub, moment: str
) -> None:
    first = Process(environ)
    setattr(github, moment, first.kill)
    died = await first.run("yes")
    assert died.code == -9
    assert len(github.issues) == (1 if moment == "after_issue" else 0)
    setattr(github, moment, None)
    ended = await one_task(environ, "yes", epoch=2)
    assert "https://github.example/acme/shop/issues/1" in ended.outcome["result"]
    assert len(github.issues) == 1
    again = await one_task(environ, "yes", epoch=3)
    assert again.outcome["result"] == ended.outcome["result"]
    assert len(github.issues) == 1
