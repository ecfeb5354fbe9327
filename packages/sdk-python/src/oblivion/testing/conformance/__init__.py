"""What every agent may rely on, whichever Nexus it works with: one suite for the fake and for the real one.

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
    async def test_nexus_keeps_what_the_fake_promises(scenario, stage):
        await scenario(stage)

`Stage` is what a driver implements; `FakeStage` is the one for `FakeNexus`.
"""

from oblivion.testing.conformance.fake import FakeStage
from oblivion.testing.conformance.people import PEOPLE
from oblivion.testing.conformance.stage import Stage
from oblivion.testing.conformance.suite import Scenario
from oblivion.testing.conformance.trouble import TROUBLE
from oblivion.testing.conformance.work import WORK

SCENARIOS: list[Scenario] = [*WORK, *PEOPLE, *TROUBLE]

__all__ = ["SCENARIOS", "FakeStage", "Scenario", "Stage"]
