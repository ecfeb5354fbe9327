"""The words and signs for the states of a task, as people read them in Slack. Pure."""

from nexus.integrations.slack.text import neutralise
from nexus.pipeline.facts import CardView, MuteView, QuestionView

STEP_TICKS = {"done": "✅", "running": "▸", "pending": "☐", "failed": "✗"}
"""Signs for the states of the protocol's `PlanStep`."""

_STATES: dict[str, tuple[str, str]] = {
    "submitted": ("⏳", "Waiting for an agent"),
    "offered": ("📨", "Offered to {agent}"),
    "working": ("⚙️", "{agent} is working"),
    "input_required": ("❓", "{agent} needs an answer in this thread"),
    "approval_required": ("🔐", "{agent} needs an approval"),
    "completed": ("✅", "Done by {agent}"),
    "failed": ("❌", "{agent} could not do it"),
    "canceled": ("🛑", "Stopped"),
    "rejected": ("🚫", "Declined"),
    "expired": ("⌛", "Expired: no agent took it in time"),
}

_REASONS = {
    "agent_offline": "no agent of {alias} is online; it starts as soon as one is",
    "agent_busy": "every agent of {alias} is busy; it starts as soon as one is free",
    "muted": "{alias} is muted; it starts once somebody unmutes it",
    "no_agent": "no agent stands behind {alias} yet; an operator has to add one",
    "no_skill": "no agent of {alias} can do this kind of work",
    "not_accepted": "the agent did not take it in time; it is offered again",
    "lease_lost": "the agent was lost on the way; it is offered again",
    "rejected": "the agent declined it; it is offered again",
}


_STALE = "no sign of life from it for half an hour; it still holds the task"
_MAX_ANSWER_CHARS = 1000


def question_line(view: QuestionView) -> str:
    """How to answer, or what became of the question, in one line of mrkdwn."""
    match view.state:
        case "answered":
            by = neutralise(view.answered_by or "somebody", 100)
            if view.kind == "approve":
                return f"{'✅ Approved' if view.answer == view.options[0] else '⛔ Denied'} by {by}"
            return f"✅ *{neutralise(view.answer or '', _MAX_ANSWER_CHARS)}* — {by}"
        case "expired":
            return "⌛ Nobody answered in time. That is not a no: the agent may ask again."
        case "withdrawn":
            return "Not needed any more."
        case "open":
            until = ""
            if view.expires_at is not None:
                moment = f"{view.expires_at:%Y-%m-%d %H:%M} UTC"
                at = f"<!date^{int(view.expires_at.timestamp())}^{{date_short_pretty}} {{time}}|{moment}>"
                until = f" · until {at}"
            if view.kind == "approve":
                who = neutralise(", ".join(view.approvers), 300)
                return f"{f'Only {who} may decide' if who else 'Anybody in this channel may decide'}{until}"
            how = "Press one, or reply with it in this thread" if view.options else "Reply in this thread to answer"
            return how + until


def mute_lines(view: MuteView) -> list[str]:
    """That an agent is silenced, why, and what became of what it said meanwhile; in lines of mrkdwn."""
    agent = neutralise(view.agent, 100)
    lines = [f"🔇 *{agent} is muted*: {neutralise(view.reason, 300)}"]
    if not view.muted:
        by = neutralise(view.ended_by or "somebody", 100)
        lines = [f"🔊 *{agent} may speak again*, says {by}"]
    if view.waiting:
        follows = "They wait; nothing is lost." if view.muted else "They follow in a moment."
        lines.append(f"{_messages(view.waiting)} held back. {follows}")
    if view.posted:
        lines.append(f"{_messages(view.posted)} held back, and posted below.")
    if view.dropped:
        lines.append(f"{_messages(view.dropped)} held back, and not posted: the task was stopped.")
    if view.muted and not view.may_unmute:
        lines.append("An operator decided this; it is taken back in the dashboard.")
    return lines


def _messages(count: int) -> str:
    return "1 message was" if count == 1 else f"{count:,} messages were"


def state_line(view: CardView) -> str:
    """Where the task stands and why, in one line of mrkdwn."""
    if view.tombstone is not None:
        return neutralise(view.tombstone)
    sign, words = _STATES.get(view.state, ("•", neutralise(view.state.replace("_", " "))))
    agent = neutralise(view.agent, 100) if view.agent else "an agent"
    if words.startswith("{agent}") and not view.agent:
        agent = "An agent"
    line = f"{sign} *{words.replace('{agent}', agent)}*"
    if not view.reason:
        return line
    known = _REASONS.get(view.reason) if view.state == "submitted" else None
    if view.reason == "stale" and view.state == "working":
        known = _STALE
    alias = neutralise("@" + view.alias.lstrip("@"), 100)
    return f"{line} — {known.replace('{alias}', alias) if known else neutralise(view.reason)}"
