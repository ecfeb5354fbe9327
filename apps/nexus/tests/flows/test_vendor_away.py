"""Slack does nothing for a long time: what is owed waits, nothing is given up, and all of it arrives in order."""

from support.waiting import eventually
from support.world import World

from oblivion_sandbox import FaultRule


async def test_a_long_outage_of_slack_ends_in_no_dead_letter(linked: World) -> None:
    item = await linked.create_task("Before the outage")
    root = await linked.root("Before the outage")
    faults = linked.box.sandbox.core.faults
    faults.add(FaultRule(vendor="slack", match="*", fault="5xx"))
    others = [await linked.create_task(f"Meanwhile {number}") for number in range(4)]
    for number in range(3):
        await linked.comment(item, f"Comment {number}")
    open_now = "oblivion_vendor_circuits_open"

    async def is_open() -> bool:
        value = linked.nexus.metrics.registry.get_sample_value(open_now, {"vendor": "slack"})
        return value == 1.0

    await eventually(is_open, "the circuit is open", seconds=30)
    before = await attempts(linked)
    faults.remove(None)
    await eventually(lambda: linked.roots("Meanwhile 3"), "the cards", seconds=30)
    await linked.settled()
    assert max(await attempts(linked)) <= max(before) + 1, "the outage was not counted against what waited"
    assert [row.state for row in await linked.rows("SELECT DISTINCT state FROM inbox WHERE state = 'dead'")] == []
    rows = await linked.rows("SELECT count(*) AS n FROM deliveries WHERE state = 'dead'")
    assert rows[0].n == 0
    assert [said for said in await linked.said(root["ts"]) if "Comment" in said] == [
        f"Comment {number}" for number in range(3)
    ]
    assert len(await linked.roots("Meanwhile")) == len(others)
    assert linked.nexus.metrics.registry.get_sample_value(open_now, {"vendor": "slack"}) == 0.0


async def attempts(world: World) -> list[int]:
    return [row.attempts for row in await world.rows("SELECT attempts FROM deliveries WHERE state <> 'superseded'")]
