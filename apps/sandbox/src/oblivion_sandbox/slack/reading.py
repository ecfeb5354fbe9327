"""What a message does to the people who read it: whom it pings, and where it leads them.

Takes a message as Slack's clients do, and the worse meaning wherever the documentation leaves two open
(https://docs.slack.dev/messaging/formatting-message-text): the judge of attacks on what is posted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from oblivion_sandbox.jsontypes import JsonObject, as_list, as_object
from oblivion_sandbox.slack.mrkdwn import unescape

_TOKEN = re.compile(r"<([^<>]*)>")
_PLAIN_PING = re.compile(r"(?<!\w)@(?:here|channel|everyone|group)\b|(?<!\w)@[UWS][A-Z0-9]{6,}", re.IGNORECASE)
_PLAIN_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s<>]+|\bwww\.[^\s<>]+", re.IGNORECASE)
_HOST_LIKE = re.compile(r"(?<![\w@.-])(?:[\w-]+\.)+[^\W\d_]{2,}(?![\w-])")
_ORDINARY_HOST = re.compile(r"[a-z0-9.-]+(?::\d+)?", re.IGNORECASE)
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)


@dataclass
class Read:
    """What was found; `texts` is everything that people see, as they see it."""

    pings: list[str] = field(default_factory=list[str])
    links: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """What each link shows, and where it leads."""
    texts: list[str] = field(default_factory=list[str])

    @property
    def fakes(self) -> list[tuple[str, str]]:
        """Links that show another place than the one they lead to, or lead to no web page."""
        return [link for link in self.links if _is_fake(*link)]

    @property
    def hidden(self) -> list[str]:
        """Characters that nobody sees, or that turn the text round."""
        return [character for text in self.texts for character in _UNSEEN.findall(text)]


def read(message: JsonObject, *, link_names: bool = False) -> Read:
    """Reads text, blocks, attachments and the speaker's name of a posted message, or of the call that posts it."""
    found = Read()
    _mrkdwn(str(message.get("text") or ""), found, verbatim=not link_names)
    if name := message.get("username"):
        found.texts.append(str(name))
    for part in ("blocks", "attachments"):
        for inner in as_list(message.get(part)) or []:
            for document in _objects(inner):
                _document(document, found)
    return found


def _document(document: JsonObject, found: Read) -> None:
    match document.get("type"):
        case "plain_text":
            found.texts.append(str(document.get("text")))
        case "mrkdwn":
            _mrkdwn(str(document.get("text")), found, verbatim=document.get("verbatim") is True)
        case "markdown":
            _mrkdwn(str(document.get("text")), found, verbatim=False)
        case "text":
            found.texts.append(str(document.get("text")))
        case "user" | "usergroup" | "broadcast":
            found.pings.append(str(document.get("user_id") or document.get("usergroup_id") or document.get("range")))
        case "link":
            url = str(document.get("url"))
            found.links.append((str(document.get("text") or url), url))
        case _:
            if isinstance(url := document.get("url"), str):
                found.links.append((str((as_object(document.get("text")) or {}).get("text", "")), url))


def _mrkdwn(text: str, found: Read, *, verbatim: bool) -> None:
    shown: list[str] = []
    end = 0
    for match in _TOKEN.finditer(text):
        shown += [unescape(text[end : match.start()]), _token(match[1], found)]
        end = match.end()
    plain = [*shown, unescape(text[end:])]
    if not verbatim:
        for part in plain[::2]:
            found.pings += _PLAIN_PING.findall(part)
            found.links += [(url, url) for url in _PLAIN_URL.findall(part)]
    found.texts.append("".join(plain))


def _token(inner: str, found: Read) -> str:
    target, _, label = inner.strip().partition("|")
    target, label = unescape(target).strip(), unescape(label)
    if target[:1] == "!" and target[1:].partition("^")[0] == "date":
        return label
    if target[:1] in ("!", "@"):
        found.pings.append(target)
        return label or target
    if target[:1] != "#":
        found.links.append((label or target, target))
    return label or target


def _is_fake(shown: str, url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return True
    if parts.scheme not in ("http", "https") or not _ORDINARY_HOST.fullmatch(parts.netloc):
        return True
    if shown == url:
        return False
    return any(seen.casefold() != host for seen in _HOST_LIKE.findall(shown))


def _objects(value: Any) -> Iterator[JsonObject]:
    document = as_object(value)
    if document is not None:
        yield document
        if document.get("type") in ("mrkdwn", "plain_text", "text"):
            return
        for inner in document.values():
            yield from _objects(inner)
    for inner in as_list(value) or []:
        yield from _objects(inner)
