"""Conversations in both directions, with delays, edits and crashes: what stands there stands in order (I4)."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cluster import Cluster, running_cluster
from ledger import WRITES, calls_since, effects, healed, last_entry
from recording import Recording
from story import Author, Said, by_time

from nexus.drill.checker import Accepted, Seen, check
from nexus.drill.load import Sender, in_comments, in_thread, key_in
from nexus.drill.report import Report

CONVERSATIONS = 500
EVENTS_EACH = 20
DELAY_SECONDS = 1.0
"""Up to so long an event stays under way to Nexus, by chance, so that younger ones overtake it."""
ARRIVALS_PER_SECOND = 60
VENDOR_DELAY_SECONDS = 0.3
KILL_EVERY_SECONDS = (3.0, 9.0)
WINDOW_SECONDS = 1.0
"""Whoever was accepted longer than this before a younger effect left must stand above it."""
WORKERS = 2
SETTLE_SECONDS = 3600.0


async def kill_at_random(cluster: Cluster, dice: random.Random, kills: list[float]) -> None:
    """SIGKILL for one worker or the other, for ever."""
    while True:
        await asyncio.sleep(dice.uniform(*KILL_EVERY_SECONDS))  # the fault itself
        kills.append(await cluster.kill(f"worker-{dice.randrange(WORKERS)}"))


async def left_at(cluster: Cluster, since: int) -> dict[str, float]:
    """Key → when the first call that had its effect came in, Unix seconds."""
    found: dict[str, float] = {}
    for vendor, method in WRITES.items():
        query = {"since": since, "vendor": vendor, "method": method}
        answer = await cluster.sandbox.get("/_control/calls", params=query)
        for call in answer.raise_for_status().json()["calls"]:
            key = key_in(str(call["body"]))
            if call["effect"] and call["token"] == "bot" and key is not None:
                found.setdefault(key, call["time"])
    return found


def places(
    slack: Sequence[Mapping[str, Any]], clickup: Sequence[Mapping[str, Any]], left: Mapping[str, float],
    items: Mapping[str, str],
) -> list[Seen]:  # fmt: skip
    """Everything of ours that stands there, with its place."""
    found: list[Seen] = []
    for each in slack:
        key = str(key_in(each["text"]))
        late = "delivered late" in str(each["first_block"])
        conversation = in_thread(items.get(each["thread_ts"] or "", "nowhere"))
        found.append(Seen(key, conversation, float(each["ts"]), late, left.get(key, 0.0)))
    for each in clickup:
        key = str(key_in(each["text"]))
        # Ids of comments only grow, also within a millisecond.
        late = "delivered late" in each["text"]
        found.append(Seen(key, in_comments(each["task_id"]), int(each["id"]), late, left.get(key, 0.0)))
    return found


def outdated(said: Sequence[Said], texts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(key and what stands there, what should stand there) of all whose last edit is not what can be read."""
    return tuple(
        (f"{one.key}: {texts[one.key]!r}", one.texts[-1])
        for one in said
        if one.key in texts and one.texts[-1] not in texts[one.key]
    )


def explained(inversions: Sequence[tuple[str, str]], accepted: Sequence[Accepted], seen: Sequence[Seen]) -> list[str]:
    """When the two of each inversion were accepted and left, for whoever looks for the reason."""
    events, effects_of = {each.key: each for each in accepted}, {each.key: each for each in seen}
    lines: list[str] = []
    for older, younger in inversions:
        early = [each.key for each in accepted if each.key.endswith(f" of {older}")]
        early = [each for each in early if events[each].accepted_at < events[older].accepted_at]
        lines.append(
            f"{older} stands below {younger} in {effects_of[older].conversation}: accepted "
            f"{effects_of[younger].call_at - events[older].accepted_at:.2f} s before the younger one left, itself left "
            f"{effects_of[older].call_at - effects_of[younger].call_at:.2f} s after it; accepted before it: {early}"
        )
    return lines


async def test_effects_stand_in_source_order_and_edits_end_with_the_newest(
    cluster_directory: Path, scale: float, seed: int, recording: Recording
) -> None:
    count = max(5, int(CONVERSATIONS * scale))
    dice = random.Random(f"order {seed}")
    async with running_cluster(workers=WORKERS, directory=cluster_directory, seed=seed) as cluster:
        conversations = await cluster.conversations(count, channels=2)
        await cluster.settled(60)
        since = await last_entry(cluster)
        author = Author(cluster, ends_at=time.time() - 1)
        span = count * EVENTS_EACH / ARRIVALS_PER_SECOND
        stories = [author.story(each, EVENTS_EACH, dice.uniform(0, span), DELAY_SECONDS) for each in conversations]
        for story in stories:
            for message in story.messages:
                (await cluster.sandbox.post("/_control/slack/messages", json=message)).raise_for_status()
        for vendor, match in {**WRITES, "slack ": "chat.update", "clickup ": "PUT /comment/*"}.items():
            slow = {"vendor": vendor.strip(), "match": match, "token": "bot", "fault": "delay", "seconds": 0.0,
                    "spread_seconds": VENDOR_DELAY_SECONDS, "seed": seed}  # fmt: skip
            (await cluster.sandbox.post("/_control/faults", json=slow)).raise_for_status()
        sender = Sender(cluster.gateway_urls, seed=seed, concurrency=64, per_second=ARRIVALS_PER_SECOND)
        arrivals = list(by_time(stories))
        kills: list[float] = []
        started = time.monotonic()
        killing = asyncio.create_task(kill_at_random(cluster, dice, kills))
        try:
            await sender.send(each.webhook for each in arrivals)
            seconds = await cluster.settled(SETTLE_SECONDS) - started
        finally:
            killing.cancel()
        slack = [each for each in await effects(cluster, "slack") if not each["deleted"]]
        clickup = [each for each in await effects(cluster, "clickup") if not each["deleted"]]
        items = {root_ts: item_id for item_id, _, root_ts in conversations}
        seen = places(slack, clickup, await left_at(cluster, since), items)
        dead = await cluster.dead()
        calls = await calls_since(cluster, since)
        said = [one for story in stories for one in story.said]
        old = outdated(said, {str(key_in(each["text"])): each["text"] for each in (*slack, *clickup)})
        keys = {one.key for one in said}
        accepted = [each for each in sender.accepted if each.key in keys]
        unasked = check(accepted, seen, dead=dead)
        strict = check(accepted, seen, dead=dead, reorder_window_seconds=0)
        judged = check(accepted, seen, dead=dead, reorder_window_seconds=WINDOW_SECONDS)
        verdict = replace(judged, inversions=(*judged.inversions, *old))
        report = Report(
            name="order",
            seed=seed,
            faults={"SIGKILL worker": len(kills), **calls.faults},
            load={
                "conversations": count,
                "events": len(arrivals),
                "of them edits": sum(each.edit for each in arrivals),
            },
            counts={
                "accepted": len(sender.accepted),
                "seen": len(seen),
                "dead": len(dead),
                "edits outdated": len(old),
                "marked late": len(verdict.late),
                "late without a mark": len(unasked.inversions),
                "late although accepted before": len(strict.inversions),
                "calls": len(calls.entries),
                "doubled for a moment and healed": await healed(cluster, since),
            },
            recovery=[],
            verdict=verdict,
            figures={"seconds until all was out": seconds},
        )
        await recording.keep(cluster, report)
        assert len(accepted) == len(said)
        assert len(sender.accepted) == len(arrivals)
        assert verdict.ok, "\n".join((str(verdict), *explained(judged.inversions, sender.accepted, seen)))
        assert dead == {}
        assert kills
