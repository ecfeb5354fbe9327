"""A Nexus in the process of the test."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from oblivion._door import Door
from oblivion._settings import Settings
from oblivion.agent import Agent
from oblivion.testing._hub import FakeHub
from oblivion.testing._process import AgentProcess
from oblivion.testing._socket import FakeSocket
from oblivion.testing._task import PERSON, FakeTask
from oblivion.testing._time import JumpingTime
from oblivion_protocol import SearchHit

PATIENCE_SECONDS = 86_400.0
"""How long a test waits for something, by the clock of the fake world."""


class FakeNexus:
    """Runs an agent against a Nexus that needs no network, and a clock that nobody waits for.

    The agent is the real one, with its connection, leases, journal and retries; only the websocket is replaced. The
    fake keeps the rules of the real Nexus: offers of 10 s, leases of 60 s, epochs, redelivery. `skills` are types of
    task that Nexus offers to the agent although it does not name them; `history` is what `search_history` finds.
    """

    def __init__(self, agent: Agent, *, skills: Iterable[str] = (), history: Iterable[SearchHit] = ()) -> None:
        self._agent = agent
        self._skills = frozenset(skills)
        self._history = list(history)

    async def __aenter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="oblivion-testing-")
        self._time = JumpingTime.join(self._thinking)
        self._due = asyncio.Event()
        self._changed = asyncio.Event()
        self._error: BaseException | None = None
        self._hub = FakeHub(self._time.now, self._something_changed, self._skills)
        self._process = AgentProcess(self._agent, self._door())
        self._clerk = asyncio.create_task(self._work(), name="fake-nexus")
        try:
            await self.start_agent()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._process.running:
                await self._process.kill()
        finally:
            self._clerk.cancel()
            await asyncio.gather(self._clerk, return_exceptions=True)
            self._time.leave(self._thinking)
            self._directory.cleanup()
        if error is None and self._error is not None:
            raise self._error

    @property
    def process(self) -> AgentProcess:
        """The agent as a process."""
        return self._process

    @property
    def hub(self) -> FakeHub:
        """What the fake remembers, for tests of the SDK itself."""
        return self._hub

    async def assign(
        self, task_type: str = "default", *, title: str = "A task", text: str = "", by: str = PERSON
    ) -> FakeTask:
        """Somebody wants something done; returns before the agent has begun."""
        return FakeTask(self._hub.assign(task_type, title, text, by), self._hub, self._until)

    async def advance(
        self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0
    ) -> None:
        """Time passes, and what is due within happens."""
        with self._time.forced():
            await asyncio.sleep(seconds + 60 * minutes + 3600 * hours + 86_400 * days)

    async def drop_connection(self) -> None:
        """The network fails for a moment; returns when the agent is back."""
        self._process.cut()
        hellos = len(self._hub.hellos)
        await self._until(lambda: len(self._hub.hellos) > hellos, lambda: "The agent did not come back.")

    @asynccontextmanager
    async def outage(self) -> AsyncGenerator[None]:
        """Within, the agent cannot reach Nexus."""
        self._process.hold_back()
        try:
            yield
        finally:
            self._process.let_through()
            await self._until(lambda: self._hub.online, lambda: "The agent did not come back.")

    async def restart_nexus(self) -> None:
        """Nexus restarts; it forgets nothing. Returns when the agent is back."""
        hellos = len(self._hub.hellos)
        self._hub.hang_up()
        await self._until(lambda: len(self._hub.hellos) > hellos, lambda: "The agent did not come back.")

    async def start_agent(self) -> None:
        """Starts the agent; returns when it is connected."""
        self._process.start()
        self._process.on_end(self._ended)
        await self._until(lambda: self._hub.online, lambda: "The agent did not connect.")

    async def stop_agent(self) -> None:
        """SIGTERM: the agent drains, and ends."""
        await self._process.stop()

    async def crash_agent(self) -> None:
        """SIGKILL."""
        await self._process.kill()

    async def restart_agent(self) -> None:
        """Ends the agent in order if it runs, and starts it as a new process with the same journal."""
        if self._process.running:
            await self.stop_agent()
        await self.start_agent()

    def crash_before(self, did: str) -> Awaitable[None]:
        """Kills the agent right before its next "say", "complete" … is sent. Like `crash_after`."""
        return self._bounded(self._process.crash_before(did), f"The agent did not {did}.")

    def crash_after(self, did: str) -> Awaitable[None]:
        """Kills the agent right after its next "say", "ask", "approve", "artifact", "complete" … has had its effect.

        From the call on; await it to wait until it has happened.
        """
        return self._bounded(self._process.crash_after(did), f"The agent did not {did}.")

    def drop_after(self, did: str) -> Awaitable[None]:
        """Cuts the connection right after the next "say", "ask" … has had its effect: its answer is lost."""
        return self._bounded(self._process.cut_after(did), f"The agent did not {did}.")

    async def mute(self) -> None:
        """The agent posted too much: what it says is held."""
        self._hub.mute(muted=True)

    async def unmute(self) -> None:
        """What was held is posted."""
        self._hub.mute(muted=False)

    def _thinking(self) -> bool:
        return self._agent.threads.busy

    def _door(self) -> Door:
        settings = Settings("http://nexus.invalid", "fake-client", "obl_sk_fake", self._agent.name)
        journal = Path(self._directory.name) / "journal"
        return Door(
            settings, _FakeTokens(), self._search, journal, lambda event, closed: FakeSocket(self._hub, event, closed)
        )

    async def _search(self, query: str, limit: int) -> list[SearchHit]:
        words = query.casefold().split()
        hits = [hit for hit in self._history if any(word in f"{hit.title} {hit.text}".casefold() for word in words)]
        return hits[:limit]

    async def _work(self) -> None:
        while True:
            self._due.clear()
            due = self._hub.work()
            try:
                async with asyncio.timeout_at(due):
                    await self._due.wait()
            except TimeoutError:
                continue

    async def _until(self, condition: Callable[[], bool], what: Callable[[], str]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition():
                    if self._error is not None:
                        error, self._error = self._error, None
                        raise error
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{what()} (after a day of the fake world)") from None

    def _bounded(self, happened: asyncio.Future[None], otherwise: str) -> Awaitable[None]:
        def give_up() -> None:
            if not happened.done():
                happened.set_exception(AssertionError(otherwise))
                happened.exception()

        asyncio.get_running_loop().call_later(PATIENCE_SECONDS, give_up)
        return happened

    def _something_changed(self) -> None:
        self._due.set()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _ended(self, error: BaseException) -> None:
        self._error = error
        self._something_changed()


class _FakeTokens:
    async def fresh(self) -> str:
        return "fake-token"
