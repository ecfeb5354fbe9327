"""Removes each guard of one part, alone, and must notice: from the webhook to what it causes. See `guards.py`."""

from typing import Any

import pytest
from guards import WAY_IN, Guard, bite
from stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("guard", WAY_IN, ids=lambda guard: guard.name)
async def test_removal_is_noticed(guard: Guard, stage: Stage, record_property: Any) -> None:
    await bite(guard, stage, record_property)
