"""The driver of the conformance suite for a real Nexus: people act in ClickUp and Slack, agents run on the SDK."""

import asyncio
import secrets
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import text
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World

from nexus.gateway.server import Gateway
from oblivion import Agent
from oblivion._door import real_door
from oblivion._settings import Settings
from oblivion.testing import AgentProcess
from oblivion_protocol import TaskState

PATIENCE_SECONDS = 30.0


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Door:
    """A gateway process of its own for the agents of a scenario, that can be restarted without the world's."""

    def __init__(self, world: World) -> None:
        self._world = world
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        self._port: int = listener.getsockname()[1]
        listener.close()
        self._gateway: Gateway | None = None
        self._server: _Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """Where agents connect."""
        return f"http://127.0.0.1:{self._port}"

    async def open(self) -> None:
        """Starts the process; returns when it takes connections."""
        self._gateway = self._world.nexus.gateway()
        self._server = _Server(
            uvicorn.Config(
                self._world.nexus.application(self._gateway), port=self._port, ws="websockets-sansio",
                ws_ping_interval=None, lifespan="off", access_log=False, log_config=None, timeout_graceful_shutdown=1,
            )
        )  # fmt: skip
        self._tasks = [asyncio.create_task(self._server.serve()), asyncio.create_task(self._gateway.run())]
        await eventually(lambda: self._server is not None and self._server.started, "the gateway is up")

    async def close(self) -> None:
        """Ends it: every socket is closed, what it had in memory is gone."""
        assert self._gateway is not None
        assert self._server is not None
        serving, running = self._tasks
        await self._gateway.close_all()
        running.cancel()
        self._server.should_exit = True
        await asyncio.gather(serving, running, return_exceptions=True)


class NexusStage:
    """Implements `oblivion.testing.conformance.Stage`; its agent and its alias are its own, the world is shared."""

    def __init__(self, world: World, journal: Path) -> None:
        self._world = world
        self._alias = f"squad_{secrets.token_hex(3)}"
        self._journal = journal
        self._skills: list[str] = []
        self._agent_id = ""
        self._processes: list[AgentProcess] = []
        self._door = Door(world)

    # --- agents ---

    def agent(self, *, concurrency: int = 1, drain_seconds: float = 30.0) -> Agent:
        """An agent without handlers."""
        return Agent(self._alias, concurrency=concurrency, drain_seconds=drain_seconds)

    async def start(self, agent: Agent) -> AgentProcess:
        """Registers it, starts it, and waits until Nexus sees it."""
        directory = self._world.nexus.directory
        made = await directory.create(self._world.tenant_id, self._alias, self._skills, (self._alias,))
        self._agent_id = str(made.agent_id)
        settings = Settings(self._door.url, made.client_id, made.client_secret, self._alias, self._journal)
        process = AgentProcess(agent, real_door(settings))
        self._processes.append(process)
        process.start()
        await self._until(self._is_online, "the agent is online")
        return process

    async def register_skill(self, skill: str) -> None:
        """An operator says that the agent can do this, too."""
        self._skills.append(skill)

    # --- people ---

    async def assign(self, task_type: str, title: str) -> str:
        """Somebody writes a ClickUp task and calls the squad."""
        item = await self._world.create_task(title, f"@{self._alias} {task_type}")

        async def look() -> str:
            found = await self._world.rows(
                "SELECT tasks.id FROM tasks JOIN task_mappings ON task_mappings.id = tasks.conversation_id "
                "WHERE task_mappings.item_id = :item AND task_mappings.root_ts IS NOT NULL",
                item=item,
            )
            return str(found[0].id) if found else ""

        return await self._until(look, "a task with a card")

    async def reply(self, task_id: str, said: str) -> None:
        """Somebody writes into the thread."""
        await self._world.reply(await self._root(task_id), said)

    async def answer(self, task_id: str, chosen: str) -> None:
        """Somebody presses the option's button."""
        await self._press(await self._question_with(task_id, chosen), chosen)

    async def approve(self, task_id: str, *, yes: bool) -> None:
        """Somebody presses a button of the request."""
        await self.answer(task_id, "Approve" if yes else "Deny")

    async def cancel(self, task_id: str) -> None:
        """Somebody presses Stop on the card."""
        root_ts = await self._root(task_id)
        await self._control({"ts": root_ts, "action_id": "oblivion_stop"})

    # --- time and trouble ---

    async def expire_question(self, task_id: str) -> None:
        """Its time is up."""

        async def change() -> bool:
            return await self._changed(
                "UPDATE questions SET expires_at = now() - interval '1 second' WHERE task_id = :id AND state = 'open'",
                task_id,
            )

        await self._until(change, "a question is open")

    async def lose_lease(self, task_id: str) -> None:
        """The time of the lease is up, and the worker sees it."""
        before = await self.epoch(task_id)
        assert await self._changed(
            "UPDATE tasks SET lease_until = now() - interval '1 second' WHERE id = :id AND lease_until IS NOT NULL",
            task_id,
        )

        async def lost() -> bool:
            row = await self._row(task_id)
            return row.state == "submitted" or row.epoch > before

        await self._until(lost, "the lease is lost")

    async def restart(self) -> None:
        """The worker and the agents' gateway end, and new ones start on the same database."""
        await self._door.close()
        await self._world.stop_worker()
        await self._door.open()
        await self._world.start_worker()

    # --- what there is to see ---

    async def until(self, task_id: str, *states: TaskState) -> TaskState:
        """Waits for a state; a minute that the agent has to wait before it is offered the task again passes at once."""

        async def look() -> Any:
            state = (await self._row(task_id)).state
            if state in states:
                return state
            if state == "submitted":
                await self._let_the_pause_pass(task_id)
            return None

        return await self._until(look, f"the task is {' or '.join(states)}")

    async def epoch(self, task_id: str) -> int:
        """The current epoch."""
        return (await self._row(task_id)).epoch

    async def waits_because(self, task_id: str, reason: str) -> None:
        """Waits until the task is in the queue for this reason.

        How it came back counts as well: "rejected" is shown until the next round of the dispatcher.
        """

        async def look() -> bool:
            row = await self._row(task_id)
            back = await self._world.rows(
                "SELECT data->>'reason' AS reason FROM task_events WHERE task_id = :id AND kind = 'task.requeued' "
                "ORDER BY created_at DESC LIMIT 1",
                id=task_id,
            )
            return row.state == "submitted" and reason in (row.reason, *(one.reason for one in back))

        await self._until(look, f"it waits because of {reason}")

    async def posts(self, task_id: str) -> list[str]:
        """What we said in the thread, once everything of this conversation is out."""

        async def nothing_is_owed() -> bool:
            return not await self._world.rows(
                "SELECT 1 FROM deliveries JOIN tasks ON tasks.conversation_id = deliveries.conversation_id "
                "WHERE tasks.id = :id AND deliveries.state IN ('pending', 'sending') AND deliveries.kind <> 'card'",
                id=task_id,
            )

        await self._until(nothing_is_owed, "everything is said")
        return await self._world.said(await self._root(task_id))

    async def result(self, task_id: str) -> str:
        """The result."""
        return (await self._row(task_id)).result

    # --- inside ---

    async def _row(self, task_id: str) -> Any:
        return (await self._world.rows("SELECT state, reason, epoch, result FROM tasks WHERE id = :id", id=task_id))[0]

    async def _root(self, task_id: str) -> str:
        found = await self._world.rows(
            "SELECT root_ts FROM task_mappings JOIN tasks ON task_mappings.id = tasks.conversation_id "
            "WHERE tasks.id = :id",
            id=task_id,
        )
        return found[0].root_ts

    async def _is_online(self) -> bool:
        return bool(
            await self._world.rows(
                "SELECT 1 FROM agent_sessions WHERE agent_id = :id AND closed_at IS NULL", id=self._agent_id
            )
        )

    async def _let_the_pause_pass(self, task_id: str) -> None:
        async with self._world.nexus.db.tenant(self._world.tenant_id) as session:
            refused = "task_id = :id AND kind = 'task.requeued' AND data->>'reason' IN ('rejected', 'not_accepted')"
            done: Any = await session.execute(text(f"DELETE FROM task_events WHERE {refused}"), {"id": task_id})
            if done.rowcount:
                await session.execute(text("UPDATE tasks SET next_offer_at = now() WHERE id = :id"), {"id": task_id})

    async def _question_with(self, task_id: str, label: str) -> dict[str, Any]:
        """Where a button of this name is, in the newest message that has one."""
        root_ts = await self._root(task_id)

        async def look() -> dict[str, Any] | None:
            for message in reversed(await self._world.thread(root_ts)):
                for block in message.get("blocks", ()):
                    for button in block["elements"] if block["type"] == "actions" else ():
                        if button["text"]["text"] == label:
                            return {"ts": message["ts"], "action_id": button["action_id"]}
            return None

        found = await self._until(look, f"a button {label!r}")
        assert found is not None
        return found

    async def _press(self, button: dict[str, Any], label: str) -> None:
        await self._control(button)

        async def is_gone() -> bool:
            found = await self._world.slack.conversations_replies(
                channel=CHANNEL_ID, ts=button["ts"], latest=button["ts"], oldest=button["ts"], inclusive=True
            )
            blocks = next(one for one in found["messages"] if one["ts"] == button["ts"])["blocks"]
            return not any(block["type"] == "actions" for block in blocks)

        await self._until(is_gone, f"the button {label!r} is gone")

    async def _control(self, button: dict[str, Any]) -> None:
        async with httpx.AsyncClient(base_url=self._world.box.url, timeout=10) as control:
            answer = await control.post("/_control/slack/press", json={"channel": CHANNEL_ID, **button})
            assert answer.json()["ok"], answer.text

    async def _changed(self, statement: str, task_id: str) -> bool:
        async with self._world.nexus.db.tenant(self._world.tenant_id) as session:
            done: Any = await session.execute(text(statement), {"id": task_id})
            return done.rowcount == 1

    async def _until(self, look: Callable[[], Awaitable[Any]], what: str) -> Any:
        return await eventually(look, what, PATIENCE_SECONDS)

    async def __aenter__(self) -> "NexusStage":
        await self._door.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            await process.kill()
        await self._door.close()


@asynccontextmanager
async def ready(world: World) -> AsyncGenerator[World]:
    """A world whose list is linked, at vendors who take as much as they are given."""
    box = world.box.sandbox
    box.core.settings = box.core.settings.model_copy(
        update={"slack_post_per_second": 0, "clickup_requests_per_minute": 0}
    )
    async with httpx.AsyncClient(base_url=world.box.url, timeout=10) as control:
        offered = (await control.get("/_control/world")).json()
    fast = {**offered["slack"], "posts_per_second": "50"}
    await world.nexus.onboarding.connect(world.tenant_id, "slack", fast, "test")
    await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
    yield world
