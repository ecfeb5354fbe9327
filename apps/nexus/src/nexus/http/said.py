"""How what was said in a conversation is shown: by whom, as what, and in which tools it can be seen. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from nexus.pipeline.facts import AddNote, EditNote, Intent, PostQuestion, PostReply, UpdateQuestion
from nexus.pipeline.sync_rules import judge
from oblivion_protocol.operating import ConversationEntry, Sighting

OBLIVION = "Oblivion"
ASIDE = "(an aside: it stays in the chat)"
_SAME_WORDS_WITHIN = timedelta(minutes=5)

Kind = Literal["root", "message", "question", "answer", "result", "note"]


@dataclass(frozen=True, slots=True)
class Effect:
    """A delivery, as far as it tells whether something can be seen."""

    id: UUID
    kind: str
    sink: str
    state: str
    reason: str | None
    order: tuple[int, UUID]
    created_at: datetime
    effect_key: str
    intent: Intent
    message_id: UUID | None


@dataclass(frozen=True, slots=True)
class Place:
    """One of the two tools of a conversation, and the address of the conversation there."""

    tool: str
    url: str | None = None


def sighting(place: Place, effects: Sequence[Effect], absent: str) -> Sighting:
    """Whether something can be seen in a tool, from the deliveries that put it there and changed it.

    `absent` says why there may be none.
    """
    here = sorted((one for one in effects if one.sink == place.tool), key=lambda one: one.order)
    if not here:
        return Sighting(tool=place.tool, state="not_mirrored", url=None, why=absent)
    first, last = here[0], here[-1]
    match first.state:
        case "dead":
            return Sighting(tool=place.tool, state="failed", url=None, why=first.reason)
        case "superseded":
            return Sighting(tool=place.tool, state="not_mirrored", url=None, why=first.reason)
        case "done" if last.state == "dead":
            why = f"It stands there as it was before: {last.reason}"
            return Sighting(tool=place.tool, state="failed", url=place.url, why=why)
        case "done" if last.state in ("done", "superseded"):
            return Sighting(tool=place.tool, state="mirrored", url=place.url, why=None)
        case _:
            why = last.reason if first.state == "done" else first.reason
            return Sighting(tool=place.tool, state="pending", url=None, why=why)


def origin(place: Place) -> Sighting:
    """Where it was said."""
    return Sighting(tool=place.tool, state="origin", url=place.url, why=None)


def why_not_commented(rule: str | None, keyword: str) -> str:
    """Why a reply in the chat is no comment in the tracker, by the rule of its list."""
    match rule:
        case "keyword":
            return f"Only messages that begin with {keyword} become comments."
        case "metadata":
            return "Only messages with metadata of type oblivion_sync become comments."
        case "reaction":
            return "Only messages with the reaction :clipboard: become comments."
        case "all":
            return "It was written before the list's rule was to take over everything."
        case _:
            return "The list is linked to no channel any more."


def shown_text(text: str) -> str:
    """The text, unless an edit has made it one that must not leave the chat."""
    verdict = judge(text, rule="reaction", keyword="", sync_requested=False)
    return ASIDE if verdict.kind == "aside" else text


def spoken(effect: Effect, said: PostReply, tools: Sequence[Place], outcomes: frozenset[str]) -> ConversationEntry:
    """What an agent, or Oblivion itself, said in the thread. `outcomes` are the effect keys of results."""
    speaker = said.speaker.name
    kind: Kind = "result" if effect.effect_key in outcomes else "message" if speaker else "note"
    return ConversationEntry(
        id=str(effect.id),
        at=effect.created_at,
        author=speaker or OBLIVION,
        author_kind="agent" if speaker else "oblivion",
        kind=kind,
        text=said.text,
        seen_in=[sighting(place, [effect], "What agents say is written to the thread only.") for place in tools],
        edited_at=None,
        deleted_at=None,
    )


def with_answers(entries: Sequence[ConversationEntry], answers: Sequence[ConversationEntry]) -> list[ConversationEntry]:
    """Entries and answers as one list: an answer that somebody typed is the message that they typed."""
    merged = list(entries)
    for answer in answers:
        typed = next((place for place, one in enumerate(merged) if _is_same(one, answer)), None)
        if typed is None:
            merged.append(answer)
        else:
            merged[typed] = merged[typed].model_copy(update={"kind": "answer"})
    return sorted(merged, key=lambda one: (one.at, UUID(one.id)))


def question_of(intent: Intent) -> str | None:
    """The id of the question that a delivery asks, or says the outcome of."""
    match intent:
        case PostQuestion() | AddNote() | UpdateQuestion() | EditNote():
            return intent.question_id
        case _:
            return None


def answer_id(question_id: UUID) -> str:
    """The answer's own id, always the same."""
    return str(uuid5(question_id, "answer"))


def _is_same(message: ConversationEntry, answer: ConversationEntry) -> bool:
    return (
        message.kind == "message"
        and message.author_kind == "person"
        and message.author == answer.author
        and message.text.strip().casefold() == answer.text.strip().casefold()
        and abs(message.at - answer.at) <= _SAME_WORDS_WITHIN
    )
