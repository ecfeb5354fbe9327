"""From Slack's events to facts: whose message it is, and whether it is a person's. Pure.

Own messages mostly come without a subtype, so the subtype alone decides nothing: whatever has a `bot_id` is no
person's. A link preview comes as `message_changed` too, but without `edited` or with the same words.
Source: docs.slack.dev/reference/events/message and its subtypes.
"""

from nexus.integrations.slack.payloads import (
    Identity,
    Interaction,
    Message,
    MessageEvent,
    ReactionEvent,
    instant,
)
from nexus.pipeline.facts import (
    ButtonPressed,
    Echo,
    Fact,
    Ignored,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Person,
    ReactionAdded,
)

SYNC_TYPE = "oblivion_sync"
"""Type of metadata, and callback id of the shortcut, that ask to copy a message to the tracker."""

_SPOKEN = (None, "file_share", "thread_broadcast")
_SLACKBOT = "USLACKBOT"


def posted(channel_id: str, message: Message, us: Identity) -> MessagePosted | None:
    """The message as a fact; None when no person wrote it."""
    if message.user is None or why_not_human(message, us) or message.subtype not in _SPOKEN:
        return None
    return MessagePosted(
        channel_id=channel_id,
        ts=message.ts,
        thread_ts=message.thread_ts,
        author=Person(message.user),
        text=message.text,
        at=instant(message.ts),
        files=tuple(file.permalink for file in message.files or () if file.permalink),
        sync_requested=message.metadata is not None and message.metadata.event_type == SYNC_TYPE,
    )


def why_not_human(message: Message, us: Identity) -> str | None:
    """Why this is no person's message; None when it is one."""
    if us.wrote(message):
        return "It is a message of our own."
    if message.bot_id or message.user == _SLACKBOT:
        return "It is a bot's message."
    return None if message.user else "Nobody is named as its author."


def message_facts(event: MessageEvent, us: Identity, our_app_id: str | None) -> list[Fact]:
    """What an event of type `message` says."""
    us = us if us.app_id else us.model_copy(update={"app_id": our_app_id})
    match event.subtype:
        case "message_changed":
            return [_changed(event, us)]
        case "message_deleted":
            return [_deleted(event, event.previous_message, event.deleted_ts, us)]
        case None | "bot_message" if us.wrote(event) and event.delivery_ids:
            return [Echo(event.channel, event.ts, min(event.delivery_ids))]
        case _:
            fact = posted(event.channel, event, us)
            reason = why_not_human(event, us) or f"Slack messages of subtype {event.subtype} are not used."
            return [fact or Ignored(reason)]


def _changed(event: MessageEvent, us: Identity) -> Fact:
    now, before = event.message, event.previous_message
    if now is None:
        return Ignored("Slack did not say what was changed.")
    if now.subtype == "tombstone":
        # The first message of a thread with replies is not deleted, but replaced by this.
        return _deleted(event, before, now.ts, us)
    reason = why_not_human(now, us)
    if reason:
        return Ignored(reason)
    if now.subtype not in _SPOKEN:
        return Ignored(f"Slack messages of subtype {now.subtype} are not used.")
    if now.edited is None or (before is not None and before.text == now.text):
        return Ignored("Its words did not change: a link preview or a new reply.")
    author, edited_at, posted_at = Person(now.user or ""), instant(now.edited.ts), instant(now.ts)
    return MessageEdited(event.channel, now.ts, now.thread_ts, author, now.text, edited_at, posted_at)


def _deleted(event: MessageEvent, gone: Message | None, ts: str | None, us: Identity) -> Fact:
    ts = ts or (gone.ts if gone else None)
    if ts is None:
        return Ignored("Slack did not say what was deleted.")
    reason = why_not_human(gone, us) if gone else None
    if reason:
        return Ignored(reason)
    return MessageDeleted(event.channel, ts, gone.thread_ts if gone else None, instant(event.event_ts or event.ts))


def reaction_facts(event: ReactionEvent, us: Identity) -> list[Fact]:
    """What an event of type `reaction_added` says; skin tones do not count."""
    item = event.item
    if item.type != "message" or item.channel is None or item.ts is None:
        return [Ignored("The reaction is not on a message.")]
    if event.user == us.bot_user_id:
        return [Ignored("It is a reaction of our own.")]
    name = event.reaction.partition("::")[0]
    return [ReactionAdded(item.channel, item.ts, name, Person(event.user), instant(event.event_ts))]


def interaction_facts(interaction: Interaction) -> list[Fact]:
    """Pressed buttons, one fact each; the shortcut counts as a button with the message's `ts` as value."""
    channel_id, root_ts, ts = interaction.channel_id, interaction.root_ts, interaction.subject_ts
    if channel_id is None or root_ts is None or ts is None:
        return [Ignored("It was not used on a message in a channel.")]
    user = interaction.user
    who = Person(user.id, user.name or user.username or "")
    if interaction.type == "message_action":
        if interaction.callback_id != SYNC_TYPE or interaction.action_ts is None:
            return [Ignored(f"The shortcut {interaction.callback_id} is not ours.")]
        return [ButtonPressed(channel_id, root_ts, SYNC_TYPE, ts, who, instant(interaction.action_ts))]
    return [
        ButtonPressed(
            channel_id,
            root_ts,
            action.action_id,
            action.value or (action.selected_option.value if action.selected_option else ""),
            who,
            instant(action.action_ts),
        )
        for action in interaction.actions
    ] or [Ignored("Nothing was pressed.")]
