"""Test an agent without a network and without waiting.

from oblivion.testing import FakeNexus

async def test_it_asks_for_the_branch():
    async with FakeNexus(agent) as nexus:
        task = await nexus.assign("fix_bug", title="Login fails")
        await task.answer("main")
        assert await task.result() == "Fixed on main"
"""

from oblivion.testing._nexus import FakeNexus
from oblivion.testing._process import AgentProcess
from oblivion.testing._records import Artifact, Question
from oblivion.testing._task import FakeTask

__all__ = ["AgentProcess", "Artifact", "FakeNexus", "FakeTask", "Question"]
