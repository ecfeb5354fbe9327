"""What a dashboard is sent: in order, bounded, and never past what it has not got."""

from datetime import UTC, datetime, timedelta

import orjson

from nexus.gateway.outbox import CURSOR_SECONDS, MAX_LINE_BYTES, MAX_PENDING_LINES, MAX_PENDING_TASKS, Outbox, ReadyLine
from oblivion_protocol import MAX_MESSAGE_BYTES
from oblivion_protocol.admin import MAX_FEED_LINES, FeedFilters, FeedLine, TaskChanged

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOON = 1e12


def ready(number: int, *, padding: int = 0, kind: str = "webhook.done") -> ReadyLine:
    at = NOON + timedelta(seconds=number)
    return ReadyLine.of(
        FeedLine(
            id=f"{number:06}", ts=at, level="info", kind=kind, source="clickup", tenant_id="t", message="m",
            data={"x": "y" * padding},
        )
    )  # fmt: skip


def subscribed(filters: FeedFilters | None = None) -> Outbox:
    box = Outbox()
    box.hold(filters or FeedFilters())
    return box


def sent(box: Outbox) -> list[tuple[list[int], str]]:
    found: list[tuple[list[int], str]] = []
    while (feed := box.next_feed(0)) is not None:
        found.append(([int(line["id"]) for line in feed["lines"]], feed["cursor"]))
    return found


def test_who_has_not_subscribed_gets_no_lines() -> None:
    box = Outbox()
    box.add([ready(1)], "c1")
    assert box.next_feed(SOON) is None


def test_what_comes_waits_for_what_was_before_and_is_not_sent_twice() -> None:
    box = subscribed()
    box.add([ready(2), ready(3)], "c3")
    assert box.next_feed(SOON) is None
    box.begin([ready(1), ready(2)], "c2", since="c0")
    box.add([ready(4)], "c4")
    assert sent(box) == [([1, 2, 3, 4], "c4")]


def test_the_cursor_moves_only_past_what_is_sent() -> None:
    box = subscribed()
    box.begin([ready(number) for number in range(MAX_FEED_LINES + 1)], "after", since="before")
    assert [(len(lines), cursor) for lines, cursor in sent(box)] == [(MAX_FEED_LINES, "before"), (1, "after")]


def test_a_message_is_small_enough_for_every_client() -> None:
    box = subscribed()
    box.begin([ready(number, padding=5000) for number in range(60)], "c", since="c")
    sizes: list[int] = []
    while (feed := box.next_feed(0)) is not None:
        sizes.append(len(orjson.dumps(feed)))
    assert len(sizes) > 2
    assert max(sizes) < MAX_MESSAGE_BYTES


def test_a_line_that_is_too_long_loses_its_data() -> None:
    line = ready(1, padding=MAX_LINE_BYTES)
    assert line.payload["data"] == {"truncated": True}
    assert line.size_bytes < MAX_LINE_BYTES


def test_a_late_line_takes_its_place_within_the_batch() -> None:
    box = subscribed()
    box.begin([], "c0", since="c0")
    box.add([ready(2)], "c1")
    box.add([ready(1)], "c2")
    assert sent(box) == [([1, 2], "c2")]


def test_only_wanted_lines_are_kept_and_the_cursor_moves_all_the_same() -> None:
    box = subscribed(FeedFilters(kinds=["delivery"]))
    box.begin([], "c0", since="c0")
    box.add([ready(1), ready(2, kind="delivery.done")], "c1")
    box.add([ready(3)], "c2")
    assert sent(box) == [([2], "c2")]


def test_who_sees_no_lines_is_told_now_and_then_how_far_the_feed_is() -> None:
    box = subscribed(FeedFilters(kinds=["delivery"]))
    box.begin([], "c0", since="c0")
    box.add([ready(1)], "c1")
    began = box._told_at
    assert box.next_feed(began + CURSOR_SECONDS - 1) is None
    assert box.next_feed(began + CURSOR_SECONDS + 1) == {"lines": [], "cursor": "c1"}
    assert box.next_feed(began + 3 * CURSOR_SECONDS) is None, "nothing has changed"


def test_another_subscription_forgets_what_the_one_before_had_waiting() -> None:
    box = subscribed()
    box.begin([ready(1)], "c1", since="c0")
    box.hold(FeedFilters(levels=["error"]))
    box.add([ready(2)], "c2")
    box.begin([], "c2", since="c2")
    assert sent(box) == []


def test_what_nobody_reads_is_bounded() -> None:
    box = subscribed()
    box.begin([], "c", since="c")
    box.add([ready(number) for number in range(MAX_PENDING_LINES)], "c1")
    assert not box.overrun
    box.add([ready(MAX_PENDING_LINES)], "c2")
    assert box.overrun
    tasks = Outbox()
    for number in range(MAX_PENDING_TASKS + 1):
        tasks.change([TaskChanged(id=str(number), state="working", mirror="mirrored", updated_at=NOON)] * 2)
    assert tasks.overrun
