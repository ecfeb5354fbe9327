"""An agent as a process that can be started, stopped, cut off and killed; against a fake or a real Nexus."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from oblivion._door import Door
from oblivion._socket import Frame
from oblivion.agent import Agent
from oblivion.testing._socket import Faults

COMMANDS = {
    "accept": "task.accept",
    "plan": "task.plan",
    "progress": "task.progress",
    "say": "task.message",
    "ask": "task.ask",
    "approve": "task.approve",
    "artifact": "task.artifact",
    "complete": "task.complete",
    "fail": "task.fail",
    "reject": "task.reject",
}
"""What a handler does → the command that it sends."""


class AgentProcess:
    """One agent behind one door. Each start is a new process to Nexus; the journal stays."""

    def __init__(self, agent: Agent, door: Door) -> None:
        self.agent = agent
        self._door = door
        self._faults = Faults(door.socket)
        self._serving: asyncio.Task[None] | None = None
        self._starts = 0

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._serving is not None and not self._serving.done()

    def start(self) -> None:
        """Starts it."""
        if self.running:
            raise RuntimeError("The agent is running already.")
        self._starts += 1
        settings = replace(self._door.settings, instance=f"{self._door.settings.instance}-{self._starts}")
        door = replace(self._door, settings=settings, socket=self._faults.socket)
        self._serving = asyncio.create_task(self.agent.serve_through(door), name="agent")

    async def stop(self) -> None:
        """SIGTERM: its handlers may finish. Raises what ended it, if that was an error."""
        # A process that has not begun to serve cannot be asked to stop.
        await asyncio.sleep(0)
        self.agent.stop()
        await self._ended()

    async def kill(self) -> None:
        """SIGKILL: nothing more is said."""
        self._strike()
        await self._ended()

    def cut(self) -> None:
        """Its connection is lost."""
        self._faults.cut()

    def hold_back(self) -> None:
        """Cuts its connection, and lets it make no other one."""
        self._faults.blocked = True
        self._faults.cut()

    def let_through(self) -> None:
        """It may connect again."""
        self._faults.blocked = False

    async def send(self, name: str, frame: Frame) -> dict[str, Any]:
        """Sends a frame as it is over its connection; the answer."""
        answer = await self._faults.call(name, frame)
        assert isinstance(answer, dict)
        return cast("dict[str, Any]", answer)

    def crash_before(self, did: str) -> asyncio.Future[None]:
        """Kills it when it is about to say the next thing of this kind; the future is done when it is dead."""
        return self._arm(self._faults.before, did, self._strike, dies=True)

    def crash_after(self, did: str) -> asyncio.Future[None]:
        """Kills it when the next thing of this kind has had its effect; the future is done when it is dead."""
        return self._arm(self._faults.after, did, self._strike, dies=True)

    def cut_after(self, did: str) -> asyncio.Future[None]:
        """Cuts its connection when the next thing of this kind has had its effect; its answer is lost."""
        return self._arm(self._faults.after, did, self.cut, dies=False)

    def on_end(self, tell: Callable[[BaseException], None]) -> None:
        """Calls back when the process ends by an error of its own."""

        def ended(serving: asyncio.Task[None]) -> None:
            error = None if serving.cancelled() else serving.exception()
            if error is not None:
                tell(error)

        if self._serving is not None:
            self._serving.add_done_callback(ended)

    def _arm(
        self, when: Callable[[str, Callable[[], None]], None], did: str, act: Callable[[], None], *, dies: bool
    ) -> asyncio.Future[None]:
        happened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell(_: object = None) -> None:
            if not happened.done():
                happened.set_result(None)

        def strike() -> None:
            act()
            if dies and self._serving is not None:
                self._serving.add_done_callback(tell)
            else:
                tell()

        if did not in COMMANDS:
            raise ValueError(f"{did!r} is nothing that a handler does; one of {', '.join(COMMANDS)}.")
        when(COMMANDS[did], strike)
        return happened

    def _strike(self) -> None:
        self._faults.cut()
        if self._serving is not None:
            self._serving.cancel()

    async def _ended(self) -> None:
        if self._serving is not None:
            await asyncio.wait({self._serving})
            with contextlib.suppress(asyncio.CancelledError):
                self._serving.result()
