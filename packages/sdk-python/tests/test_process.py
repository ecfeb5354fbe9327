"""An agent as a process: signals, exit codes, imports."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def process(nexus, *arguments: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environ = os.environ | {
        "OBLIVION_URI": nexus.uri,
        "AGENT_ID": "fixer-id",
        "AGENT_SECRET": "obl_sk_right",
        **variables,
    }
    running = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def ends(running: asyncio.subprocess.Process) -> str:
    """Its log, once it has ended."""
    async with asyncio.timeout(20):
        _, errors = await running.communicate()
    return errors.decode()


SLOW = """
from oblivion import Agent
agent = Agent("slow")
@agent.on_task()
async def handle(task, ctx):
    async for update in ctx.updates():
        return update.text
agent.run()
"""


async def test_sigterm_lets_the_handler_finish_takes_nothing_new_and_exits_with_0(nexus):
    async with process(nexus, "-c", SLOW) as running:
        await nexus.frame("hello")
        await nexus.offer("t1")
        await nexus.frame("task.accept")
        running.send_signal(signal.SIGTERM)
        rejected = False
        while not rejected:
            # Until the signal has arrived, offers are turned down for another reason.
            await nexus.offer("t2")
            reject = await nexus.frame("task.reject", len(nexus.named("task.reject")) + 1)
            rejected = reject["reason"] == "The agent is shutting down."
        await nexus.update("finished", "t1")
        complete = await nexus.frame("task.complete")
        log = await ends(running)

    assert complete["result"] == "finished"
    assert running.returncode == 0, log


async def test_refused_credentials_exit_with_77_and_say_what_to_do(nexus):
    async with process(nexus, "-c", SLOW, AGENT_SECRET="obl_sk_wrong") as running:
        log = await ends(running)

    assert running.returncode == 77
    assert "Check AGENT_ID and AGENT_SECRET" in log
    assert "Traceback" not in log
    assert "obl_sk_wrong" not in log


async def test_importing_the_package_loads_no_network_library():
    code = "import sys, oblivion; print([m for m in ('aiohttp', 'httpx', 'socketio') if m in sys.modules])"
    running = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=subprocess.PIPE)
    output, _ = await running.communicate()

    assert output.decode().strip() == "[]"
