"""A burst of events about one task: one look at it, one change of its card; comments stay one to one."""

from support.waiting import eventually
from support.world import World


async def test_burst_about_one_task_is_one_look_and_one_change_of_its_card(linked: World) -> None:
    item_id = await linked.create_task("Export loses a row")
    root = await linked.root("Export loses a row")
    await linked.settled()
    await linked.stop_worker()
    for number in range(12):
        await linked.change_task(item_id, name=f"Export loses {number} rows")
        await linked.comment(item_id, f"number {number}")
    await eventually(lambda: linked.box.sandbox.core.outgoing.under_way == 0)
    before = linked.box.sandbox.core.recorder.last_n
    await linked.start_worker()
    await linked.settled()

    calls = linked.box.sandbox.core.recorder.find_calls(None, None, before)
    looks = [call for call in calls if call["vendor"] == "clickup" and call["path"].endswith(f"/task/{item_id}")]
    changes = [call for call in calls if call["method"] == "chat.update"]
    assert (len(looks), len(changes)) == (1, 1)
    said = await linked.said(root["ts"])
    assert [text for text in said if text.startswith("number")] == [f"number {n}" for n in range(12)]
    states = await linked.rows("SELECT state, count(*) AS n FROM inbox GROUP BY state")
    assert {row.state for row in states} <= {"done", "ignored"}
    covered = await linked.rows("SELECT 1 FROM inbox WHERE reason LIKE 'seen together with event %'")
    assert len(covered) >= 11


async def test_change_that_comes_during_the_look_gets_a_look_of_its_own(linked: World) -> None:
    """The look may be older than the event: only what was stored before it is covered by it."""
    item_id = await linked.create_task("Slow look")
    root = await linked.root("Slow look")
    await linked.settled()
    control = linked.box.sandbox.core.faults
    from oblivion_sandbox import FaultRule

    control.add(FaultRule(vendor="clickup", match="*/task/*", fault="delay", seconds=0.5, count=1, token="bot"))
    await linked.change_task(item_id, name="Slow look, first name")
    await eventually(lambda: linked.rows("SELECT 1 FROM inbox WHERE state = 'pending' AND claimed_by IS NOT NULL"))
    await linked.change_task(item_id, name="Slow look, last name")
    await linked.settled()
    (card,) = await linked.roots("Slow look")
    assert card["ts"] == root["ts"]
    assert "last name" in card["text"]
