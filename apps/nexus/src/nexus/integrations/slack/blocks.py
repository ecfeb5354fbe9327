"""How a card and a reply look in Slack. Pure: data in, Block Kit out.

Limits: docs.slack.dev/reference/block-kit (header 150, section 3,000, field 2,000, 50 blocks; a message as a
whole is refused beyond some 13,000 characters). All text from people is escaped, and `verbatim` keeps Slack
from turning plain text into links and mentions by itself.
"""

from datetime import datetime
from typing import Any

from nexus.integrations.slack.payloads import MARKER
from nexus.integrations.slack.text import linked, neutralise, pieces, plain_title, truncate, web_link
from nexus.integrations.slack.words import STEP_TICKS, mute_lines, question_line, state_line
from nexus.kit.visible import visible
from nexus.pipeline.facts import CardView, MuteView, QuestionView

Block = dict[str, Any]

STOP_ACTION = "oblivion_stop"
ANSWER_ACTION = "oblivion_answer"
UNMUTE_ACTION = "oblivion_unmute"

_MAX_TITLE_CHARS = 150
_MAX_FALLBACK_CHARS = 4000
_MAX_FIELD_CHARS = 300
_MAX_STATE_CHARS = 700
_MAX_PROGRESS_CHARS = 600
_MAX_NAME_CHARS = 80
_MAX_STEPS = 20
_MAX_STEP_CHARS = 140
_MAX_SECTION_CHARS = 3000
_MAX_REPLY_CHARS = 11_000
_MAX_BUTTON_VALUE_CHARS = 2000
_MAX_BUTTON_CHARS = 75


def marker(delivery_id: str) -> str:
    """The id of a message's first block: by it a lookup recognises the delivery, next to its metadata."""
    return f"{MARKER}{delivery_id}"


def card(view: CardView, delivery_id: str) -> tuple[str, list[Block]]:
    """The root message of a conversation: its fallback text for notifications, and its blocks."""
    title = plain_title(view.title, _MAX_TITLE_CHARS)
    headline = truncate(state_line(view), _MAX_STATE_CHARS)
    text = truncate(f"{neutralise(title)} — {headline}", _MAX_FALLBACK_CHARS)
    header: Block = {
        "type": "header",
        "block_id": marker(delivery_id),
        "text": {"type": "plain_text", "text": title, "emoji": True},
    }
    if view.tombstone is not None:
        struck = neutralise(title).replace("~", "∼")
        notice = f"🪦 ~{struck}~\n{neutralise(view.tombstone, _MAX_STATE_CHARS)}"
        return text, [_section(notice, block_id=marker(delivery_id)), _footer(view)]
    blocks = [header, _summary(view, headline)]
    if view.plan:
        blocks.append(_section(_plan(view.plan)))
    if view.stoppable:
        blocks.append(_stop(view.conversation_id))
    return text, [*blocks, _footer(view)]


def reply(text: str, delivery_id: str, late_at: datetime | None = None) -> tuple[str, list[Block]]:
    """Something said in the thread; with `late_at` marked as older than what is out already."""
    said = visible(text).strip() or "(empty message)"
    body = linked(neutralise(said))
    if len(body) > _MAX_REPLY_CHARS:
        body = truncate(body, _MAX_REPLY_CHARS) + " (cut)"
    blocks = [_section(part) for part in pieces(body, _MAX_SECTION_CHARS) if part.strip()]
    if late_at is not None:
        moment = f"{late_at:%Y-%m-%d %H:%M} UTC"
        local = f"<!date^{int(late_at.timestamp())}^{{date_short_pretty}} {{time}}|{moment}>"
        blocks.insert(0, _context(f"🕓 Written {local}, delivered late"))
    blocks[0]["block_id"] = marker(delivery_id)
    return neutralise(said, _MAX_FALLBACK_CHARS), blocks


def question(view: QuestionView, delivery_id: str) -> tuple[str, list[Block]]:
    """A question with a button for each answer; once it is settled, what became of it in their place."""
    said = visible(view.prompt).strip() or "(empty question)"
    lead = "❓" if view.kind == "ask" else "🔐 May I:"
    body = truncate(f"{lead} {linked(neutralise(said))}", _MAX_SECTION_CHARS)
    drawn = [_section(body, block_id=marker(delivery_id))]
    if view.state == "open" and view.options:
        drawn.append(
            {"type": "actions", "elements": [_answer_button(view, n) for n in range(min(len(view.options), 20))]}
        )
    drawn.append(_context(question_line(view)))
    return neutralise(f"{lead} {said}", _MAX_FALLBACK_CHARS), drawn


def mute(view: MuteView, delivery_id: str) -> tuple[str, list[Block]]:
    """That an agent is silenced and what waits, with buttons as long as they do something."""
    lines = mute_lines(view)
    said = "\n".join(lines)
    if view.muted and view.last_said:
        said += f"\n> {neutralise(' '.join(view.last_said.split()), _MAX_PROGRESS_CHARS)}"
    drawn = [_section(said, block_id=marker(delivery_id))]
    buttons: list[Block] = []
    if view.muted and view.may_unmute:
        buttons.append(
            {
                "type": "button",
                "action_id": UNMUTE_ACTION,
                "text": {"type": "plain_text", "text": "Unmute", "emoji": True},
                "style": "primary",
                "value": view.id,
            }
        )
    if view.muted and view.stoppable:
        buttons.append(_stop_button(view.conversation_id))
    if buttons:
        drawn.append({"type": "actions", "elements": buttons})
    return truncate(lines[0], _MAX_FALLBACK_CHARS), drawn


def _answer_button(view: QuestionView, number: int) -> Block:
    option = view.options[number]
    label = plain_title(option, _MAX_BUTTON_CHARS) or str(number + 1)
    button: Block = {
        "type": "button",
        "action_id": f"{ANSWER_ACTION}:{number}",
        "text": {"type": "plain_text", "text": label, "emoji": True},
        "value": f"{view.id}:{option}"[:_MAX_BUTTON_VALUE_CHARS],
    }
    if view.kind == "approve":
        button["style"] = "primary" if number == 0 else "danger"
    return button


def speaker_name(name: str) -> str:
    """A name to speak under: one short line."""
    return plain_title(name, _MAX_NAME_CHARS)


def _summary(view: CardView, headline: str) -> Block:
    link = web_link(view.url, "Open in ClickUp")
    lines = [headline]
    if view.progress:
        lines.append(f"> {neutralise(' '.join(view.progress.split()), _MAX_PROGRESS_CHARS)}")
    if link:
        lines.append(f"*{link}*")
    facts = (
        ("List", view.list_name),
        ("Status", view.status),
        ("Priority", view.priority or ""),
        ("Requested by", view.requested_by),
        ("Assignees", ", ".join(view.assignees)),
        ("Agent", view.agent or ""),
    )
    fields = [_mrkdwn(f"*{name}*\n{neutralise(value, _MAX_FIELD_CHARS)}") for name, value in facts if value.strip()]
    section = _section("\n".join(lines))
    return {**section, "fields": fields} if fields else section


def _plan(plan: tuple[tuple[str, str], ...]) -> str:
    lines = [
        f"{STEP_TICKS.get(state, '☐')} {neutralise(' '.join(title.split()), _MAX_STEP_CHARS)}"
        for title, state in plan[:_MAX_STEPS]
    ]
    more = len(plan) - _MAX_STEPS
    return "\n".join([*lines, f"… and {more} more"] if more > 0 else lines)


def _stop(conversation_id: str) -> Block:
    return {"type": "actions", "elements": [_stop_button(conversation_id)]}


def _stop_button(conversation_id: str) -> Block:
    return {
        "type": "button",
        "action_id": STOP_ACTION,
        "text": {"type": "plain_text", "text": "Stop", "emoji": True},
        "style": "danger",
        "value": conversation_id[:_MAX_BUTTON_VALUE_CHARS],
        "confirm": {
            "title": {"type": "plain_text", "text": "Stop this task?"},
            "text": {
                "type": "plain_text",
                "text": "Nothing that the agent does for it afterwards takes effect.",
            },
            "confirm": {"type": "plain_text", "text": "Stop it"},
            "deny": {"type": "plain_text", "text": "Keep going"},
            "style": "danger",
        },
    }


def _footer(view: CardView) -> Block:
    alias = neutralise("@" + view.alias.lstrip("@"), _MAX_FIELD_CHARS)
    hint = "closed" if view.tombstone is not None else "reply in this thread to talk to the agent"
    return _context(f"{alias} · {hint}")


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _section(text: str, *, block_id: str | None = None) -> Block:
    section: Block = {"type": "section", "text": _mrkdwn(text)}
    return section if block_id is None else {**section, "block_id": block_id}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text)]}
