import pytest, dataclasses
from hypothesis import settings, Phase
from hypothesis.stateful import run_state_machine_as_test as run
from machines.test_outbox_machine import OutboxMachine
from machines.test_inbox_machine import InboxMachine
from machines.test_lease_machine import LeaseMachine

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("machine", [OutboxMachine, InboxMachine, LeaseMachine], ids=lambda m: m.__name__)
def test_long(machine, plant, runner, profile, monkeypatch):
    if machine is InboxMachine:
        monkeypatch.setattr("nexus.pipeline.claims.MAX_CRASHES", 1_000_000)
    run(
        lambda: machine(plant, runner),
        settings=settings(profile, max_examples=150, stateful_step_count=40, report_multiple_bugs=False, database=None),
    )
