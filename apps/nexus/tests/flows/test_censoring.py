"""What an agent says about credentials reaches nobody: not Slack, not ClickUp, not our own tables."""

from flows.test_questions import message_at, press, question, texts
from flows.test_sync import working
from prometheus_client import generate_latest
from support.waiting import eventually
from support.world import World

from oblivion import Context, TaskAssigned
from oblivion_sandbox import seed

GITHUB = "ghp_" + "T0ken9aBcDeFgHiJkLmNoPqRsTuVwXyZ0123"
SLACK = seed.SLACK_BOT_TOKEN
"""Acme's own, by which Oblivion writes: no scanner would know it by its shape."""
EVERYWHERE = (
    "SELECT string_agg(row_to_json(t)::text, '') AS all FROM {} t",
    ("deliveries", "tasks", "task_events", "questions", "messages", "held_posts", "agent_messages", "task_mappings"),
)


async def test_no_credential_leaves_in_anything_that_an_agent_says(linked: World) -> None:
    answers: list[str] = []

    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        await ctx.plan(f"use {GITHUB}", "report")
        await ctx.progress(f"trying {SLACK[::-1]}")
        await ctx.say(f"I found {GITHUB} and {SLACK} in .env")
        await ctx.artifact(f"config {SLACK}", url=f"https://bot:{GITHUB}@forge.example/x", text="\u200b".join(GITHUB))
        answers.append(await ctx.ask(f"Is {GITHUB} yours?", options=[f"yes, {SLACK}", "no"]))
        return f"Done with {SLACK}"

    async with working(linked, handle):
        item = await linked.create_task("Look into .env")
        root = await linked.root("Look into .env")
        asked = await question(linked, root["ts"], "yours?")
        removed = "yes, [secret removed: credential of Oblivion]"
        await press(linked, asked["ts"], removed, seed.SLACK_USER_DANA)
        await eventually(lambda: answers)
    await linked.settled()
    assert answers == [removed]
    thread = [*await linked.thread(root["ts"]), await message_at(linked, root["ts"])]
    said = await linked.said(root["ts"])
    assert "I found [secret removed: GitHub token] and [secret removed: credential of Oblivion] in .env" in said
    assert "Done with [secret removed: credential of Oblivion]" in said
    shown = "".join([str(thread), *map(texts, thread), *await linked.comments(item)])
    kept = [str((await linked.rows(EVERYWHERE[0].format(table)))[0].all) for table in EVERYWHERE[1]]
    for place in (shown, *kept):
        for secret in (GITHUB, SLACK, SLACK[::-1], GITHUB[8:20]):
            assert secret not in place
    events = await linked.rows("SELECT data FROM task_events WHERE kind = 'task.secret_removed' ORDER BY id")
    told = [(row.data["within"], row.data["kind"]) for row in events]
    assert told == [
        ("task.plan", "github_token"),
        ("task.progress", "known"),
        ("task.message", "known"),
        ("task.message", "github_token"),
        ("task.artifact", "known"),
        ("task.artifact", "address_password"),
        ("task.artifact", "github_token"),
        ("task.ask", "github_token"),
        ("task.ask", "known"),
        ("task.complete", "known"),
    ]
    exported = generate_latest(linked.nexus.metrics.registry).decode()
    assert 'oblivion_secrets_removed_total{kind="known"} 5.0' in exported
    admin = await linked.admin()
    async with admin:
        (task,) = await linked.rows("SELECT id FROM tasks")
        timeline = (await admin.get(f"/v1/tasks/{task.id}/timeline")).text
    assert "credential removed from task.message (github token)" in timeline.lower()
    assert GITHUB not in timeline and SLACK not in timeline


async def test_hashes_and_ids_leave_as_they_were_said(linked: World) -> None:
    words = "Fixed in 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b, see 0199f0aa-7d1e-7c1a-9f64-2f6b8a1d0001"

    async def handle(_task: TaskAssigned, _ctx: Context) -> str:
        return words

    async with working(linked, handle):
        await linked.create_task("Harmless")
        root = await linked.root("Harmless")

        async def said() -> bool:
            return words in await linked.said(root["ts"])

        await eventually(said)
    assert await linked.rows("SELECT 1 FROM task_events WHERE kind = 'task.secret_removed'") == []
