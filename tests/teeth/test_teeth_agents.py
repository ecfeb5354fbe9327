"""Removes each guard of one part, alone, and must notice: agents and tasks. See `guards.py`."""

from typing import Any

import pytest
from guards import AGENTS, Guard, bite
from stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("guard", AGENTS, ids=lambda guard: guard.name)
async def test_removal_is_noticed(guard: Guard, stage: Stage, record_property: Any) -> None:
    await bite(guard, stage, record_property)
