"""The conformance suite, against the fake."""

import pytest

from oblivion.testing.conformance import SCENARIOS, FakeStage, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_the_fake_keeps_what_the_suite_promises(scenario: Scenario):
    async with FakeStage() as stage:
        await scenario(stage)
