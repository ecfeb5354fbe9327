"""Titles, replies, names, options and answers made to ping, to fake links and to hide, drawn as Nexus draws them."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from attacks.conftest import Figures
from attacks.hostile import hostile

from nexus.integrations.clickup import text as clickup
from nexus.integrations.slack import blocks
from nexus.pipeline.facts import CardView, MuteView, Person, QuestionView
from oblivion_sandbox.slack.blocks import read_blocks
from oblivion_sandbox.slack.reading import Read, read

TEXTS = 100_000
AT = datetime(2026, 1, 2, tzinfo=UTC)
PERMALINK = "https://acme.slack.example/archives/C1/p1"
Drawn = tuple[str, list[dict[str, Any]]]
Posted = tuple[str, Drawn]
"""Under which name, and what."""


def test_no_text_of_anybody_pings_fakes_a_link_or_hides(
    size: Callable[[int], int], dice: random.Random, figures: Figures
) -> None:
    texts = size(TEXTS)
    messages, comments = 0, 0
    bad: dict[str, list[Any]] = {"pings": [], "fake_links": [], "unseen_characters": [], "comments_without_proof": []}
    while texts > 0:
        # Eight texts go into one conversation: what they cannot do alone they may try together.
        words = [hostile(dice) for _ in range(8)]
        texts -= len(words)
        for said in slack_messages(dice, words):
            messages += 1
            seen = judged(said)
            bad["pings"] += seen.pings
            bad["fake_links"] += seen.fakes
            bad["unseen_characters"] += seen.hidden
        for comment, proof in clickup_comments(dice, words):
            comments += 1
            bad["unseen_characters"] += read({"text": comment.replace("<", "‹")}).hidden
            bad["comments_without_proof"] += [] if comment.splitlines()[-1].endswith(proof) else [comment]
    figures.keep(
        "Hostile titles, replies, names and options",
        texts=size(TEXTS),
        slack_messages=messages,
        clickup_comments=comments,
        **{name: len(found) for name, found in bad.items()},
    )
    assert bad == {name: [] for name in bad}


def judged(posted: Posted) -> Read:
    """What people see of a message that Slack has taken: its limits are checked, too."""
    name, (text, drawn_blocks) = posted
    call = json.loads(json.dumps({"text": text, "blocks": drawn_blocks, "username": name}))
    assert 0 < len(text) <= 4000
    read_blocks(call["blocks"])
    return read(call)


def slack_messages(dice: random.Random, words: list[str]) -> Iterator[Posted]:
    """Everything that is ever posted, with hostile words in every place that holds words."""
    one, two, three, four, five, six, seven, eight = words
    name = blocks.speaker_name(five)
    card = blocks.card(
        CardView(
            conversation_id="c1", title=one, url=dice.choice((two, f"https://app.clickup.example/t/{two}")),
            list_name=three, status=four, priority=five, requested_by=six, assignees=(seven, eight), alias=two,
            agent=dice.choice((None, three)), task_id=None, state=dice.choice(("working", "submitted", "failed", four)),
            reason=dice.choice((None, "muted", "agent_offline", five)), progress=six,
            plan=tuple((title, dice.choice(("done", "pending", "?"))) for title in words), stoppable=True,
            tombstone=dice.choice((None, None, seven)),
        ),
        "d1",
    )  # fmt: skip
    yield name, card
    yield name, blocks.reply(one, "d1")
    yield name, blocks.reply("\n".join(words), "d1", AT)
    yield name, blocks.question(question(dice, words), "d1")
    muted = blocks.mute(
        MuteView(
            id="m1", conversation_id="c1", agent=one, reason=two, waiting=3, posted=1, dropped=1, last_said=three,
            muted=dice.random() < 0.5, may_unmute=dice.random() < 0.5, stoppable=True, ended_by=four,
        ),
        "d1",
    )  # fmt: skip
    yield name, muted


def question(dice: random.Random, words: list[str]) -> QuestionView:
    kind = dice.choice(("ask", "approve"))
    options = ("Approve", "Deny") if kind == "approve" else tuple(words[: dice.randrange(1, 8)])
    return QuestionView(
        id="q1", kind=kind, prompt=words[0], options=options, approvers=tuple(words[1:3]),
        state=dice.choice(("open", "answered", "expired", "withdrawn")), answer=dice.choice((options[0], words[3])),
        answered_by=words[4], expires_at=dice.choice((None, AT)), agent=words[5],
    )  # fmt: skip


def clickup_comments(dice: random.Random, words: list[str]) -> Iterator[tuple[str, str]]:
    """Every comment, and the proof that its last line ends with."""
    yield clickup.mirrored_comment(Person("U1", words[0]), words[1], PERMALINK), PERMALINK
    yield clickup.mirrored_comment(Person("U1", words[2]), "\n".join(words), PERMALINK, AT), PERMALINK
    yield clickup.deleted_comment(Person("U1", words[3]), PERMALINK), PERMALINK
    yield clickup.question_note(question(dice, words), f"{PERMALINK}#question-1"), f"{PERMALINK}#question-1"
