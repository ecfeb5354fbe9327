"""The agent in a whole Oblivion: ClickUp task, Slack thread, approval by button, a crash, a wrong token."""

from collections.abc import Generator

import psycopg
import pytest
from conftest import TOKEN
from fake_github import FakeGitHub
from installation import NEXUS_PYTHON, Installation, eventually, running_installation
from receivers import receiving

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(420),
    pytest.mark.skipif(not NEXUS_PYTHON.exists(), reason="the main workspace is not set up: run `make setup` there"),
]

WRONG = "ghp_WrongWrongWrongWrongWrongWrong000001"


@pytest.fixture(scope="module")
def oblivion() -> Generator[Installation]:
    with running_installation() as installation:
        yield installation


def own_database(url: str) -> str:
    """A database for the agent's checkpoints; returns its address."""
    plain = url.replace("+asyncpg", "").replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("CREATE DATABASE checkpoints")
    address, _, query = plain.partition("?")
    return address.rsplit("/", 1)[0] + "/checkpoints" + (f"?{query}" if query else "")


async def test_a_task_goes_from_clickup_to_an_approved_issue_although_the_agent_dies_in_between(
    oblivion: Installation, github: FakeGitHub, environ: dict[str, str]
) -> None:
    title = "CSV export drops the last row"
    environ |= oblivion.create_agent("reference", "Reference")
    environ |= {
        "AGENT_INSTANCE": "reference-1",
        "OBLIVION_CHECKPOINTS": own_database(oblivion.running["database_url"]),
    }
    with receiving() as collector:
        environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
        first = oblivion.start_agent(environ)
        await eventually(lambda: "agent.start" in first.log, "the agent runs")
        oblivion.create_task(
            title, "@Reference fix_bug The last order is missing. It is in repo acme/shop, see its README."
        )
        await eventually(lambda: oblivion.button(title, "approve"), f"a question in the thread; {first.log}")
        assert not github.posted()
        first.kill()
        second = oblivion.start_agent(environ)
        ts, button = await eventually(lambda: oblivion.button(title, "approve"), "the question is still there")
        oblivion.press(ts, button)
        await eventually(
            lambda: "As approved, I opened an issue" in oblivion.thread_text(title), "the result in the thread"
        )
        second.stop()
        assert len(github.issues) == 1
        assert "Exports orders as CSV." in github.issues[0]["body"]
        assert github.authorizations == {f"Bearer {TOKEN}"}
        questions = [one for one in oblivion.thread(title)[1:] if "Open an issue in acme/shop" in str(one)]
        assert len(questions) == 1
        assert "agent.task" in {span.name for span in collector.spans}
    assert TOKEN not in first.log + second.log + collector.everything
    assert environ["AGENT_SECRET"] not in first.log + second.log + collector.everything


async def test_a_wrong_token_says_in_the_thread_what_to_do(
    oblivion: Installation, github: FakeGitHub, environ: dict[str, str]
) -> None:
    title = "Who are the owners"
    agent = oblivion.start_agent(environ | oblivion.create_agent("stranger", "Stranger") | {"GITHUB_TOKEN": WRONG})
    await eventually(lambda: "agent.start" in agent.log, "the agent runs")
    oblivion.create_task(title, "@Stranger read_repository See repo acme/shop.")
    await eventually(
        lambda: "401 Bad credentials" in oblivion.thread_text(title), f"a failure in the thread; {agent.log}"
    )
    said = oblivion.thread_text(title)
    assert "Make a new token" in said
    assert "GITHUB_TOKEN" in said
    agent.stop()
    assert WRONG not in said + agent.log
    assert github.authorizations == {f"Bearer {WRONG}"}
