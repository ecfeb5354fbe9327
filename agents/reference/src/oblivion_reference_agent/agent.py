"""The agent of the squad: takes tasks, runs the graph, asks people in between."""

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, StateSnapshot

from oblivion import Agent, Context, ContextUpdate, TaskAssigned
from oblivion_reference_agent.approval import decide
from oblivion_reference_agent.checkpoints import open_checkpoints
from oblivion_reference_agent.github import GitHub
from oblivion_reference_agent.graph import STAGES, Graph, Outside, State, build_graph
from oblivion_reference_agent.model import open_model
from oblivion_reference_agent.prompts import heard_line, opening
from oblivion_reference_agent.proposal import Proposal
from oblivion_reference_agent.settings import Settings
from oblivion_reference_agent.tools import NoTools, open_read_tools
from oblivion_reference_agent.tracing import Tracing

log = logging.getLogger("oblivion.reference")

NAME = "reference"
READ_ONLY_TYPE = "read_repository"
TASK_TYPES = ("default", "fix_bug", READ_ONLY_TYPE)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def build_agent(settings: Settings, tracing: Tracing) -> Agent:
    """An agent with its handlers, not yet running."""
    agent = Agent(NAME, concurrency=settings.concurrency)
    worker = Worker(settings, tracing, open_model(settings))
    for task_type in TASK_TYPES:
        agent.on_task(task_type)(worker.handle)
    return agent


class Worker:
    """Works on tasks; keeps nothing between them but the checkpoints."""

    def __init__(
        self,
        settings: Settings,
        tracing: Tracing,
        model: BaseChatModel,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._tracing = tracing
        self._model = model
        self._now = now

    async def handle(self, task: TaskAssigned, ctx: Context) -> str:
        """One attempt at a task, going on where an earlier attempt of any process stopped."""
        with self._tracing.task(task) as callbacks:
            async with Stages(ctx) as stages, GitHub(self._settings) as github:
                return await Attempt(self._settings, task, ctx, github, stages, callbacks).work(self._model, self._now)


class Stages:
    """Ticks the plan on the card as the graph goes from stage to stage."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._step = AsyncExitStack()
        self._begun = 0

    async def __aenter__(self) -> "Stages":
        await self._ctx.plan(*STAGES)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._step.__aexit__(*error)

    async def enter(self, title: str) -> None:
        """This stage begins; earlier ones are done."""
        while self._begun <= STAGES.index(title):
            await self._step.aclose()
            await self._step.enter_async_context(self._ctx.step(STAGES[self._begun]))
            self._begun += 1


class Attempt:
    """One task and what it takes to work on it."""

    def __init__(
        self,
        settings: Settings,
        task: TaskAssigned,
        ctx: Context,
        github: GitHub,
        stages: Stages,
        callbacks: list[BaseCallbackHandler],
    ) -> None:
        self._settings = settings
        self._task = task
        self._ctx = ctx
        self._github = github
        self._stages = stages
        self._config: RunnableConfig = {"configurable": {"thread_id": task.task_id}, "callbacks": callbacks}
        self._heard: list[str] = []

    async def work(self, model: BaseChatModel, now: Callable[[], datetime]) -> str:
        """The result for the thread."""
        self._ctx.on_update(self._hear)
        outside = Outside(
            model=model,
            read_tools=NoTools(),
            write=self._github.open_issue_once,
            now=now,
            enter=self._stages.enter,
            progress=self._ctx.progress,
            heard=self._take_heard,
        )
        reached = await self._until_decision(outside)
        if not reached.interrupts:
            return reached.values["result"]
        decision = await decide(self._ctx, Proposal.model_validate(reached.values["proposal"]), self._settings)
        log.info("approval.decided task=%s decision=%s", self._task.task_id, decision)
        async with open_checkpoints(self._settings) as checkpoints:
            return (await self._run(build_graph(checkpoints), Command(resume=decision), outside)).values["result"]

    async def _until_decision(self, outside: Outside) -> StateSnapshot:
        """Runs to the end, or to the question for people."""
        async with open_checkpoints(self._settings) as checkpoints:
            graph = build_graph(checkpoints)
            known = await graph.aget_state(self._config)
            if known.interrupts or known.values.get("result"):
                return known
            begin: State | None = self._begin()
            if known.next:
                begin = None
                self._catch_up(known)
                log.info("task.resumed task=%s stage=%s", self._task.task_id, known.next[0])
            if not self._settings.github_token:
                await self._ctx.progress("No GITHUB_TOKEN is set: I work without GitHub")
                return await self._run(graph, begin, outside)
            await self._github.check_token()
            async with open_read_tools(self._settings, self._github) as tools:
                return await self._run(graph, begin, replace(outside, read_tools=tools))

    async def _run(self, graph: Graph, begin: "State | Command[Any] | None", outside: Outside) -> StateSnapshot:
        # "sync": a stage is stored before the next begins.
        await graph.ainvoke(begin, self._config, context=outside, durability="sync")
        return await graph.aget_state(self._config)

    def _begin(self) -> State:
        return {
            "task_id": self._task.task_id,
            "messages": opening(self._task, self._settings.github_repositories),
            "may_propose": bool(self._settings.github_token) and self._task.type != READ_ONLY_TYPE,
        }

    def _catch_up(self, known: StateSnapshot) -> None:
        """What people said while nobody worked stands in the new offer only."""
        if known.created_at is not None:
            since = datetime.fromisoformat(known.created_at)
            self._heard[:0] = [heard_line(entry) for entry in self._task.context if entry.at > since]

    def _hear(self, update: ContextUpdate) -> None:
        if update.kind in ("reply", "comment", "edit"):
            self._heard.append(heard_line(update))

    def _take_heard(self) -> list[str]:
        heard, self._heard = self._heard, []
        return heard
