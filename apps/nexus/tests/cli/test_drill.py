"""`oblivion drill` against a real `oblivion up`: passed when the promise is kept, failed when somebody breaks it."""

import asyncio
import json
import re
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli.installation import Installation, running_up, until
from sqlalchemy import text

from nexus.drill.drills import DrillName
from nexus.drill.live import DrillError, refuse_what_is_not_local
from nexus.kit.otlp import SpanFile
from nexus.store.database import Database
from oblivion_sandbox import seed

LOAD = "5"
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def up() -> Generator[Installation]:
    with running_up() as installation:
        yield installation


def control(up: Installation, path: str) -> Any:
    return httpx.get(f"{up.running['sandbox_url']}/_control/{path}").json()


def test_what_is_wrong_is_said_with_what_to_do(tmp_path: Path) -> None:
    nothing = Installation(tmp_path, None)  # pyright: ignore[reportArgumentType]
    code, out, err = nothing.oblivion("drill", "worker-kill")
    assert (code, out) == (1, "")
    assert f"Start `oblivion up` in {tmp_path} first" in err
    code, _, err = nothing.oblivion("drill", "everything")
    assert code == 2
    assert all(name.value in err for name in DrillName)
    home = tmp_path / "elsewhere"
    home.mkdir()
    (home / "running.json").write_text('{"nexus_url": "http://127.0.0.1:1", "pids": {"up": 999999}}')
    code, _, err = nothing.oblivion("drill", "worker-kill", "--home", str(home))
    assert code == 1
    assert "left over from an `oblivion up` that is gone" in err
    assert "Traceback" not in err


def test_a_drill_stays_on_this_machine() -> None:
    names = ("nexus_url", "sandbox_url", "clickup_api_url", "slack_api_url", "database_url", "redis_url")
    here = dict.fromkeys(names, "http://127.0.0.1:8000")
    refuse_what_is_not_local(here)
    for name in here:
        for elsewhere in ("https://api.clickup.com/api/v2", "redis://10.0.0.7:6379/0", "", "postgresql:///x"):
            with pytest.raises(DrillError, match=name):
                refuse_what_is_not_local(here | {name: elsewhere})


def test_a_task_is_one_trace_over_all_processes_and_a_command_shows_it(up: Installation) -> None:
    task = {"name": "Wants a trace", "markdown_description": "@AI_Squad fix_bug please"}
    made = httpx.post(
        f"{up.running['sandbox_url']}/clickup/api/v2/list/{seed.CLICKUP_LIST_INBOX}/task",
        json=task, headers={"Authorization": seed.CLICKUP_TOKEN_DANA},
    )  # fmt: skip
    assert made.is_success, made.text
    kept = SpanFile(up.directory / ".oblivion/traces")

    def whole() -> str | None:
        for trace_id, spans in kept.traces().items():
            if {"process task.complete", "process task.assigned"} <= {span.name for span in spans}:
                return trace_id
        return None

    trace_id = until(whole, "a trace with the agent's span and its result")
    code, out, err = up.oblivion("trace", trace_id[:12])
    assert code == 0, err
    assert f"trace {trace_id}" in out
    for process in ("oblivion-gateway", "oblivion-worker", "demo-agent"):
        assert process in out
    lines = out.splitlines()
    assert lines[2].startswith("POST /webhooks/{source}")
    assert lines[3].startswith("└─ process inbox")
    assert [line for line in lines if line.startswith("   │  └─ process task.assigned")]
    assert "Wants a trace" not in (up.directory / ".oblivion/traces/spans.jsonl").read_text()
    code, listed, _ = up.oblivion("trace")
    assert code == 0 and trace_id in listed
    code, _, err = up.oblivion("trace", "nothing-of-this-name")
    assert code == 1 and "No trace of nothing-of-this-name" in err


def test_an_emptied_redis_changes_nothing(up: Installation) -> None:
    code, out, err = up.oblivion("drill", "redis-flush", "--load", LOAD, "--seed", "7")
    assert code == 0, out + err
    assert "PASSED redis-flush, seed 7" in out
    assert re.search(r"FLUSHALL x \d", out)
    assert "sent 10 · accepted (answered 200) 10 · not 200 0 · effects seen 10" in out
    assert "lost 0 · doubled 0 · out of order 0 · stale-epoch writes 0" in out
    assert "Recovery   p50" in out


def test_a_killed_worker_changes_nothing_and_the_report_is_json(up: Installation) -> None:
    code, out, err = up.oblivion("drill", "worker-kill", "--load", LOAD, "--seed", "11", "--json")
    assert code == 0, out + err
    report = json.loads(out)
    assert report["passed"] is True
    assert report["seed"] == 11
    assert report["faults"]["SIGKILL worker"] >= 1
    assert report["counts"]["accepted (answered 200)"] == report["counts"]["effects seen"] == 10
    assert report["recovery"]["p99_seconds"] > 0
    assert report["verdict"]["ok"] is True


async def _lose_one_delivery(up: Installation) -> None:
    """What no fault may ever do: an accepted message is gone from the outbox before it left."""
    db = Database(up.running["database_url"])
    statement = text(
        "DELETE FROM deliveries WHERE id = (SELECT id FROM deliveries WHERE kind = 'reply' AND state = 'pending' "
        "AND claimed_by IS NULL AND payload ->> 'text' LIKE 'K%' LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            async with db.system() as session:
                if (await session.execute(statement)).first() is not None:
                    return
            await asyncio.sleep(0.01)
        raise AssertionError("nothing was waiting")
    finally:
        await db.aclose()


def _double_one_message(up: Installation, since: int) -> str:
    """The other thing that no fault may ever do: a comment stands in the thread twice. Returns its key."""
    addresses = up.running

    def mirrored() -> Any:
        calls = control(up, f"calls?method=chat.postMessage&since={since}")["calls"]
        return [call["body"] for call in calls if call["ok"] and str(call["body"].get("text")).startswith("K")]

    first = until(mirrored, "a comment in a thread")[0]
    again = {name: first[name] for name in ("channel", "thread_ts", "text", "username")}
    as_nexus = {"Authorization": f"Bearer {addresses['slack_bot_token']}"}
    answer = httpx.post(f"{addresses['slack_api_url']}chat.postMessage", json=again, headers=as_nexus)
    assert answer.json()["ok"]
    return first["text"].split()[0]


def test_a_lost_and_a_doubled_message_fail_the_drill_and_it_says_how_to_replay_it(up: Installation) -> None:
    since = control(up, "calls?method=none")["last"]
    drill = up.start("drill", "redis-flush", "--load", LOAD, "--seed", "3")
    doubled = _double_one_message(up, since)
    asyncio.run(_lose_one_delivery(up))
    code, out, err = drill.finish()
    assert code == 1, out + err
    assert "FAILED redis-flush, seed 3" in out
    assert "1 accepted and never seen again" in out
    assert re.search(r"lost: K[0-9a-z]+-\d{6}", out)
    assert "1 seen more than once" in out
    assert f"doubled: {doubled}" in out
    assert "Replay it: oblivion drill redis-flush --seed 3" in out


def test_one_drill_at_a_time_and_a_stopped_one_takes_its_faults_back(up: Installation) -> None:
    drill = up.start("drill", "slack-429", "--load", "40")
    until(lambda: len(control(up, "faults")["faults"]) == 2, "the faults are there")
    code, _, err = up.oblivion("drill", "redis-flush")
    assert code == 1
    assert "Another drill runs" in err
    drill.interrupt()
    code, out, err = drill.finish()
    assert code == 130, out + err
    assert "Every fault was taken back" in out
    assert "Traceback" not in err
    assert control(up, "faults")["faults"] == []
