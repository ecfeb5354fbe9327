"""What the tools do: the same commands as over the socket, by the same rules, for clients that only ask."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.doorbell import Bells
from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.mcp import processes, reading
from nexus.mcp import tools as given
from nexus.mcp.processes import Client
from nexus.mcp.refusals import ToolRefused, not_held
from nexus.pipeline.errors import Retryable
from nexus.store.database import Database, is_unavailable
from nexus.store.tables import Task
from nexus.tasks.commands import AgentCommands, Caller, SessionReplaced
from oblivion_protocol import (
    Accepted,
    Refused,
    TaskAccept,
    TaskApprove,
    TaskAsk,
    TaskCommand,
    TaskComplete,
    TaskFail,
    TaskHeartbeat,
    TaskMessage,
    TaskPlan,
    TaskProgress,
    TaskReject,
)
from oblivion_protocol.resources import SearchHit

log = get_logger(__name__)

TICK_SECONDS = 2.0
"""How often somebody who waits looks without having heard a ring."""

Result = dict[str, Any]


class Searcher(Protocol):
    """Finds what was said and done."""

    async def search(self, tenant_id: UUID, query: str, limit: int) -> list[SearchHit]:
        """The passages of the tenant that fit best, best first. Raises Retryable when it cannot be done now."""
        ...


class AgentTools:
    """Carries out the tools of one gateway process. Keeps nothing between calls: all state is in PostgreSQL."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        commands: AgentCommands,
        searcher: Searcher,
        bells: Bells,
        draining: Callable[[], bool],
    ) -> None:
        self._db = db
        self._clock = clock
        self._commands = commands
        self._searcher = searcher
        self._bells = bells
        self._draining = draining
        self._rung = asyncio.Event()
        self._leaving: set[asyncio.Task[None]] = set()
        bells.on("agents", self._ring)
        bells.on("deliveries", self._ring)

    async def call(self, client: Client, arguments: given.Arguments, tool: str) -> Result:
        """Carries out one call. Raises ToolRefused, for everything that a client can do something about."""
        try:
            try:
                return await self._call(client, arguments, tool)
            except ToolRefused as refused:
                if refused.code == "stale_epoch" and isinstance(arguments, given.OfTask):
                    # The last that it is told of this task: why it is not its own any more.
                    refused.news = await self._news(client, arguments)
                raise
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ToolRefused("invalid", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        except Retryable as error:
            raise ToolRefused("unavailable", error.reason) from error
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("database.away", during=f"mcp.{tool}", error=error)
            raise ToolRefused("unavailable", "The database is away for the moment.") from error

    async def _call(self, client: Client, arguments: given.Arguments, tool: str) -> Result:
        match arguments:
            case given.NextTask():
                return await self._next_task(client, arguments)
            case given.SearchHistory():
                hits = await self._searcher.search(client.tenant_id, arguments.query, arguments.limit)
                return {"untrusted": [hit.model_dump(mode="json") for hit in hits]}
            case given.GetThread():
                return await self._get_thread(client, arguments)
            case given.GetAnswer():
                return await self._answer(client, arguments, arguments.question_id, arguments.wait_seconds)
            case given.AskHuman() | given.RequestApproval():
                return await self._ask(client, arguments)
            case given.Heartbeat():
                about = self._about(arguments, "heartbeat")
                await self._carry_out(client, "task.heartbeat", TaskHeartbeat(**about))
                return await self._told(client, arguments, "Go on with the task.", arguments.busy_seconds)
            case given.PostUpdate():
                return await self._post(client, arguments)
            case given.SetPlan():
                about = self._about(arguments, "plan")
                await self._carry_out(client, "task.plan", TaskPlan(**about, steps=arguments.steps))
                return await self._told(client, arguments, "Work on the first step that is not done.")
            case given.Complete():
                about = self._about(arguments, "complete", once=True)
                return await self._end(client, "task.complete", TaskComplete(**about, result=arguments.result))
            case given.Fail(error=why, retryable=retryable):
                about = self._about(arguments, "fail", once=True)
                return await self._end(client, "task.fail", TaskFail(**about, error=why, retryable=retryable))
            case given.Reject(reason=why):
                about = self._about(arguments, "reject", once=True)
                return await self._end(client, "task.reject", TaskReject(**about, reason=why))
            case given.OfTask():
                about = self._about(arguments, "accept", once=True)
                await self._carry_out(client, "task.accept", TaskAccept(**about))
                then = "Call set_plan with your steps, then work. Call ask_human when something is unclear."
                return await self._told(client, arguments, then)
            case _:
                raise ToolRefused("invalid", f"There is no tool {tool}.")

    # --- waiting for work ---

    async def _next_task(self, client: Client, arguments: given.NextTask) -> Result:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + arguments.wait_seconds
        rings = True
        try:
            while True:
                rung = self._rung
                async with self._db.tenant(client.tenant_id) as session:
                    now = self._clock.now()
                    caller = await processes.asks(session, client, now, arguments.skills)
                    offer = await reading.take_offer(session, caller, now, again=client.alone)
                    holding = await reading.held_tasks(session, caller)
                if offer is not None:
                    then = f"Call accept (or reject) with task_id and epoch within {given.ACCEPT_SECONDS} seconds."
                    return {"task": offer, "holding": holding, "next": then}
                if holding and client.alone:
                    then = "You hold a task: go on with it, and complete or fail it before you ask for another one."
                    return {"task": None, "holding": holding, "next": then}
                if rings:
                    self._bells.ring("dispatch")  # somebody may have waited for us
                    rings = False
                left = deadline - loop.time()
                if left <= 0 or self._draining():
                    return {"task": None, "holding": holding, "next": "There is no work yet. Call next_task again."}
                await _rest(rung, min(left, TICK_SECONDS))
        finally:
            # By itself, since a client that hangs up takes this call with it.
            leaving = asyncio.create_task(self._asks_no_more(client))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def _asks_no_more(self, client: Client) -> None:
        with contextlib.suppress(Exception):  # an offer that nobody reads is taken back all the same
            async with self._db.tenant(client.tenant_id) as session:
                await processes.asks_no_more(session, client)

    async def goodbye(self, client: Client) -> None:
        """The client ends its session."""
        async with self._db.tenant(client.tenant_id) as session:
            await processes.leaves(session, client, self._clock.now())

    # --- about a task ---

    async def _post(self, client: Client, arguments: given.PostUpdate) -> Result:
        if arguments.kind == "progress":
            about = self._about(arguments, "progress")
            await self._carry_out(client, "task.progress", TaskProgress(**about, text=arguments.text))
        else:
            about = self._about(arguments, "message")
            key = _key("message", arguments.text)
            await self._carry_out(client, "task.message", TaskMessage(**about, text=arguments.text, key=key))
        return await self._told(client, arguments, "Go on with the task.")

    async def _ask(self, client: Client, arguments: given.AskHuman | given.RequestApproval) -> Result:
        about = self._about(arguments, "ask")
        limit = arguments.timeout_seconds
        if isinstance(arguments, given.AskHuman):
            name, options = "task.ask", arguments.options
            key = _key(name, arguments.question, *options)
            command: TaskCommand = TaskAsk(
                **about, question=arguments.question, options=options, timeout_seconds=limit, key=key
            )
        else:
            name, approvers = "task.approve", arguments.approvers
            key = _key(name, arguments.action, *approvers)
            command = TaskApprove(**about, action=arguments.action, approvers=approvers, timeout_seconds=limit, key=key)
        accepted = await self._carry_out(client, name, command)
        assert accepted.question_id is not None
        return await self._answer(client, arguments, accepted.question_id, arguments.wait_seconds)

    async def _answer(self, client: Client, about: given.OfTask, question_id: str, wait_seconds: int) -> Result:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        while True:
            rung = self._rung
            async with self._db.tenant(client.tenant_id) as session:
                caller = await processes.seen(session, client, self._clock.now())
                task = await self._held(session, caller, about)
                question = await reading.question_of(session, task, question_id)
                if question is None:
                    raise ToolRefused("not_found", "This task has no such question.")
                answer = reading.answer_of(question)
            left = deadline - loop.time()
            if answer["settled"] or left <= 0 or self._draining():
                break
            await _rest(rung, min(left, TICK_SECONDS))
        told = await self._told(client, about, _after(answer))
        told["news"] = [one for one in told["news"] if one.get("question_id") != question_id]
        return {"question_id": question_id, **answer, **told}

    async def _get_thread(self, client: Client, arguments: given.GetThread) -> Result:
        async with self._db.tenant(client.tenant_id) as session:
            caller = await processes.seen(session, client, self._clock.now())
            task = await self._held(session, caller, arguments)
            thread = await reading.thread_of(session, task, arguments.limit)
        return {**thread, **await self._told(client, arguments, "Go on with the task.")}

    async def _end(self, client: Client, name: str, command: TaskCommand) -> Result:
        await self._carry_out(client, name, command)
        self._bells.ring("dispatch")
        return {"ok": True, "next": "You are free. Call next_task for more work."}

    async def _told(
        self, client: Client, about: given.OfTask, then: str, busy_seconds: int = given.LEASE_SECONDS
    ) -> Result:
        """Renews the lease, and says what happened meanwhile and what comes next."""
        async with self._db.tenant(client.tenant_id) as session:
            now = self._clock.now()
            caller = await processes.seen(session, client, now)
            until: datetime = now + timedelta(seconds=busy_seconds)
            await reading.keep(session, caller, about.task_id, about.epoch, until)
            news = await reading.take_news(session, caller, about.task_id, now)
        return {"ok": True, "news": news, "lease_seconds": busy_seconds, "next": then}

    async def _news(self, client: Client, about: given.OfTask) -> list[dict[str, Any]]:
        async with self._db.tenant(client.tenant_id) as session:
            now = self._clock.now()
            caller = await processes.seen(session, client, now)
            return await reading.take_news(session, caller, about.task_id, now)

    @staticmethod
    async def _held(session: AsyncSession, caller: Caller, about: given.OfTask) -> Task:
        try:
            return await reading.check_held(session, caller, about.task_id, about.epoch)
        except reading.NotHeld as error:
            raise not_held(error) from error

    async def _carry_out(self, client: Client, name: str, command: TaskCommand) -> Accepted:
        for _ in range(2):
            async with self._db.tenant(client.tenant_id) as session:
                caller = await processes.seen(session, client, self._clock.now())
            with contextlib.suppress(SessionReplaced):  # by a socket, just now: it is ours again with the next try
                answer = await self._commands.carry_out(caller, name, command)
                if isinstance(answer, Refused):
                    raise ToolRefused(answer.code, answer.detail)
                if name != "task.heartbeat":
                    self._bells.ring("deliveries")
                return answer
        raise ToolRefused("rate_limited", "Another connection of the same instance keeps taking over.")

    def _about(self, arguments: given.OfTask, what: str, *, once: bool = False) -> dict[str, Any]:
        """`once`: repeated, it is the same command and gets the same answer."""
        event_id = f"mcp-{what}" if once else f"mcp-{uuid4().hex}"
        return {"task_id": arguments.task_id, "epoch": arguments.epoch, "event_id": event_id}

    def _ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()


async def _rest(rung: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(rung.wait(), seconds)


def _key(*parts: str) -> str:
    """The same for the same words, in whichever epoch of the task they are said."""
    return "mcp-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def _after(answer: dict[str, Any]) -> str:
    match answer["outcome"]:
        case "open":
            return "Nobody has answered yet. Go on with what does not depend on it, and call get_answer later."
        case "expired":
            return "Nobody answered in time, which is neither a yes nor a no. Decide what is safe, or fail the task."
        case "answered" if answer.get("approved") is False:
            return "It was denied: do not do it."
        case _:
            return "Go on with the task."
